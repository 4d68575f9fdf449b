package main

import "fmt"

// didYouMean returns a hint at the known name nearest to a misspelt one, or nothing.
func didYouMean(name string, known []string) string {
	best, distance := "", max(2, len(name)/3)+1
	for _, candidate := range known {
		if d := editDistance(name, candidate); d < distance {
			best, distance = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// maxTypos is how many characters a misspelt variable may differ in.
const maxTypos = 2

// misspelt returns the known name that somebody who wrote name must have meant, or nothing.
func misspelt(name string, known []string) string {
	for _, candidate := range known {
		if editDistance(name, candidate) <= maxTypos {
			return candidate
		}
	}
	return ""
}

// editDistance is how many characters must be put in, taken out or replaced to
// turn a into b (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
