package provider_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/users"
)

// The person whom every module signs in. They have every standard claim.
const (
	rpUsername = "grace"
	rpEmail    = "grace@acme.example"
)

// conformanceModule is one test module of the OpenID Foundation's suite.
type conformanceModule struct {
	name string
	run  func(p *rp)
}

// conformancePlan is a list of modules and what they vary in.
type conformancePlan struct {
	client       int    // index into the OP's clients
	responseMode string // empty: the parameter is not sent
	modules      []conformanceModule
}

// N388: TestConformance runs every module of the Foundation's plans that the provider
// must pass, under its own name. What is a warning there is a failure here. The
// relying party is written on net/http and go-jose; of our code it uses nothing
// but the provider under test.
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, plan := range map[string]conformancePlan{
		"config":                   {modules: configModules},
		"basic":                    {modules: basicModules()},
		"basic-client-secret-post": {modules: basicModules(), client: clientSecretPost},
		"form-post":                {modules: basicModules(), responseMode: "form_post"},
		"rp-initiated-logout":      {modules: logoutModules},
		"backchannel-logout":       {modules: backchannelModules},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			op := newConformanceOP(t)
			for _, module := range plan.modules {
				t.Run(module.name, func(t *testing.T) { module.run(op.newRP(t, plan)) })
			}
		})
	}
}

// basicModules are the modules of the Basic OP plan, for query and form_post.
func basicModules() []conformanceModule {
	var all []conformanceModule
	for _, part := range [][]conformanceModule{codeModules, claimModules, interactionModules, requestModules, tokenModules} {
		all = append(all, part...)
	}
	return all
}

// rpClient is a static client as the plans want them.
type rpClient struct {
	id, secret, method string
}

func (c rpClient) site() string        { return "https://" + c.id + ".example/test" }
func (c rpClient) redirectURI() string { return c.site() + "/callback" }
func (c rpClient) afterLogout() string { return c.site() + "/post_logout" }

// clientSecretPost is the index of the client with Personio's method.
const clientSecretPost = 2

// rpClients are two clients that authenticate by Basic, the second for the
// refresh module alone, and one that authenticates in the body.
var rpClients = []rpClient{
	{"basic", "basic-secret-with-%-and-+-0123456789abcdef", users.AuthMethodBasic},
	{"basic-2", "second-basic-secret-0123456789abcdefghijkl", users.AuthMethodBasic},
	{"post", "post-secret-0123456789abcdefghijklmnopqrst", users.AuthMethodPost},
}

// conformanceOP is a provider as the plans want it: https, three static clients, a person with every claim.
type conformanceOP struct {
	*providertest.Bench
	logouts chan *http.Request // calls to a client's back-channel address, their forms parsed
}

func newConformanceOP(t *testing.T) *conformanceOP {
	t.Helper()
	op := &conformanceOP{logouts: make(chan *http.Request, 10)}
	backchannel := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		op.logouts <- r
	}))
	t.Cleanup(backchannel.Close)
	declared := users.Declaration{Users: []users.DeclaredUser{{
		Email: rpEmail, Username: rpUsername, FirstName: "Grace", LastName: "Hopper", State: users.StateActive, Password: providertest.Password,
		Attributes: map[string]string{
			"middle_name": "Brewster", "nickname": "Amazing", "profile": "https://acme.example/grace", "picture": "https://acme.example/grace.png",
			"website": "https://grace.example", "gender": "female", "birthdate": "1906-12-09", "zoneinfo": "America/New_York", "locale": "en-US",
		},
	}}}
	for _, c := range rpClients {
		declared.Applications = append(declared.Applications, users.DeclaredApplication{
			Application: users.Application{ID: users.ApplicationID(c.id), Label: c.id, Groups: []users.GroupID{users.Everyone}, SignIn: &users.SignIn{
				ClientID: c.id, AuthMethod: c.method, Trusted: true, SigningAlg: keys.RS256, OfflineAccess: true,
				RedirectURIs: []string{c.redirectURI()}, PostLogoutRedirectURIs: []string{c.afterLogout()},
				BackchannelLogoutURI: fmt.Sprintf("%s/%s", backchannel.URL, url.PathEscape(c.id)),
			}},
			ClientSecrets: []keys.Secret{keys.Secret(c.secret)},
		})
	}
	op.Bench = providertest.NewTLS(t, declared)
	return op
}
