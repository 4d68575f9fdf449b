package personio_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

// BenchmarkWebhook measures a delivery from its first byte to the answer, durable in between.
func BenchmarkWebhook(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *sqlstore.Store{"sqlite": userstest.SQLite, "postgresql": userstest.PostgreSQL} {
		b.Run(name, func(b *testing.B) {
			r := newReceiver(b, receiverOptions{store: open(b)}).start()
			b.Run("accepted, 64 at once", func(b *testing.B) {
				b.SetParallelism(32)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if w := r.post(hookPath, eventOf("person.updated", "9000003")); w.Code != http.StatusAccepted {
							b.Errorf("status %d", w.Code)
						}
					}
				})
			})
			b.Run("accepted, one by one", func(b *testing.B) {
				for b.Loop() {
					r.post(hookPath, eventOf("person.updated", "9000003"))
				}
			})
			b.Run("wrong token", func(b *testing.B) {
				header := http.Header{"Authorization": {"wrong-" + hookToken}}
				for b.Loop() {
					r.deliver(hookPath, strings.NewReader("{}"), header)
				}
			})
		})
	}
}
