package provider

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/provider/admin"
	"github.com/einlass/einlass/users"
)

// Form is what an administrator types into the form of an application that
// reads no discovery document, such as Personio's, beside the client secret.
type Form struct {
	Issuer           string   `json:"issuer"`
	AuthorizationURI string   `json:"authorization_uri"`
	TokenURI         string   `json:"token_uri"`
	UserinfoURI      string   `json:"userinfo_uri"`
	UserinfoMethod   string   `json:"userinfo_method"`
	JWKSURI          string   `json:"jwks_uri"`
	Scopes           []string `json:"scopes"`
	ClientID         string   `json:"client_id"`
	ClaimField       string   `json:"claim_field"` // the claim that holds the person's e-mail address
}

// FormOf returns the form of an application below our issuer. Who releases the
// address by registration needs no scope for it.
func FormOf(issuer string, s users.SignIn) Form {
	f := Form{
		Issuer:           issuer,
		AuthorizationURI: issuer + pathAuthorize,
		TokenURI:         issuer + pathToken,
		UserinfoURI:      issuer + pathUserinfo,
		UserinfoMethod:   http.MethodGet,
		JWKSURI:          issuer + pathJWKS,
		Scopes:           []string{oidc.ScopeOpenID},
		ClientID:         s.ClientID,
		ClaimField:       "email",
	}
	addresses := slices.DeleteFunc(slices.Sorted(maps.Keys(s.Claims)), func(name string) bool {
		return strings.TrimSpace(s.Claims[name]) != users.AttributeEmail
	})
	switch {
	case len(addresses) == 0:
		f.Scopes = append(f.Scopes, oidc.ScopeEmail)
	case !slices.Contains(addresses, f.ClaimField):
		f.ClaimField = addresses[0]
	}
	return f
}

// Values are the fields of the form, by the names that Personio's has for them.
func (f Form) Values() []admin.FormValue {
	return []admin.FormValue{
		{Name: "Issuer", Value: f.Issuer},
		{Name: "Authorization URI", Value: f.AuthorizationURI},
		{Name: "Token URI", Value: f.TokenURI},
		{Name: "Userinfo URI (method " + f.UserinfoMethod + ")", Value: f.UserinfoURI},
		{Name: "JSON Web Key Set URI", Value: f.JWKSURI},
		{Name: "Scopes", Value: strings.Join(f.Scopes, ",")},
		{Name: "Client ID", Value: f.ClientID},
		{Name: "Claim Field", Value: f.ClaimField},
	}
}
