package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

type importStatus struct {
	listFlags
	Application string `arg:"" optional:"" help:"Id of the application. Default: all that import people."`
}

func (c importStatus) Run(ctx context.Context, s *shell) error {
	return s.with(ctx, func(a *app) error {
		if c.Application != "" {
			if _, err := findConnection(ctx, a, c.Application, fromAnywhere); err != nil {
				return err
			}
		}
		applications, err := a.Directory.Read().Applications(ctx)
		if err != nil {
			return err
		}
		now := time.Now()
		all := []importer.ConnectionStatus{}
		for _, application := range applications {
			if application.Import == nil || c.Application != "" && string(application.ID) != c.Application {
				continue
			}
			status, err := importer.ReadConnectionStatus(ctx, a.Directory, application, now, web.English())
			if err != nil {
				return err
			}
			all = append(all, status)
		}
		return writeStatus(s, c.Output, all, now)
	})
}

// writeStatus prints a list for programs, and a paragraph for each connection for people.
func writeStatus(s *shell, format string, all []importer.ConnectionStatus, now time.Time) error {
	if format != formatTable {
		t := table{header: []string{"application", "state", "last_run", "next_run", "last_delta", "waiting", "retry_at", "error_code"}}
		for _, status := range all {
			t.rows = append(t.rows, []string{
				string(status.Application), describeConnection(status), showTime(lastStart(status)), showTime(status.NextRun),
				showTime(status.LastDelta), strconv.Itoa(status.Waiting), showTime(status.RetryAt), status.ErrorCode,
			})
		}
		return writeList(s.stdout, format, t, all)
	}
	for _, status := range all {
		if err := describeStatus(status, now).write(s.stdout); err != nil {
			return err
		}
	}
	return nil
}

func lastStart(s importer.ConnectionStatus) time.Time {
	if s.LastRun == nil {
		return time.Time{}
	}
	return s.LastRun.StartedAt
}

// describeStatus leaves out what there is nothing to say of.
func describeStatus(s importer.ConnectionStatus, now time.Time) fields {
	var last, waiting, trouble string
	if s.LastRun != nil {
		last = fmt.Sprintf("%s (%s): %s", showTime(s.LastRun.StartedAt), s.LastRun.State, describeCounts(s.LastRun.Counts))
	}
	if s.Waiting > 0 {
		waiting = fmt.Sprintf("%d since %s", s.Waiting, showTime(s.Since))
	}
	if !s.RetryAt.IsZero() {
		trouble = fmt.Sprintf("%s; asked again in %s", s.ErrorCode, s.RetryAt.Sub(now).Round(time.Second))
	}
	all := fields{
		{string(s.Application), describeConnection(s)},
		{"last run", cmp.Or(last, "none")},
		{"next run", cmp.Or(showTime(s.NextRun), "none planned")},
		{"last delta", showTime(s.LastDelta)},
		{"next delta", showTime(s.NextDelta)},
		{"waiting to be read again", waiting},
		{"source", trouble},
	}
	return slices.DeleteFunc(all, func(pair [2]string) bool { return pair[1] == "" })
}

// describeConnection says what the imports of a connection are busy with.
func describeConnection(s importer.ConnectionStatus) string {
	switch s.State {
	case importer.ConnectionInitialSync:
		return "initial sync " + describeCount(s.UnderWay.Progress)
	case importer.ConnectionImporting:
		return s.UnderWay.Progress.Phase + " " + describeCount(s.UnderWay.Progress)
	case importer.ConnectionOff, importer.ConnectionIdle:
	}
	return string(s.State)
}

// describeCount is how many people are done, such as 312/1,204.
func describeCount(p users.RunProgress) string {
	if p.Total < 0 {
		return thousands(p.Done)
	}
	return thousands(p.Done) + "/" + thousands(p.Total)
}

// thousands writes a number as English text does: 1,204.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
