package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

type auditOffboarding struct {
	listFlags
	Email string `arg:"" optional:"" help:"E-mail address, user name or id. Default: everybody."`
	Since string `placeholder:"DATE|DURATION" help:"Only ends of access since a day such as 2026-11-01, or within a time such as 30d."`
}

// evidenceVersion rises when the meaning of a member changes.
const evidenceVersion = 1

// evidenceRecord is what is signed: one end of somebody's access, and where the log ended then.
type evidenceRecord struct {
	Version    int       `json:"version"`
	Issuer     string    `json:"issuer"`
	ExportedAt time.Time `json:"exported_at"`
	LogHead    logHead   `json:"log_head"`
	Email      string    `json:"email,omitempty"` // now; empty: none, or erased
	users.Offboarding
}

// logHead is the last event of the log.
type logHead struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"` // hexadecimal
}

// evidenceItem is one record with what proves it.
type evidenceItem struct {
	Record json.RawMessage `json:"record"` // the payload of the JWS once more, to be read
	keys.Evidence

	record evidenceRecord
}

func (c auditOffboarding) Run(ctx context.Context, s *shell) error {
	return s.with(ctx, func(a *app) error {
		since, err := parseSince(a, c.Since, time.Now())
		if err != nil {
			return usageError{err}
		}
		people, err := c.people(ctx, a, since)
		if err != nil {
			return err
		}
		items, err := collectEvidence(ctx, a, people, since)
		if err != nil {
			return err
		}
		return writeList(s.stdout, c.Output, offboardingTable(items, c.Output == formatCSV), items)
	})
}

// people returns whom the command is about.
func (c auditOffboarding) people(ctx context.Context, a *app, since time.Time) ([]users.ID, error) {
	if c.Email == "" {
		return a.Directory.OffboardedPeople(ctx, since)
	}
	u, err := findUser(ctx, a, c.Email)
	return []users.ID{u.ID}, err
}

// parseSince reads a day of the organization, or how long ago.
func parseSince(a *app, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	zone, err := a.cfg.zone()
	if err != nil {
		return time.Time{}, err
	}
	if since, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		return since, nil
	}
	var ago time.Duration
	if err := (durationValue{&ago}).parse([]string{text}); err != nil || ago == 0 {
		return time.Time{}, fmt.Errorf("--since: want a day such as 2026-11-01 or a duration such as 30d, found %q", text)
	}
	return now.Add(-ago), nil
}

func collectEvidence(ctx context.Context, a *app, people []users.ID, since time.Time) ([]evidenceItem, error) {
	items := []evidenceItem{}
	for _, id := range people {
		records, err := a.Directory.Offboardings(ctx, id)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			if r.Committed.At.Before(since) {
				continue
			}
			item, err := newEvidence(ctx, a, r)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
	}
	return items, nil
}

func newEvidence(ctx context.Context, a *app, r users.Offboarding) (evidenceItem, error) {
	u, err := a.Directory.Read().User(ctx, r.User)
	if err != nil && !errors.Is(err, users.ErrNotFound) {
		return evidenceItem{}, err
	}
	seq, hash, err := a.Directory.Read().EventHead(ctx)
	if err != nil {
		return evidenceItem{}, err
	}
	record := evidenceRecord{
		Version: evidenceVersion, Issuer: a.cfg.Issuer, ExportedAt: time.Now().UTC().Truncate(time.Millisecond),
		LogHead: logHead{seq, hex.EncodeToString(hash)}, Email: u.Email, Offboarding: r,
	}
	payload, err := json.Marshal(record)
	if err != nil {
		return evidenceItem{}, fmt.Errorf("evidence: %w", err)
	}
	signed, err := a.Ring.SignEvidence(payload)
	return evidenceItem{Record: payload, Evidence: signed, record: record}, err
}

// offboardingTable is a line for each record; the signature is for files only.
func offboardingTable(items []evidenceItem, signed bool) table {
	t := table{header: []string{
		"event", "email", "user id", "by", "reason", "heard", "seen", "committed", "sessions", "cleaned", "applications", "cannot be shown",
	}}
	if signed {
		t.header = append(t.header, "hash", "jws", "key")
	}
	for _, item := range items {
		r := item.record
		row := []string{
			strconv.FormatInt(r.Committed.Seq, 10), r.Email, string(r.User), offboardedBy(r), r.Reason,
			showMoment(r.HeardAt), showMoment(r.SeenAt), showMoment(r.Committed.At), strconv.Itoa(r.Sessions), showMoment(r.CleanedAt),
			describeApplications(r.Applications), strconv.Itoa(len(r.Limits)) + " points",
		}
		if signed {
			row[len(row)-1] = strings.Join(r.Limits, " ")
			row = append(row, r.Committed.Hash, item.JWS, string(item.Key))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

func offboardedBy(r evidenceRecord) string {
	if r.Erased && r.By == "" {
		return "erased"
	}
	return string(r.By) + " (" + string(r.Actor) + ")"
}

func describeApplications(applications []users.OffboardedApplication) string {
	parts := make([]string, 0, len(applications))
	for _, a := range applications {
		part := string(a.ID) + ": " + strings.ReplaceAll(string(a.Logout), "_", " ")
		if a.Attempts > 1 {
			part += fmt.Sprintf(" after %d attempts", a.Attempts)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

// showMoment is showTime to the millisecond: hops of an offboarding are less than seconds apart.
func showMoment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05.000 UTC")
}
