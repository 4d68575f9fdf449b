package main

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"github.com/einlass/einlass/importer/csvfile"
	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// Declaration is what the file declares, in the words of the directory.
// defaultMapping is the source's own mapping, which a connection's is merged on.
func (c *Config) Declaration(defaultMapping users.Mapping) users.Declaration {
	var d users.Declaration
	for _, a := range c.Applications {
		d.Applications = append(d.Applications, a.declared(defaultMapping))
	}
	for _, g := range c.Groups {
		d.Groups = append(d.Groups, users.Group{ID: users.GroupID(g.ID), Label: cmp.Or(g.Label, g.ID), Rule: g.Rule})
	}
	for _, u := range c.Users {
		d.Users = append(d.Users, users.DeclaredUser{
			Email:      u.Email,
			Username:   u.Username,
			FirstName:  u.FirstName,
			LastName:   u.LastName,
			State:      u.State,
			Role:       u.Role,
			Groups:     groupIDs(u.Groups),
			Attributes: u.Attributes,
			Password:   u.Password,
		})
	}
	return d
}

func (a ApplicationConfig) declared(defaultMapping users.Mapping) users.DeclaredApplication {
	d := users.DeclaredApplication{Application: users.Application{
		ID:          users.ApplicationID(a.ID),
		Label:       cmp.Or(a.Label, a.ID),
		Description: a.Description,
		Logo:        a.Logo.Logo,
		Color:       a.Color,
		Disabled:    !a.Enabled,
		Groups:      groupIDs(a.Groups),
	}}
	if a.Launch != nil {
		d.Launch = &users.Launch{URL: a.Launch.URL}
	}
	if a.SignIn != nil {
		d.SignIn = a.SignIn.stored()
		d.ClientSecrets = a.SignIn.ClientSecrets
	}
	if a.Import != nil {
		d.Import = a.Import.stored(defaultMapping)
		if a.Import.Personio != nil {
			d.ImportSecret = a.Import.Personio.ClientSecret
		}
		a.Import.Webhook.declare(&d)
	}
	return d
}

func (s SignInConfig) stored() *users.SignIn {
	stored := &users.SignIn{
		ClientID:         s.ClientID,
		AuthMethod:       s.AuthMethod,
		RedirectURIs:     s.RedirectURIs,
		InitiateLoginURI: s.InitiateLoginURI,
		ContinuesAt:      s.ContinuesAt,

		PostLogoutRedirectURIs: s.PostLogoutRedirectURIs,
		BackchannelLogoutURI:   s.BackchannelLogoutURI,

		Claims:            s.Claims,
		IDTokenClaims:     s.IDTokenClaims,
		Trusted:           s.Trusted,
		SigningAlg:        s.SigningAlg,
		NoIssuerParameter: !s.IssuerParameter,
		RequirePAR:        s.RequirePAR,
		RequirePKCE:       s.RequirePKCE || s.AuthMethod == users.AuthMethodNone, // RFC 9700 section 2.1.1
		OfflineAccess:     s.OfflineAccess,
		JWKSURI:           s.JWKSURI,
	}
	if s.JWKS != "" {
		stored.JWKS = json.RawMessage(s.JWKS)
	}
	return stored
}

func (i ImportConfig) stored(defaultMapping users.Mapping) *users.Import {
	stored := &users.Import{
		Source:       i.Source,
		Schedule:     i.Schedule,
		Delta:        i.Delta,
		Mode:         i.Mode,
		Approval:     i.Approval,
		Filter:       i.Filter,
		InitialState: i.InitialState,
		Reactivation: i.Reactivation,
		Leave:        i.Leave,
		Guard:        users.Guard(i.Guard),
		Mapping:      i.mapping(defaultMapping),
		Access:       (*users.Access)(i.Access),
		LeaveKind:    i.LeaveKind,
		LeaveRules:   i.leaveRules(),
		Offices:      i.Offices,

		MappingOnCreate: i.MappingOnCreate,
		Authoritative:   i.Authoritative,
	}
	if i.Personio != nil {
		i.Personio.store(stored)
	}
	if i.Source == users.SourceCSV {
		stored.Schedule = 0 // somebody brings the files
	}
	if i.Conflict != users.ConflictQuarantines { // which is the same as none
		stored.Conflict = i.Conflict
	}
	if i.Rank > 1 { // likewise
		stored.Rank = i.Rank
	}
	if i.Webhook != nil {
		stored.Webhook = &users.Webhook{CompanyID: i.Webhook.CompanyID, Register: i.Webhook.Register}
	}
	for _, id := range i.Applications {
		stored.Applications = append(stored.Applications, users.ApplicationID(id))
	}
	if i.Summary != users.SummaryNever { // likewise
		stored.Summary = i.Summary
	}
	return stored
}

// declare adds what opens the webhook receiver; without one, nothing.
func (c *WebhookConfig) declare(d *users.DeclaredApplication) {
	if c == nil {
		return
	}
	d.WebhookTokens = c.Tokens
	d.WebhookHeaders = make(map[string]keys.Secret, len(c.Headers))
	for name, value := range c.Headers {
		d.WebhookHeaders[http.CanonicalHeaderKey(name)] = value
	}
}

// store says in stored where the API is and as whom it is asked.
func (p PersonioConfig) store(stored *users.Import) {
	stored.BaseURL, stored.ClientID = p.BaseURL, p.ClientID
	if p.API != users.APIAuto { // which is the same as none
		stored.API = p.API
	}
}

func (i ImportConfig) leaveRules() []users.LeaveRule {
	var rules []users.LeaveRule
	for _, r := range i.LeaveRules {
		rules = append(rules, users.LeaveRule(r))
	}
	return rules
}

// mapping is what every import fills: the default, what the file says of it, and
// none of what is filled on creation alone. It is nil where the default holds.
func (i ImportConfig) mapping(defaultMapping users.Mapping) users.Mapping {
	if i.Source == users.SourceCSV {
		defaultMapping = csvfile.DefaultMapping()
	}
	if len(i.Mapping)+len(i.MappingOnCreate) == 0 {
		return nil
	}
	mapping := maps.Clone(defaultMapping)
	maps.DeleteFunc(mapping, func(target, _ string) bool { return i.MappingOnCreate[target] != "" })
	maps.Copy(mapping, i.Mapping)
	maps.DeleteFunc(mapping, func(_, source string) bool { return source == "" })
	return mapping
}

// defaultMappings holds what fills people of each source where the file says nothing of it.
var defaultMappings = map[string]users.Mapping{
	users.SourcePersonio: personio.DefaultMapping(),
	users.SourceCSV:      csvfile.DefaultMapping(),
}

// groupIDs returns the sorted ids.
func groupIDs(names []string) []users.GroupID {
	ids := make([]users.GroupID, 0, len(names))
	for _, name := range slices.Sorted(slices.Values(names)) {
		ids = append(ids, users.GroupID(name))
	}
	return ids
}
