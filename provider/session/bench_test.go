package session_test

import (
	"testing"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/session/sessiontest"
)

// BenchmarkStore measures what a sign-in with a live session asks of a store.
func BenchmarkStore(b *testing.B) {
	for name, open := range map[string]func(testing.TB) session.Store{
		"sqlite": sessiontest.SQLite,
		"redis":  sessiontest.Redis,
	} {
		b.Run(name, func(b *testing.B) {
			s := open(b)
			g := newGrantCase()
			token := session.NewHandle(g.session.User)
			must := func(err error) {
				if err != nil {
					b.Fatal(err)
				}
			}
			must(g.put(b.Context(), s))
			must(s.PutToken(b.Context(), token, g.token()))
			for name, op := range map[string]func() error{
				"Session": func() error { _, err := s.Session(b.Context(), g.cookie, start); return err },
				"IssueCode": func() error {
					g.handle = session.NewHandle(g.session.User)
					return g.issue(b.Context(), s)
				},
				"PutToken": func() error {
					return s.PutToken(b.Context(), session.NewHandle(g.session.User), g.token())
				},
				"Token": func() error { _, err := s.Token(b.Context(), token, start); return err },
			} {
				b.Run(name, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						must(op())
					}
				})
			}
			b.Run("TakeCode", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					b.StopTimer()
					g.handle = session.NewHandle(g.session.User)
					must(g.issue(b.Context(), s))
					b.StartTimer()
					must(g.take(b.Context(), s))
				}
			})
		})
	}
}
