package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/einlass/einlass/provider/admin"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

type appsWatch struct {
	actorFlags
	showFlags
	ID   string        `arg:"" help:"Id of the application."`
	For  time.Duration `default:"10m" help:"How long to watch. Default: ${default}. Ctrl-C ends it, too."`
	Once bool          `help:"End as soon as it is clear whether the sign-in works."`
}

const (
	watchEvery      = 250 * time.Millisecond
	renewEvery      = 30 * time.Second
	watchEndTimeout = 5 * time.Second
	// watchSkew is how far behind ours the clock of a server may be.
	watchSkew = 2 * time.Minute
	// watchedCalls is how many calls are read at once.
	watchedCalls = 2 * users.MaxCallsKept
)

func (c appsWatch) Run(ctx context.Context, s *shell) error {
	if c.For <= 0 {
		return usagef("--for must be more than nothing")
	}
	return s.with(ctx, func(a *app) error {
		application, err := findApplication(ctx, a, c.ID)
		if err != nil {
			return err
		}
		if application.SignIn == nil {
			return usagef("%s has no sign-in: nothing calls us for it", c.ID)
		}
		actor, err := c.actor(ctx, a)
		if err != nil {
			return err
		}
		return c.watch(ctx, s, a, application, actor)
	})
}

// watch prints calls until the time is over, and returns an error unless the sign-in has worked.
func (c appsWatch) watch(ctx context.Context, s *shell, a *app, application users.Application, actor users.Actor) (err error) {
	w := &watcher{
		shell: s, app: a, application: application, output: c.Output, words: web.English(),
		seen: map[string]bool{}, names: map[users.ID]string{},
	}
	if _, err := w.read(ctx); err != nil { // what an earlier watch has left
		return err
	}
	w.since = time.Now().Add(-watchSkew)
	watch, err := a.Directory.Watch(ctx, actor, application.ID, string(users.NewID()), users.WatchLife)
	if err != nil {
		return err
	}
	defer func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), watchEndTimeout)
		defer cancel()
		err = errors.Join(err, a.Directory.EndWatch(last, watch))
	}()

	limited, stop := context.WithTimeout(ctx, c.For)
	defer stop()
	if err := w.follow(limited, watch, c.Once); err != nil && limited.Err() == nil {
		return err
	}
	if w.verdict.State != users.VerdictWorks {
		return fmt.Errorf("%w for %s", errNotWorking, application.ID)
	}
	return nil
}

var errNotWorking = errors.New("no sign-in has worked")

// follow prints what comes until ctx ends or, with once, until the verdict is settled.
func (w *watcher) follow(ctx context.Context, watch users.Watch, once bool) error {
	ready, next, renew := time.NewTimer(users.WatchLearned), time.NewTicker(watchEvery), time.NewTicker(renewEvery)
	defer ready.Stop()
	defer next.Stop()
	defer renew.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-ready.C:
			err = w.printReady()
		case <-renew.C:
			_, err = w.app.Directory.RenewWatch(ctx, watch, users.WatchLife)
		case <-next.C:
			err = w.show(ctx)
		}
		if err != nil || once && w.verdict.State != users.VerdictWaiting && w.verdict.State != "" {
			return err
		}
	}
}

// watcher shows the calls of an application.
type watcher struct {
	*shell
	app         *app
	application users.Application
	output      string
	words       *web.Words

	since   time.Time
	seen    map[string]bool // ids of calls
	calls   []users.Call    // shown, oldest first
	verdict users.Verdict
	names   map[users.ID]string
}

// read returns the calls that are new.
func (w *watcher) read(ctx context.Context) ([]users.Call, error) {
	all, err := w.app.Directory.Read().Calls(ctx, w.application.ID, w.since, watchedCalls)
	if err != nil {
		return nil, err
	}
	var fresh []users.Call
	for _, call := range all {
		if !w.seen[call.ID] {
			w.seen[call.ID] = true
			fresh = append(fresh, call)
		}
	}
	return fresh, nil
}

// show prints new calls, and the verdict if it has changed.
func (w *watcher) show(ctx context.Context) error {
	fresh, err := w.read(ctx)
	if err != nil || len(fresh) == 0 {
		return err
	}
	for _, call := range fresh {
		w.calls = append(w.calls, call)
		if err := w.printCall(ctx, call); err != nil {
			return err
		}
	}
	v := users.JudgeCalls(w.application, w.calls)
	if v.State == w.verdict.State && v.Reason == w.verdict.Reason && v.Call.ID == w.verdict.Call.ID {
		return nil
	}
	w.verdict = v
	return w.printVerdict()
}

// watchLineJSON is one line of the command in JSON.
type watchLineJSON struct {
	Type        string              `json:"type"` // ready, call or verdict
	Application users.ApplicationID `json:"application"`
	At          time.Time           `json:"at,omitzero"`
	State       users.VerdictState  `json:"state,omitempty"`
	Endpoint    users.Endpoint      `json:"endpoint,omitempty"`
	Outcome     users.CallOutcome   `json:"outcome,omitempty"`
	Reason      string              `json:"reason,omitempty"`
	Facts       map[string]string   `json:"facts,omitempty"`
	Anybody     bool                `json:"anybody,omitempty"` // whose call it was cannot be said
	User        users.ID            `json:"user,omitempty"`
	Email       string              `json:"email,omitempty"`
	Request     string              `json:"request_id,omitempty"`
	Text        string              `json:"text"`
}

// print writes a line, in JSON or as plain.
func (w *watcher) print(line watchLineJSON, plain string) error {
	line.Application = w.application.ID
	if w.output == formatJSON {
		return writeJSONLine(w.stdout, line)
	}
	_, err := fmt.Fprintln(w.stdout, printable(plain))
	return err
}

func (w *watcher) printReady() error {
	text := "Watching " + w.application.Label + ". Perform its configuration test now, or sign in there."
	return w.print(watchLineJSON{Type: "ready", Text: text}, text)
}

func (w *watcher) printCall(ctx context.Context, c users.Call) error {
	text := admin.SayCall(w.words, c)
	email, err := w.name(ctx, c.User)
	if err != nil {
		return err
	}
	plain := fmt.Sprintf("%s  %-11s  %-7s  %s", c.At.UTC().Format("15:04:05"), c.Endpoint, c.Outcome, text)
	if email != "" {
		plain += " " + email
	}
	if c.Request != "" {
		plain += " [" + c.Request + "]"
	}
	return w.print(watchLineJSON{
		Type: "call", At: c.At, Endpoint: c.Endpoint, Outcome: c.Outcome, Reason: string(c.Reason), Facts: c.Facts,
		Anybody: c.Stray, User: c.User, Email: email, Request: c.Request, Text: text,
	}, plain)
}

func (w *watcher) printVerdict() error {
	text, call := admin.SayVerdict(w.words, w.application, w.verdict), w.verdict.Call
	return w.print(watchLineJSON{
		Type: "verdict", State: w.verdict.State, Endpoint: call.Endpoint, Reason: string(w.verdict.Reason), Request: call.Request, Text: text,
	}, "Verdict: "+text)
}

// name is the address of a person; empty: nobody is known.
func (w *watcher) name(ctx context.Context, id users.ID) (string, error) {
	if name, known := w.names[id]; known || id == "" {
		return name, nil
	}
	found, err := w.app.Directory.Read().UsersByID(ctx, []users.ID{id})
	if err != nil {
		return "", err
	}
	w.names[id] = found[id].Email
	return w.names[id], nil
}
