package main

import "github.com/einlass/einlass/users"

// field is one key of the configuration: a leaf with a value, a mapping with
// keys of its own, or a list of mappings. File, environment, listing and
// documentation all walk the same fields, so none of them can know another key.
type field struct {
	name     string
	value    value          // set for a leaf
	keys     func() []field // set for a mapping; makes the mapping when it is optional
	optional bool           // the mapping counts only when it is written
	item     func() []field // set for a list; adds an element and returns its keys
}

func leaf(name string, v value) field { return field{name: name, value: v} }

func mapping(name string, fields ...field) field {
	return field{name: name, keys: func() []field { return fields }}
}

func (c *Config) fields() []field {
	return []field{
		leaf("issuer", textValue{&c.Issuer}),
		leaf("listen", textValue{&c.Listen}),
		leaf("management_listen", textValue{&c.ManagementListen}),
		leaf("data", textValue{&c.Data}),
		leaf("database_url", secretURLValue{&c.DatabaseURL}),
		leaf("redis_url", secretURLValue{&c.RedisURL}),
		leaf("master_key_file", textValue{&c.MasterKeyFile}),
		mapping("mail",
			leaf("smtp", secretURLValue{&c.Mail.SMTP}),
			leaf("from", textValue{&c.Mail.From}),
		),
		mapping("organization",
			leaf("name", textValue{&c.Organization.Name}),
			leaf("time_zone", textValue{&c.Organization.TimeZone}),
			leaf("languages", listValue{&c.Organization.Languages}),
		),
		leaf("insecure_allow_loopback", flagValue{&c.InsecureAllowLoopback}),
		leaf("insecure_allow_readable_secrets", flagValue{&c.InsecureAllowReadableSecrets}),
		leaf("trusted_proxies", networksValue{&c.TrustedProxies}),
		mapping("tls",
			leaf("cert_file", textValue{&c.TLS.CertFile}),
			leaf("key_file", textValue{&c.TLS.KeyFile}),
		),
		mapping("outgoing",
			leaf("allow_networks", networksValue{&c.Outgoing.AllowNetworks}),
			leaf("proxy", secretURLValue{&c.Outgoing.Proxy}),
		),
		mapping("keys",
			leaf("rotate_every", durationValue{&c.Keys.RotateEvery}),
			leaf("announce", durationValue{&c.Keys.Announce}),
		),
		{name: "applications", item: func() []field {
			c.Applications = append(c.Applications, defaultApplication())
			return c.Applications[len(c.Applications)-1].fields()
		}},
		{name: "groups", item: func() []field {
			c.Groups = append(c.Groups, GroupConfig{})
			return c.Groups[len(c.Groups)-1].fields()
		}},
		{name: "users", item: func() []field {
			c.Users = append(c.Users, defaultUser())
			return c.Users[len(c.Users)-1].fields()
		}},
		mapping("log",
			leaf("level", levelValue{&c.Log.Level}),
			leaf("format", choice(&c.Log.Format, logAuto, logJSON, logText)),
		),
	}
}

func (a *ApplicationConfig) fields() []field {
	return []field{
		leaf("id", textValue{&a.ID}),
		leaf("label", textValue{&a.Label}),
		leaf("description", textValue{&a.Description}),
		leaf("logo_file", logoValue{&a.Logo}),
		leaf("color", choice(&a.Color, users.Colors...)),
		leaf("enabled", flagValue{&a.Enabled}),
		leaf("groups", listValue{&a.Groups}),
		{name: "launch", optional: true, keys: func() []field {
			a.Launch = &LaunchConfig{}
			return []field{leaf("url", textValue{&a.Launch.URL})}
		}},
		{name: "sign_in", optional: true, keys: func() []field {
			a.SignIn = defaultSignIn()
			return a.SignIn.fields()
		}},
		{name: "import", optional: true, keys: func() []field {
			a.Import = defaultImport()
			return a.Import.fields()
		}},
	}
}

func (s *SignInConfig) fields() []field {
	return []field{
		leaf("client_id", textValue{&s.ClientID}),
		leaf("client_secret", secretsValue{&s.ClientSecrets}),
		leaf("auth_method", choice(&s.AuthMethod, authMethods...)),
		leaf("redirect_uris", listValue{&s.RedirectURIs}),
		leaf("post_logout_redirect_uris", listValue{&s.PostLogoutRedirectURIs}),
		leaf("backchannel_logout_uri", textValue{&s.BackchannelLogoutURI}),
		leaf("initiate_login_uri", textValue{&s.InitiateLoginURI}),
		leaf("continues_at", listValue{&s.ContinuesAt}),
		leaf("claims", mapValue{&s.Claims}),
		leaf("id_token_claims", listValue{&s.IDTokenClaims}),
		leaf("trusted", flagValue{&s.Trusted}),
		leaf("signing_alg", choice(&s.SigningAlg, signingAlgs...)),
		leaf("issuer_parameter", flagValue{&s.IssuerParameter}),
		leaf("require_pkce", flagValue{&s.RequirePKCE}),
		leaf("require_par", flagValue{&s.RequirePAR}),
		leaf("offline_access", flagValue{&s.OfflineAccess}),
		leaf("jwks", documentValue{&s.JWKS}),
		leaf("jwks_uri", textValue{&s.JWKSURI}),
	}
}

func (i *ImportConfig) fields() []field {
	return []field{
		leaf("source", choice(&i.Source, importSources...)),
		{name: "personio", optional: true, keys: func() []field {
			i.Personio = defaultPersonio()
			return []field{
				leaf("client_id", textValue{&i.Personio.ClientID}),
				leaf("client_secret", secretValue{&i.Personio.ClientSecret}),
				leaf("base_url", textValue{&i.Personio.BaseURL}),
				leaf("api", choice(&i.Personio.API, personioAPIs...)),
			}
		}},
		leaf("schedule", scheduleValue{&i.Schedule}),
		leaf("delta", deltaValue{&i.Delta}),
		leaf("mode", choice(&i.Mode, importModes...)),
		leaf("filter", textValue{&i.Filter}),
		leaf("initial_state", choice(&i.InitialState, initialStates...)),
		leaf("reactivation", flagValue{&i.Reactivation}),
		leaf("leave", choice(&i.Leave, leavePolicies...)),
		leaf("leave_kind", textValue{&i.LeaveKind}),
		{name: "leave_rules", item: func() []field {
			i.LeaveRules = append(i.LeaveRules, LeaveRuleConfig{})
			r := &i.LeaveRules[len(i.LeaveRules)-1]
			return []field{
				leaf("kind", listValue{&r.Kind}),
				leaf("employee_type", textValue{&r.EmployeeType}),
				leaf("access", choice(&r.Access, leaveAccesses...)),
				leaf("after", daysValue{&r.After}),
			}
		}},
		leaf("applications", listValue{&i.Applications}),
		{name: "access", optional: true, keys: func() []field {
			i.Access = defaultAccess()
			return []field{
				leaf("opens", textValue{&i.Access.Opens}),
				leaf("lead", daysValue{&i.Access.Lead}),
				leaf("closes", listValue{&i.Access.Closes}),
				leaf("grace", daysValue{&i.Access.Grace}),
				leaf("activate", flagValue{&i.Access.Activate}),
			}
		}},
		leaf("offices", mapValue{&i.Offices}),
		mapping("guard",
			leaf("max_people", numberValue{&i.Guard.MaxPeople}),
			leaf("max_percent", numberValue{&i.Guard.MaxPercent}),
		),
		leaf("approval", choice(&i.Approval, approvals...)),
		leaf("mapping", mapValue{&i.Mapping}),
		leaf("mapping_on_create", mapValue{&i.MappingOnCreate}),
		leaf("summary", choice(&i.Summary, summaryPolicies...)),
		leaf("conflict", choice(&i.Conflict, conflictPolicies...)),
		leaf("rank", numberValue{&i.Rank}),
		leaf("authoritative", listValue{&i.Authoritative}),
		{name: "webhook", optional: true, keys: func() []field {
			i.Webhook = &WebhookConfig{}
			return []field{
				leaf("token", secretsValue{&i.Webhook.Tokens}),
				leaf("headers", secretMapValue{&i.Webhook.Headers}),
				leaf("company_id", textValue{&i.Webhook.CompanyID}),
				leaf("register", flagValue{&i.Webhook.Register}),
			}
		}},
	}
}

func (g *GroupConfig) fields() []field {
	return []field{
		leaf("id", textValue{&g.ID}),
		leaf("label", textValue{&g.Label}),
		leaf("rule", textValue{&g.Rule}),
	}
}

func (u *UserConfig) fields() []field {
	return []field{
		leaf("email", textValue{&u.Email}),
		leaf("username", textValue{&u.Username}),
		leaf("first_name", textValue{&u.FirstName}),
		leaf("last_name", textValue{&u.LastName}),
		leaf("state", choice(&u.State, userStates...)),
		leaf("role", choice(&u.Role, userRoles...)),
		leaf("groups", listValue{&u.Groups}),
		leaf("attributes", mapValue{&u.Attributes}),
		leaf("password", secretValue{&u.Password}),
	}
}

// laterKeys are the keys of the documented configuration that this version does
// not have yet, by path, with [] for the elements of a list. They are errors,
// so that nobody believes in a setting that does nothing.
var laterKeys = []string{
	"applications[].import.rest",
	"applications[].sign_in.frontchannel_logout_uri",
	"tls.acme",
}
