package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// maxEvidenceBytes is the largest file of records that is read.
const maxEvidenceBytes = 256 << 20

type auditVerifyEvidence struct {
	listFlags
	File string `arg:"" help:"What audit offboarding -o json has written."`
}

// evidenceVerdict is what is said of one record.
type evidenceVerdict struct {
	Event    int64    `json:"event"`
	User     users.ID `json:"user_id"`
	Key      string   `json:"key"`
	Problems []string `json:"problems"`
}

func (c auditVerifyEvidence) Run(ctx context.Context, s *shell) error {
	text, err := readLimited(c.File, maxEvidenceBytes)
	if err != nil {
		return usageError{err}
	}
	var items []evidenceItem
	if err := json.Unmarshal(text, &items); err != nil {
		return usagef("%s is not what audit offboarding -o json writes", c.File)
	}
	return s.with(ctx, func(a *app) error {
		log, err := readLogForEvidence(ctx, a, items)
		if err != nil {
			return err
		}
		t := table{header: []string{"event", "user id", "key", "verdict"}}
		verdicts := make([]evidenceVerdict, 0, len(items))
		bad := 0
		for _, item := range items {
			v := log.judge(a.cfg.Issuer, item)
			verdicts = append(verdicts, v)
			said := "proved"
			if len(v.Problems) > 0 {
				bad++
				said = strings.Join(v.Problems, "; ")
			}
			t.rows = append(t.rows, []string{strconv.FormatInt(v.Event, 10), string(v.User), v.Key, said})
		}
		if err := writeList(s.stdout, c.Output, t, verdicts); err != nil {
			return err
		}
		if bad > 0 {
			return fmt.Errorf("%d of %d records are not proved", bad, len(items))
		}
		return nil
	})
}

// loggedEvent is an event as the log has it.
type loggedEvent struct {
	users.EventRef
	kind    users.EventKind
	subject string
}

// evidenceLog is what the event log says about keys, and about the events that records name.
type evidenceLog struct {
	events  map[int64]loggedEvent
	prints  map[string]string
	revoked map[string]bool
}

// readLogForEvidence reads and verifies the whole log: a hash in it proves
// nothing unless the chain does.
func readLogForEvidence(ctx context.Context, a *app, items []evidenceItem) (*evidenceLog, error) {
	named := map[int64]bool{}
	for _, item := range items {
		var record evidenceRecord
		if json.Unmarshal(item.Record, &record) != nil {
			continue // judged by its signature
		}
		named[record.LogHead.Seq] = true
		for _, ref := range record.refs() {
			named[ref.Seq] = true
		}
	}
	log := &evidenceLog{events: map[int64]loggedEvent{}, prints: map[string]string{}, revoked: map[string]bool{}}
	_, err := a.Directory.WalkLog(ctx, func(e users.Event) {
		if named[e.Seq] {
			log.events[e.Seq] = loggedEvent{users.EventRef{Seq: e.Seq, At: e.At, Hash: hex.EncodeToString(e.Hash)}, e.Kind, e.Subject}
		}
		var said users.KeysRotated
		if e.Kind != users.EventKeyRotated || json.Unmarshal([]byte(e.Payload), &said) != nil {
			return
		}
		for kid, print := range said.Thumbprints {
			if _, known := log.prints[kid]; !known { // the first word on a key counts
				log.prints[kid] = print
			}
		}
		if kid, revoked := strings.CutPrefix(said.Reason, keys.ReasonRevocation); revoked {
			log.revoked[kid] = true
		}
	})
	return log, err
}

// judge says what is wrong with a record. It goes on after the first problem, so
// that the auditor sees whether the events at least are there.
func (l *evidenceLog) judge(issuer string, item evidenceItem) evidenceVerdict {
	verdict := evidenceVerdict{Problems: []string{}}
	problem := func(format string, args ...any) {
		verdict.Problems = append(verdict.Problems, fmt.Sprintf(format, args...))
	}
	signed, err := keys.VerifyEvidence(item.Evidence)
	if err != nil {
		problem("%v", err)
		return verdict
	}
	verdict.Key = signed.KeyID
	switch print, known := l.prints[signed.KeyID]; {
	case !known || print != signed.Thumbprint:
		problem("key %s is none of this installation", signed.KeyID)
	case l.revoked[signed.KeyID]:
		problem("key %s was revoked, so that others may have signed with it", signed.KeyID)
	}
	var record evidenceRecord
	if err := json.Unmarshal(signed.Record, &record); err != nil {
		problem("the record cannot be read")
		return verdict
	}
	verdict.Event, verdict.User = record.Committed.Seq, record.User
	if !sameJSON(item.Record, signed.Record) {
		problem("what stands beside the signature is not what was signed")
	}
	if record.Issuer != issuer {
		problem("the record is of another installation, %s", record.Issuer)
	}
	for _, ref := range record.refs() {
		if found, logged := l.events[ref.Seq]; !logged || found.Hash != ref.Hash || !found.At.Equal(ref.At) {
			problem("event %d is not in the log as the record has it", ref.Seq)
		}
	}
	if e := l.events[record.Committed.Seq]; e.kind != users.EventUserSuspended || e.subject != string(record.User) {
		problem("event %d is not the end of this person's access", record.Committed.Seq)
	}
	if head, logged := l.events[record.LogHead.Seq]; !logged || head.Hash != record.LogHead.Hash {
		problem("the log is not the one that the record was made from, or events were removed from its end")
	}
	return verdict
}

// refs returns every event that a record names.
func (r evidenceRecord) refs() []users.EventRef {
	refs := append(slices.Clone(r.Events), r.Committed)
	if r.Lifted != nil {
		refs = append(refs, *r.Lifted)
	}
	return refs
}

// sameJSON reports whether two documents differ in blanks only.
func sameJSON(a, b []byte) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}
