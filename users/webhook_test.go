package users_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

const (
	tokenA = keys.Secret("webhook-token-A-of-more-than-32-characters")
	tokenB = keys.Secret("webhook-token-B-of-more-than-32-characters")
	tokenC = keys.Secret("webhook-token-C-of-more-than-32-characters")
)

// declareWebhook declares the connection personio with a webhook that the file says this much about.
func (b bench) declareWebhook(webhook *users.Webhook, headers map[string]keys.Secret, tokens ...keys.Secret) {
	b.t.Helper()
	_, err := b.Declare(b.t.Context(), users.Declaration{Applications: []users.DeclaredApplication{{
		Application: users.Application{
			ID: personio, Label: "Personio", Groups: []users.GroupID{users.Everyone},
			Import: &users.Import{Source: users.SourcePersonio, Guard: users.DefaultGuard, Webhook: webhook},
		},
		ImportSecret: "the-secret-of-the-api", WebhookTokens: tokens, WebhookHeaders: headers,
	}}})
	b.must(err)
}

func (b bench) wantTokens(when string, want ...keys.Secret) {
	b.t.Helper()
	got, err := b.WebhookTokens(b.t.Context(), personio)
	b.must(err)
	if !slices.Equal(got, want) {
		b.t.Errorf("%s: %d tokens, want these %d in this order", when, len(got), len(want))
	}
}

// B-08: a token opens the receiver for a day after its successor came, and not longer.
func TestWebhookTokenRotation(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		ctx := t.Context()
		now := time.Date(2026, 11, 17, 9, 0, 0, 0, time.UTC)
		d, err := users.New(users.Config{Store: b.store, Sealer: b.sealer, Now: func() time.Time { return now }})
		b.must(err)
		b.Directory = d
		b.declareWebhook(&users.Webhook{}, nil)
		b.wantTokens("before any")
		put := func(token keys.Secret) { b.must(b.PutWebhookToken(ctx, admin, personio, token)) }
		put(tokenA)
		b.wantTokens("the first", tokenA)
		put(tokenB)
		b.wantTokens("rotated", tokenB, tokenA)
		put(tokenB)
		b.wantTokens("the same again", tokenB, tokenA)
		if events := b.events(users.EventWebhookRotated); len(events) != 2 {
			t.Errorf("%d events of two rotations", len(events))
		}
		now = now.Add(users.WebhookOverlap - time.Millisecond)
		b.wantTokens("just before the end", tokenB, tokenA)
		now = now.Add(time.Millisecond)
		b.wantTokens("after a day", tokenB)
		put(tokenC)
		b.wantTokens("rotated again", tokenC, tokenB)
		b.declareWebhook(&users.Webhook{CompanyID: "123456"}, nil)
		b.wantTokens("the file changed and names no token", tokenC, tokenB)
		b.declareWebhook(nil, nil)
		b.wantTokens("the file has no webhook any more")
	})
}

// S-016 N209: no event, no error and no row holds a token.
func TestWebhookTokensAreSealed(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.declareWebhook(&users.Webhook{}, map[string]keys.Secret{"X-Einlass": tokenC})
		b.must(b.PutWebhookToken(t.Context(), admin, personio, tokenA))
		b.must(b.PutWebhookToken(t.Context(), admin, personio, tokenB))
		err := b.PutWebhookToken(t.Context(), admin, "nobody", tokenA)
		if err == nil || strings.Contains(err.Error(), tokenA.Reveal()) {
			t.Errorf("the error of an unknown application: %v", err)
		}
		tables, err := b.store.Dump(t.Context())
		b.must(err)
		for table, rows := range tables {
			for _, row := range rows {
				if strings.Contains(row, "webhook-token-") {
					t.Errorf("table %s holds a webhook token in the clear", table)
				}
			}
		}
	})
}

// B-08: what the file says is what holds, and nothing else changes it.
func TestDeclaredWebhook(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		ctx := t.Context()
		b.declareWebhook(&users.Webhook{}, nil, tokenA)
		b.wantTokens("one", tokenA)
		if err := b.PutWebhookToken(ctx, admin, personio, tokenB); !errors.Is(err, users.ErrReadOnly) {
			t.Errorf("rotating a token of the file: %v, want ErrReadOnly", err)
		}
		b.declareWebhook(&users.Webhook{}, nil, tokenB, tokenA)
		b.wantTokens("two while both are valid", tokenB, tokenA)
		b.declareWebhook(&users.Webhook{}, nil, tokenB)
		b.wantTokens("the old one left the file", tokenB)
		b.declareWebhook(&users.Webhook{}, map[string]keys.Secret{"X-Einlass": tokenC})
		b.wantTokens("headers instead")
		access, err := b.WebhookAccess(ctx, personio)
		b.must(err)
		if len(access.Headers) != 1 || !access.Headers["X-Einlass"].Equal(tokenC) {
			t.Errorf("%d headers, want the one of the file", len(access.Headers))
		}
		b.declareWebhook(nil, nil)
		if access, err = b.WebhookAccess(ctx, personio); err != nil || len(access.Headers)+len(access.Tokens) != 0 {
			t.Errorf("%d headers and %d tokens without a webhook, %v", len(access.Headers), len(access.Tokens), err)
		}
	})
}

// B-08: whoever lets us make the webhook goes on with the token of the file for a
// day: the source still sends it.
func TestADeclaredTokenIsTakenForADayOnceWeMakeOurOwn(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		now := time.Date(2026, 11, 17, 9, 0, 0, 0, time.UTC)
		d, err := users.New(users.Config{Store: b.store, Sealer: b.sealer, Now: func() time.Time { return now }})
		b.must(err)
		b.Directory = d
		present := func() keys.Secret {
			token, err := b.WebhookToken(t.Context(), personio)
			b.must(err)
			return token
		}
		ours := &users.Webhook{Register: true}
		b.declareWebhook(&users.Webhook{}, nil, tokenA)
		b.declareWebhook(ours, nil)
		b.wantTokens("ours is still to be made", tokenA)
		if present() != "" {
			t.Error("the token of the file is the present one")
		}
		now = now.Add(time.Hour)
		b.must(b.PutWebhookToken(t.Context(), admin, personio, tokenB))
		b.declareWebhook(ours, nil)
		b.wantTokens("ours was made, and the file read again", tokenB, tokenA)
		if !present().Equal(tokenB) {
			t.Error("the present token is not ours")
		}
		now = now.Add(users.WebhookOverlap - time.Hour)
		b.wantTokens("a day after the file changed", tokenB)
		b.declareWebhook(&users.Webhook{}, nil, tokenC)
		b.wantTokens("a token of the file again", tokenC)
		b.declareWebhook(nil, nil)
		b.wantTokens("no webhook")
		b.declareWebhook(ours, nil)
		b.wantTokens("ours, after there was none")
	})
}

// B-08: a token that could be guessed, or that no header can carry, is refused; so is one of an application without an import.
func TestWebhookTokenRefused(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.declareWebhook(&users.Webhook{}, nil)
		long := strings.Repeat("x", users.MinWebhookTokenChars)
		for name, token := range map[string]string{
			"empty": "", "short": long[1:], "very long": strings.Repeat(long, 33),
			"a blank before": " " + long, "a blank behind": long + " ", "two lines": long + "\nX-Other: 1", "not ASCII": long + "ü",
		} {
			if err := b.PutWebhookToken(t.Context(), admin, personio, keys.Secret(token)); !errors.Is(err, users.ErrInvalid) {
				t.Errorf("%s: %v, want ErrInvalid", name, err)
			}
		}
		b.wantTokens("after all these")
		_, err := b.AddApplication(t.Context(), admin, users.Application{ID: "wiki", Label: "Wiki"})
		b.must(err)
		if err := b.PutWebhookToken(t.Context(), admin, "wiki", tokenA); !errors.Is(err, users.ErrInvalid) {
			t.Errorf("without an import: %v, want ErrInvalid", err)
		}
		if err := b.PutWebhookToken(t.Context(), admin, "nobody", tokenA); !errors.Is(err, users.ErrNotFound) {
			t.Errorf("unknown application: %v, want ErrNotFound", err)
		}
	})
}

// B-08: of rotations at once the last is the present one, and the one before it stays valid.
func TestWebhookTokenRotatedAtOnce(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.declareWebhook(&users.Webhook{}, nil)
		var all sync.WaitGroup
		for _, token := range []keys.Secret{tokenA, tokenB} {
			all.Go(func() {
				if err := b.PutWebhookToken(t.Context(), admin, personio, token); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		got, err := b.WebhookTokens(t.Context(), personio)
		b.must(err)
		if len(got) != 2 || !slices.Contains(got, tokenA) || !slices.Contains(got, tokenB) {
			t.Errorf("%d tokens after two rotations at once, want both", len(got))
		}
	})
}
