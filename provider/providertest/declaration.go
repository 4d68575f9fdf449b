package providertest

import (
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// The applications of the bench.
const (
	Personio = "personio" // everyone; client_secret_post; releases email whatever the scope
	Wiki     = "wiki"     // the group staff; client_secret_basic; releases nothing of its own; offline access
	Native   = "native"   // everyone; no secret, so PKCE; offline access
	Vault    = "vault"    // no group at all
)

// Secrets of the applications, at least 32 characters long.
var secrets = map[users.ApplicationID]keys.Secret{
	Personio: "personio-client-secret-0123456789abcdef",
	Wiki:     "wiki-client-secret-with-%-and-+-0123456789",
	Vault:    "vault-client-secret-0123456789abcdefgh",
}

// SecretOf returns the secret of an application.
func SecretOf(id users.ApplicationID) keys.Secret { return secrets[id] }

// CallbackOf returns the first redirect URI of an application.
func CallbackOf(id users.ApplicationID) string {
	return "https://" + string(id) + ".example/oauth/callback"
}

// AfterLogoutOf returns where an application wants people to be after sign-out.
func AfterLogoutOf(id users.ApplicationID) string {
	return "https://" + string(id) + ".example/bye?lang=de"
}

// People of the bench. Everybody has [Password].
const (
	Ada = "ada@acme.example"   // active, in staff
	Bob = "Bob.Ö@acme.example" // active, in no group; written as HR writes it
	Eve = "eve@acme.example"   // staged
	Sam = "sam@acme.example"   // suspended
)

// Declaration is the directory of the bench.
func Declaration() users.Declaration {
	person := func(email, first, last string, state users.State, groups ...users.GroupID) users.DeclaredUser {
		return users.DeclaredUser{
			Email: email, FirstName: first, LastName: last, State: state, Groups: groups, Password: Password,
			Attributes: map[string]string{"nickname": first[:1], "locale": "de-DE"},
		}
	}
	return users.Declaration{
		Groups: []users.Group{{ID: "staff", Label: "Staff"}},
		Users: []users.DeclaredUser{
			person(Ada, "Ada", "Lovelace", users.StateActive, "staff"),
			person(Bob, "Bob", "Öztürk", users.StateActive),
			person(Eve, "Eve", "Staged", users.StateStaged),
			person(Sam, "Sam", "Suspended", users.StateSuspended),
		},
		Applications: []users.DeclaredApplication{
			application(Personio, users.AuthMethodPost, map[string]string{"email": "email", "mail": "email"}, users.Everyone),
			offline(application(Wiki, users.AuthMethodBasic, nil, "staff")),
			offline(application(Native, users.AuthMethodNone, nil, users.Everyone)),
			application(Vault, users.AuthMethodPost, nil),
		},
	}
}

func offline(a users.DeclaredApplication) users.DeclaredApplication {
	a.SignIn.OfflineAccess = true
	return a
}

func application(id users.ApplicationID, method string, claims map[string]string, groups ...users.GroupID) users.DeclaredApplication {
	a := users.DeclaredApplication{Application: users.Application{
		ID:     id,
		Label:  string(id),
		Groups: groups,
		Launch: &users.Launch{URL: "https://" + string(id) + ".example/oauth/authorise"},
		SignIn: &users.SignIn{
			ClientID:     string(id),
			AuthMethod:   method,
			RedirectURIs: []string{CallbackOf(id), "https://login.personio.com/login/callback", "https://auth.personio.de/providers/oauth/callback"},
			Claims:       claims,
			Trusted:      true,
			SigningAlg:   keys.RS256,

			PostLogoutRedirectURIs: []string{AfterLogoutOf(id)},
		},
	}}
	if claims != nil {
		a.SignIn.IDTokenClaims = []string{"email"}
	}
	if secret, found := secrets[id]; found {
		a.ClientSecrets = []keys.Secret{secret}
	}
	return a
}
