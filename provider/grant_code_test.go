package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/users"
)

// N062: another client's credentials do not help, and do not burn the code.
func TestTokenRefusesAnotherClientsCode(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	code := code(t, b, providertest.Personio)
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {providertest.CallbackOf(providertest.Personio)}}
	answer := b.Post("/token", form, "Authorization", basic(providertest.Wiki))
	if got := decodeTokens(t, answer); got.Error != "invalid_grant" {
		t.Errorf("status %d, body %s", answer.StatusCode, answer.Body)
	}
	if again := b.Tokens(providertest.Personio, code); again.StatusCode != http.StatusOK {
		t.Errorf("the owner gets status %d", again.StatusCode)
	}
}

// A client_id that has moved to another application takes no grants along:
// people were let into the other one.
func TestGrantsStayWithTheirApplication(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	tokens := offlineTokens(t, b)
	pending := code(t, b, providertest.Wiki)
	moved := providertest.Declaration()
	for _, wiki := range moved.Applications {
		if wiki.ID == providertest.Wiki {
			intranet, signIn := wiki, *wiki.SignIn
			intranet.ID, intranet.SignIn = "intranet", &signIn
			moved.Applications = append(moved.Applications, intranet)
			wiki.SignIn.ClientID = "wiki-2"
		}
	}
	b.Redeclare(moved)
	wantRefused(t, "code", redeem(b, providertest.Wiki, pending), "invalid_grant")
	wantRefused(t, "refresh token", refresh(b, tokens.Refresh), "invalid_grant")
	wantInactive(t, "introspection", asWiki(b, "/introspect", tokens.AccessToken))
	if status := userinfo(t, b, tokens.AccessToken).StatusCode; status != http.StatusUnauthorized {
		t.Errorf("userinfo: status %d, want 401", status)
	}
}

// N060 N393 G3 invariant 2: a replay is refused and takes the first tokens with it.
func TestTokenReplayRevokesTheFamily(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	code := code(t, b, providertest.Wiki, offlineScopes...)
	tokens := decodeTokens(t, redeem(b, providertest.Wiki, code))
	if answer := userinfo(t, b, tokens.AccessToken); answer.StatusCode != http.StatusOK {
		t.Fatalf("userinfo before the replay: status %d", answer.StatusCode)
	}
	wantRefused(t, "replay", redeem(b, providertest.Wiki, code), "invalid_grant")
	if answer := userinfo(t, b, tokens.AccessToken); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("userinfo after the replay: status %d, want 401", answer.StatusCode)
	}
	wantRefused(t, "refresh after the replay", refresh(b, tokens.Refresh), "invalid_grant")
	if events := b.FlushEvents(users.EventCodeReplayed); len(events) != 1 {
		t.Errorf("%d events of the replay, want 1", len(events))
	}
}

// A code that comes again and again fills no log: the first time is an event of the application.
func TestReplaysOfOneCodeAreOneEvent(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	for i := range 2 {
		code := code(t, b, providertest.Wiki)
		redeem(b, providertest.Wiki, code)
		for range 10 {
			wantRefused(t, "replay", redeem(b, providertest.Wiki, code), "invalid_grant")
		}
		if events := b.FlushEvents(users.EventCodeReplayed); len(events) != i+1 || events[i].Subject != "wiki" {
			t.Errorf("%d events of %d codes, each replayed 10 times; want one each", len(events), i+1)
		}
	}
}

// G2 REL-1 invariant 2
func TestTokenRedeemsACodeOnceUnder64Requests(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	code := code(t, b, providertest.Personio)
	var wg sync.WaitGroup
	results := make([]int, 64)
	start := make(chan struct{})
	for i := range results {
		wg.Go(func() {
			<-start
			results[i] = b.Tokens(providertest.Personio, code).StatusCode
		})
	}
	close(start)
	wg.Wait()
	won := 0
	for _, status := range results {
		switch status {
		case http.StatusOK:
			won++
		case http.StatusBadRequest:
		default:
			t.Errorf("status %d", status)
		}
	}
	if won != 1 {
		t.Errorf("%d redemptions succeeded, want 1", won)
	}
}

// N068: a code that is not quite the code is none, and leaves the right one alone.
func TestTokenRefusesAnAlteredCode(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	code := code(t, b, providertest.Personio)
	tag, secret, _ := strings.Cut(code, ".")
	last := map[bool]string{true: "A", false: "B"}[strings.HasSuffix(code, "B")]
	for name, altered := range map[string]string{
		"one character less":          code[:len(code)-1],
		"one character more":          code + "A",
		"another last character":      code[:len(code)-1] + last,
		"padded":                      code + "=",
		"case flipped":                tag + "." + swapCase(secret),
		"tag in upper case":           strings.ToUpper(tag) + "." + secret,
		"another person's tag":        strings.Repeat("a", len(tag)) + "." + secret,
		"without a tag":               secret,
		"a space around it":           " " + code,
		"a line end after it":         code + "\n",
		"the parts the other way":     secret + "." + tag,
		"with the other base64 signs": strings.NewReplacer("-", "+", "_", "/").Replace(code) + "+",
	} {
		wantRefused(t, name, b.Tokens(providertest.Personio, altered), "invalid_grant")
	}
	if answer := b.Tokens(providertest.Personio, code); answer.StatusCode != http.StatusOK {
		t.Errorf("the code itself: status %d, body %s", answer.StatusCode, answer.Body)
	}
}

func swapCase(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, text)
}

// N068: a code lives for a minute.
func TestTokenRefusesAnOldCode(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	code := code(t, b, providertest.Personio)
	b.Clock.Advance(61 * time.Second)
	if got := decodeTokens(t, b.Tokens(providertest.Personio, code)); got.Error != "invalid_grant" {
		t.Errorf("answer %+v", got)
	}
}
