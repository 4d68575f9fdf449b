package e2e

import (
	"debug/elf"
	"regexp"
	"runtime"
	"strconv"
	"testing"

	"github.com/einlass/einlass/importer/personio/personiotest"
)

// The program is one file that asks for no interpreter and no library.
// F-130
func TestTheProgramNeedsNothingElse(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("reads a program of Linux")
	}
	path, err := binary()
	must(t, err)
	file, err := elf.Open(path)
	must(t, err)
	defer file.Close()
	for _, part := range file.Progs {
		if part.Type == elf.PT_INTERP || part.Type == elf.PT_DYNAMIC {
			t.Errorf("the program is linked at its start: %s", part.Type)
		}
	}
}

// A server that nobody uses takes less than 64 MiB of memory.
// F-133
func TestAnIdleServerIsSmall(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the size of the process is read on Linux")
	}
	h := newHouse(t, stores{}, personiotest.Config{People: 1200, Seed: 3})
	h.ok("", "import", "run")
	told := fetch(t, h.serve(h.address).manage+"/metrics")
	match := regexp.MustCompile(`(?m)^process_resident_memory_bytes (\S+)$`).FindStringSubmatch(told)
	if match == nil {
		t.Fatal("/metrics does not tell the size of the process")
	}
	size, err := strconv.ParseFloat(match[1], 64)
	must(t, err)
	if size >= 64<<20 {
		t.Errorf("%.0f MiB, want less than 64", size/(1<<20))
	}
}
