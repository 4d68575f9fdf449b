package session

import "strings"

// Agent is the browser of a session in the words by which its person knows it.
// Versions are left out: nobody needs them for that, and they would tell people's browsers apart.
type Agent struct {
	Browser string `json:"browser,omitempty"` // such as Firefox; empty: not known
	System  string `json:"system,omitempty"`  // such as Windows; empty: not known
}

// agentMark is how something shows in a User-Agent header.
type agentMark struct{ mark, name string }

// Browsers name those before them whose pages they want, so the first that fits counts.
var browserMarks = []agentMark{
	{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"EdgiOS/", "Edge"},
	{"OPR/", "Opera"}, {"OPT/", "Opera"},
	{"SamsungBrowser/", "Samsung Internet"},
	{"Vivaldi/", "Vivaldi"},
	{"DuckDuckGo/", "DuckDuckGo"}, {"Ddg/", "DuckDuckGo"},
	{"FxiOS/", "Firefox"}, {"Firefox/", "Firefox"},
	{"CriOS/", "Chrome"}, {"Chrome/", "Chrome"},
	{"Safari/", "Safari"},
}

// An Android device says Linux, too.
var systemMarks = []agentMark{
	{"iPhone", "iOS"}, {"iPad", "iPadOS"}, {"Android", "Android"}, {"CrOS", "ChromeOS"},
	{"Windows", "Windows"}, {"Macintosh", "macOS"}, {"Linux", "Linux"},
}

// ParseAgent returns what a User-Agent header says. Nothing of the header itself is kept.
func ParseAgent(header string) Agent {
	return Agent{Browser: firstMark(browserMarks, header), System: firstMark(systemMarks, header)}
}

func firstMark(marks []agentMark, header string) string {
	for _, m := range marks {
		if strings.Contains(header, m.mark) {
			return m.name
		}
	}
	return ""
}
