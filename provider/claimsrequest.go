package provider

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/users"
)

// Bounds of the claims parameter: as it is sent, and what is kept of it.
const (
	maxClaimsBytes     = 4096
	maxKeptClaimsBytes = 2048
)

// claimsRequest is the claims parameter (OpenID Connect Core section 5.5),
// reduced to the claims that mean something here.
type claimsRequest struct {
	UserInfo map[string]*claimRequest `json:"userinfo,omitempty"`
	IDToken  map[string]*claimRequest `json:"id_token,omitempty"`
}

// claimRequest asks for one claim. Nil asks for it in the default manner. Values
// bind for sub and acr alone; other claims are released as they are.
type claimRequest struct {
	Essential bool              `json:"essential,omitempty"`
	Value     json.RawMessage   `json:"value,omitempty"`
	Values    []json.RawMessage `json:"values,omitempty"`
}

// personClaims are the standard claims about a person that the directory may
// know: what the scopes profile and email release together.
var personClaims = append([]string{
	"name", "given_name", "family_name", "preferred_username", "updated_at", "email", "email_verified",
}, profileClaims...)

// readClaims decodes the claims parameter. Unknown claims are ignored, as
// section 5.5 demands, and so are values that do not bind; what is no such object is refused.
func readClaims(text string) (claimsRequest, *oidc.Error) {
	var request claimsRequest
	if text == "" {
		return request, nil
	}
	if len(text) > maxClaimsBytes || !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") || json.Unmarshal([]byte(text), &request) != nil {
		return claimsRequest{}, errBadClaims()
	}
	known := append([]string{"sub", "acr", "auth_time"}, personClaims...)
	for _, member := range []map[string]*claimRequest{request.UserInfo, request.IDToken} {
		maps.DeleteFunc(member, func(name string, _ *claimRequest) bool { return !slices.Contains(known, name) })
		for name, asked := range member {
			if asked != nil && name != "sub" && name != "acr" {
				asked.Value, asked.Values = nil, nil
			}
		}
	}
	if len(request.String()) > maxKeptClaimsBytes {
		return claimsRequest{}, errBadClaims()
	}
	return request, nil
}

func errBadClaims() *oidc.Error {
	return errInvalidRequest("The claims parameter is too long or no JSON object of claim requests.")
}

// String is the form in which the request is kept; empty when nothing is asked for.
func (r claimsRequest) String() string {
	if len(r.UserInfo) == 0 && len(r.IDToken) == 0 {
		return ""
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // it would make six characters of one
	if err := encoder.Encode(r); err != nil {
		return "" // decoded from JSON before
	}
	return strings.TrimSpace(text.String())
}

// storedClaims reads back what String has written.
func storedClaims(text string) claimsRequest {
	var request claimsRequest
	if text != "" && json.Unmarshal([]byte(text), &request) != nil {
		return claimsRequest{}
	}
	return request
}

// texts are the strings that a claim must be one of; none: anything will do.
// A value that is no string is kept as one that fits nobody.
func (r *claimRequest) texts() []string {
	if r == nil {
		return nil
	}
	values := r.Values
	if r.Value != nil {
		values = append(slices.Clone(values), r.Value)
	}
	var texts []string
	for _, value := range values {
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = ""
		}
		texts = append(texts, text)
	}
	return texts
}

// isFor reports whether the request can be answered about a person: a sub that
// is asked for by value must be theirs (section 5.5.1).
func (r claimsRequest) isFor(person users.ID) bool {
	for _, member := range []map[string]*claimRequest{r.UserInfo, r.IDToken} {
		if texts := member["sub"].texts(); len(texts) > 0 && !slices.Contains(texts, string(person)) {
			return false
		}
	}
	return true
}

// scopes are the scopes whose claims the request asks for, so that consent to
// them can be asked.
func (r claimsRequest) scopes() []string {
	var scopes []string
	for _, member := range []map[string]*claimRequest{r.UserInfo, r.IDToken} {
		for name := range member {
			switch {
			case name == "email" || name == "email_verified":
				scopes = append(scopes, oidc.ScopeEmail)
			case slices.Contains(personClaims, name):
				scopes = append(scopes, oidc.ScopeProfile)
			}
		}
	}
	slices.Sort(scopes)
	return slices.Compact(scopes)
}

// addRequested adds the claims that one member of the claims parameter asks for.
func addRequested(claims claimSet, member map[string]*claimRequest, u users.User) {
	if len(member) == 0 {
		return
	}
	all := claimSet{}
	addProfile(all, u)
	addEmail(all, "email", u)
	for name := range member {
		claims.put(name, all[name])
	}
}
