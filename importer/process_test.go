package importer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
)

// jobVariable turns this test program into a process that imports once.
const jobVariable = "EINLASS_IMPORTER_TEST_JOB"

func TestMain(m *testing.M) {
	if text := os.Getenv(jobVariable); text != "" {
		if err := importOnce(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// job is what an importing process does, and how it is interrupted.
type job struct {
	Path, URL string // of the directory
	KeyFile   string
	Now       time.Time
	People    []importer.Person
	Approve   users.RunID // applies this plan instead of making one
	Work      bool        // does what is due instead

	Signal  syscall.Signal // that the process sends itself; 0: none
	At      int            // after so many statements and transactions
	Commits bool           // counts transactions alone, so that it is outside of any

	MaxFileBytes int64 // no file may grow beyond it, as on a full disk; 0: any
}

// importOnce does a job and prints how the run ended.
func importOnce(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	ctx := context.Background()
	resumed := make(chan os.Signal, 1)
	signal.Notify(resumed, syscall.SIGCONT)
	var counted atomic.Int64
	store, err := sqlstore.Open(ctx, sqlstore.Config{Path: j.Path, URL: j.URL, Observe: func(operation string, _ time.Duration) {
		if j.Signal != 0 && (operation == "update" || !j.Commits) && counted.Add(1) == int64(j.At) {
			_ = syscall.Kill(os.Getpid(), j.Signal) // a process may signal itself
			<-resumed                               // nothing else happens before the signal works
		}
	}})
	if err != nil {
		return err
	}
	engine, err := j.engine(store)
	if err != nil {
		return err
	}
	if j.MaxFileBytes > 0 {
		signal.Ignore(syscall.SIGXFSZ) // the write fails instead
		limit := syscall.Rlimit{Cur: uint64(j.MaxFileBytes), Max: uint64(j.MaxFileBytes)}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			return err
		}
	}
	counted.Store(0)
	var run users.Run
	switch {
	case j.Work:
		err = importer.DoWork(engine, ctx, hr)
	case j.Approve != "":
		run, err = engine.Approve(ctx, j.Approve, "cli:boss")
	default:
		run, err = engine.Run(ctx, importer.Request{Connection: hr, Actor: "cli:process"})
	}
	fmt.Println(ending{State: run.State, LeaseLost: errors.Is(err, users.ErrLeaseLost), Error: fmt.Sprint(err)})
	return nil
}

func (j job) engine(store *sqlstore.Store) (*importer.Engine, error) {
	sealer, err := keys.LoadMasterKey(j.KeyFile, keys.MasterKeyOptions{})
	if err != nil {
		return nil, err
	}
	now := func() time.Time { return j.Now }
	directory, err := users.New(users.Config{Store: store.ForImports(), Sealer: sealer, Now: now})
	if err != nil {
		return nil, err
	}
	source := &company{pageSize: 20, people: j.People}
	return importer.New(importer.Config{
		Directory: directory, Holder: "process", Now: now,
		Open:     func(users.Application, keys.Secret) (importer.Source, error) { return source, nil },
		Mappings: map[string]users.Mapping{"personio": mapping},
	})
}

// ending is how the run of a process ended.
type ending struct {
	State     users.RunState
	LeaseLost bool
	Error     string
}

func (e ending) String() string {
	text, _ := json.Marshal(e) // three plain fields
	return string(text)
}

// process is a started job.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	output strings.Builder
}

// start starts a process on the directory of b that imports its company.
func (b *bench) start(j job) *process {
	b.t.Helper()
	j.Path, j.URL, j.KeyFile, j.Now = b.location.Path, b.location.URL, b.keyFile, b.clock.Now()
	j.People = slices.Clone(b.company.people)
	text, err := json.Marshal(j)
	if err != nil {
		b.t.Fatal(err)
	}
	p := &process{t: b.t, cmd: exec.CommandContext(b.t.Context(), os.Args[0])}
	p.cmd.Env = append(os.Environ(), jobVariable+"="+string(text))
	p.cmd.Stdout, p.cmd.Stderr = &p.output, os.Stderr
	if err := p.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	return p
}

// ended waits for the process and returns how its run ended.
func (p *process) ended() ending {
	p.t.Helper()
	if err := p.cmd.Wait(); err != nil {
		p.t.Fatalf("importing process: %v", err)
	}
	var e ending
	if err := json.Unmarshal([]byte(p.output.String()), &e); err != nil {
		p.t.Fatalf("importing process printed %q: %v", p.output.String(), err)
	}
	return e
}

// killed waits for the end of the process and reports whether it killed itself.
func (p *process) killed() bool {
	p.t.Helper()
	exit, failed := errors.AsType[*exec.ExitError](p.cmd.Wait())
	if failed && exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		p.t.Fatalf("importing process: %v", exit)
	}
	return failed
}

// stopped waits until the process has stopped itself.
func (p *process) stopped() {
	p.t.Helper()
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(p.cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		p.t.Fatalf("importing process is not stopped: status %v, error %v, %s", status, err, p.output.String())
	}
}

// goOn lets a stopped process go on.
func (p *process) goOn() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		p.t.Fatal(err)
	}
}
