package session_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
)

// N142
func TestHandlesAreRandomAndLeadToTheirUser(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[a-z2-7]{12}\.[A-Za-z0-9_-]{43}$`)
	seen := make(map[string]bool)
	for range 10_000 {
		h := session.NewHandle("ada")
		if !form.MatchString(h.Reveal()) {
			t.Fatal("a handle of another form")
		}
		tag, hash, ok := session.SplitHandle(h)
		if !ok || tag != session.TagOf("ada") {
			t.Fatalf("tag %q, %v, want %q", tag, ok, session.TagOf("ada"))
		}
		if seen[hash] {
			t.Fatal("a secret came twice")
		}
		seen[hash] = true
		if strings.Contains(h.Reveal(), hash) {
			t.Fatal("the hash is part of the handle")
		}
	}
	if session.TagOf("ada") == session.TagOf("grace") {
		t.Error("two users have one tag")
	}
}

func TestSplitHandleRefusesAnotherForm(t *testing.T) {
	t.Parallel()
	tag, secret, _ := strings.Cut(session.NewHandle("ada").Reveal(), ".")
	for _, text := range []string{"", ".", tag, secret, tag + secret, tag + ".", "." + secret, tag + "." + secret + "A", tag + "x." + secret} {
		if _, _, ok := session.SplitHandle(keys.Secret(text)); ok {
			t.Errorf("split %q", text)
		}
	}
}
