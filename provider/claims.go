package provider

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/users"
)

// profileClaims are the claims of the scope profile that a free attribute of
// the same name answers (OpenID Connect Core section 5.4).
var profileClaims = []string{
	"middle_name", "nickname", "profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale",
}

// claimSet is a set of claims; one without a value is not in it.
type claimSet map[string]any

func (s claimSet) put(name string, value any) {
	if value != nil && value != "" {
		s[name] = value
	}
}

// userinfoClaims are the claims an application gets about a person: what its
// scopes and its claims parameter ask for, and what its registration releases whatever the scope.
func userinfoClaims(c *client, scopes []string, requested claimsRequest, u users.User) claimSet {
	claims := claimSet{}
	if slices.Contains(scopes, oidc.ScopeProfile) {
		addProfile(claims, u)
	}
	if slices.Contains(scopes, oidc.ScopeEmail) {
		addEmail(claims, "email", u)
	}
	addRequested(claims, requested.UserInfo, u)
	addRegistered(claims, c, c.userinfoNames, u)
	return claims
}

// idTokenClaims are the claims that this application wants in the ID token, by
// this request or by its registration.
func idTokenClaims(c *client, requested claimsRequest, u users.User) claimSet {
	claims := claimSet{}
	addRequested(claims, requested.IDToken, u)
	addRegistered(claims, c, c.idTokenNames, u)
	return claims
}

// addRegistered adds claims of the registration, which stand before those that
// were asked for. Where their email is not the person's address, it takes
// the email_verified that was asked for along: that one is about the address.
func addRegistered(claims claimSet, c *client, sorted []string, u users.User) {
	registered := claimSet{}
	for _, name := range sorted { // so a registered email_verified comes behind that of the address
		source, compiled := c.sources[name]
		switch {
		case !compiled:
		case source.isAddress():
			addEmail(registered, name, u)
		default:
			registered.put(name, source.value(u))
		}
	}
	if email, found := registered["email"]; found && !isAddressOf(u, email) {
		delete(claims, "email_verified")
	}
	maps.Copy(claims, registered)
}

// needsEmail reports whether an application gets the e-mail address of everybody
// who signs in, and so would not know who comes without one: by its registration
// or by the scope. The claims parameter only asks (OpenID Connect Core section 5.5.1).
func (c *client) needsEmail(scopes []string) bool {
	if slices.Contains(scopes, oidc.ScopeEmail) {
		return true
	}
	for _, source := range c.sources {
		if source.isAddress() {
			return true
		}
	}
	return false
}

// addEmail releases the address as HR wrote it. A parked address is no longer
// the person's and is never released. All our people are imported or declared, so it is verified.
func addEmail(claims claimSet, name string, u users.User) {
	if u.EmailKey == "" {
		return
	}
	claims.put(name, u.Email)
	if name == "email" {
		claims["email_verified"] = true
	}
}

// isAddressOf reports whether a claim's value is the address that addEmail releases.
func isAddressOf(u users.User, value any) bool { return u.EmailKey != "" && value == any(u.Email) }

func addProfile(claims claimSet, u users.User) {
	claims.put("name", u.DisplayName())
	claims.put("given_name", u.FirstName)
	claims.put("family_name", u.LastName)
	claims.put("preferred_username", u.Username)
	claims["updated_at"] = u.UpdatedAt.Unix()
	for _, name := range profileClaims {
		claims.put(name, u.Attributes[name])
	}
}

// names returns the names of all claims, and of those that hold an e-mail address of the person: the one here, or
// in the claim email another one, since that may be registered from another attribute.
func (s claimSet) names(u users.User) (all, addresses string) {
	var ofAddress []string
	sorted := slices.Sorted(maps.Keys(s))
	for _, name := range sorted {
		text, _ := s[name].(string)
		if u.EmailKey != "" && text == u.Email || name == "email" && users.CheckEmail(text) == nil {
			ofAddress = append(ofAddress, name)
		}
	}
	return strings.Join(sorted, ", "), strings.Join(ofAddress, ", ")
}

// appendTo adds the claims to the members of a JSON object.
func (s claimSet) appendTo(object []byte) ([]byte, error) {
	if len(s) == 0 {
		return object, nil
	}
	more, err := json.Marshal(map[string]any(s))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(strings.TrimSuffix(string(object), "}"))
	b.WriteByte(',')
	b.Write(more[1:])
	return b.Bytes(), nil
}
