package provider

import (
	"strings"
	"testing"
)

// OpenID Connect Core section 5.5: what is no claims request is refused.
func TestReadClaimsRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no JSON":               "name",
		"null":                  "null",
		"an array":              "[]",
		"cut off":               `{"userinfo":{"name":null}`,
		"more after the object": `{} {}`,
		"member is no object":   `{"userinfo":["name"]}`,
		"claim is no object":    `{"userinfo":{"name":true}}`,
		"essential is no truth": `{"userinfo":{"name":{"essential":"yes"}}}`,
		"values is no array":    `{"id_token":{"acr":{"values":"gold"}}}`,
		"kept, it is too long":  `{"userinfo":{"sub":{"value":"` + strings.Repeat("x", maxKeptClaimsBytes) + `"}}}`,
		"longer than anybody's": `{"userinfo":{"` + strings.Repeat("x", maxClaimsBytes) + `":null}}`,
	} {
		if _, err := readClaims(text); err == nil || err.ErrorType != "invalid_request" {
			t.Errorf("%s: error %v, want invalid_request", name, err)
		}
	}
}

func TestReadClaimsKeepsWhatMeansSomething(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                            "",
		"{}":                          "",
		`{"userinfo":null}`:           "",
		" \r\n\t{\"userinfo\":{}}\n":  "",
		`{"verified_claims":{"a":1}}`: "",
		`{"userinfo":{"unknown":null,"http://example.info/claims/groups":null}}`:                         "",
		`{"userinfo":{"name":{"values":["` + strings.Repeat("<", maxKeptClaimsBytes) + `"]}}}`:           `{"userinfo":{"name":{}}}`,
		`{"id_token":{"sub":{"value":"<&>"},"email":{"essential":true,"value":"a"}}}`:                    `{"id_token":{"email":{"essential":true},"sub":{"value":"<&>"}}}`,
		`{"userinfo":{"name":{"essential":true},"unknown":null}}`:                                        `{"userinfo":{"name":{"essential":true}}}`,
		`{"id_token":{"auth_time":{"essential":true},"acr":{"values":["a"]}},"userinfo":{"email":null}}`: `{"userinfo":{"email":null},"id_token":{"acr":{"values":["a"]},"auth_time":{"essential":true}}}`,
	} {
		request, err := readClaims(text)
		if err != nil || request.String() != want {
			t.Errorf("%s is kept as %s (%v), want %s", text, request, err, want)
		}
		if again := storedClaims(request.String()); again.String() != want {
			t.Errorf("%s reads back as %s", want, again)
		}
	}
}

// A sub that is asked for by value binds, whichever member asks.
func TestReadClaimsBindsTheSubject(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{"userinfo":{"sub":null}}`:                                               true,
		`{"id_token":{"sub":{"value":"ada"}}}`:                                    true,
		`{"id_token":{"sub":{"values":["bob","ada"]}}}`:                           true,
		`{"userinfo":{"sub":{"value":"bob"}}}`:                                    false,
		`{"id_token":{"sub":{"value":"ada"}},"userinfo":{"sub":{"value":"bob"}}}`: false,
		`{"id_token":{"sub":{"value":5}}}`:                                        false,
	} {
		request, err := readClaims(text)
		if err != nil || request.isFor("ada") != want {
			t.Errorf("%s is for ada: %v (%v), want %v", text, request.isFor("ada"), err, want)
		}
	}
}

func FuzzReadClaims(f *testing.F) {
	f.Add(`{"userinfo":{"name":{"essential":true}},"id_token":{"acr":{"values":["a"]},"sub":{"value":"x"}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		request, err := readClaims(text)
		if err != nil {
			return
		}
		if kept := request.String(); storedClaims(kept).String() != kept {
			t.Errorf("%q is kept as %q, which reads back as something else", text, kept)
		}
		request.isFor("ada")
		request.scopes()
	})
}
