package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
)

func TestExitCodesSayWhoIsToAct(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		want exitCode
	}{
		{"nothing", nil, exitOK},
		{"source unreachable", fmt.Errorf("import: %w", importer.ErrUnreachable), exitFailed},
		{"credentials refused", importer.ErrCredentials, exitFailed},
		{"feed corrupt", importer.ErrCorrupt, exitFailed},
		{"broken configuration", configError{{text: "x"}}, exitUsage},
		{"wrong argument", usagef("no person"), exitUsage},
		{"lease held", fmt.Errorf("import: %w", users.ErrLeaseHeld), exitRefused},
		{"mandatory attribute", importer.ErrAttribute, exitRefused},
		{"newer schema", sqlstore.ErrSchemaNewer, exitRefused},
		{"older schema", sqlstore.ErrSchemaOlder, exitRefused},
		{"held, and the report could not be printed", errors.Join(importer.ErrHeld, errors.New("broken pipe")), exitRefused},
		{"stale plan", importer.ErrStale, exitRefused},
		{"wrong approver", fmt.Errorf("approve: %w", importer.ErrApprover), exitRefused},
		{"not confirmed", fmt.Errorf("x: %w", errNotConfirmed), exitRefused},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := exitCodeOf(test.err); got != test.want {
				t.Errorf("exit code %d, want %d", got, test.want)
			}
		})
	}
}

// N224: other users of the machine see the arguments of every process.
func TestNoCommandTakesASecretAsArgument(t *testing.T) {
	t.Parallel()
	parser, err := kong.New(&commands{})
	if err != nil {
		t.Fatal(err)
	}
	var visit func(n *kong.Node)
	visit = func(n *kong.Node) {
		if n.Name == "simulate" {
			return // its secrets open nothing
		}
		for _, f := range n.Flags {
			if strings.Contains(f.Name, "password") || strings.Contains(f.Name, "secret") {
				t.Errorf("%s takes --%s", n.FullPath(), f.Name)
			}
		}
		for _, p := range n.Positional {
			if strings.Contains(p.Name, "password") || strings.Contains(p.Name, "secret") {
				t.Errorf("%s takes <%s>", n.FullPath(), p.Name)
			}
		}
		for _, child := range n.Children {
			visit(child)
		}
	}
	visit(parser.Model.Node)
}

// Who asks for help finds each command and each flag explained.
func TestEverythingOnTheCommandLineIsExplained(t *testing.T) {
	t.Parallel()
	parser, err := kong.New(&commands{})
	if err != nil {
		t.Fatal(err)
	}
	var visit func(n *kong.Node)
	visit = func(n *kong.Node) {
		if n.Help == "" && n.Type != kong.ApplicationNode {
			t.Errorf("%s has no help", n.FullPath())
		}
		for _, value := range append(n.Positional, valuesOf(n.Flags)...) {
			if value.Help == "" {
				t.Errorf("%s: %s has no help", n.FullPath(), value.Name)
			}
		}
		for _, child := range n.Children {
			visit(child)
		}
	}
	visit(parser.Model.Node)
}

func valuesOf(flags []*kong.Flag) []*kong.Value {
	var values []*kong.Value
	for _, f := range flags {
		values = append(values, f.Value)
	}
	return values
}

// N205
func TestCSVCellsAreNoFormulas(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	list := table{header: []string{"a"}, rows: [][]string{
		{"=1+1"}, {"+49 30 1"}, {"-1"}, {"@x"}, {"\tx"}, {"\rx"}, {"＝x"}, {"plain"}, {""}, {`a "b", c`}, {"two\nlines"},
	}}
	if err := writeList(&b, formatCSV, list, nil); err != nil {
		t.Fatal(err)
	}
	want := "a\n'=1+1\n'+49 30 1\n'-1\n'@x\n'\tx\n\"'\rx\"\n'＝x\nplain\n\n\"a \"\"b\"\", c\"\n\"two\nlines\"\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}
}

func TestTablesCannotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	list := table{header: []string{"name"}, rows: [][]string{{"\x1b[31mAda\x07\n\u009b2J"}}}
	if err := writeList(&b, formatTable, list, nil); err != nil {
		t.Fatal(err)
	}
	if want := "NAME\n�[31mAda���2J\n"; b.String() != want {
		t.Errorf("table is %q, want %q", b.String(), want)
	}
}

func TestPasswordIsOneLine(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, input, want string }{
		{"with a newline", "correct horse \n", "correct horse "},
		{"without a newline", "correct horse", "correct horse"},
		{"from Windows", "correct horse\r\n", "correct horse"},
		{"first line only", "one\ntwo\n", "one"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := readLine(strings.NewReader(test.input), "password")
			if err != nil || got.Reveal() != test.want {
				t.Errorf("password %q, error %v, want %q", got.Reveal(), err, test.want)
			}
		})
	}
	if _, err := readLine(strings.NewReader(""), "password"); exitCodeOf(err) != exitUsage {
		t.Errorf("empty input: error %v, want a usage error", err)
	}
}

func TestHealthCheckCallsALocalAddress(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]string{
		":9090":          "localhost:9090",
		"0.0.0.0:9090":   "localhost:9090",
		"[::]:9090":      "localhost:9090",
		"127.0.0.1:9090": "127.0.0.1:9090",
		"10.0.0.5:9090":  "10.0.0.5:9090",
	} {
		if got := localAddress(listen); got != want {
			t.Errorf("localAddress(%q) = %q, want %q", listen, got, want)
		}
	}
}
