package provider

import (
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/users"
)

// Errors the library has no value for. Descriptions are fixed sentences in the
// characters that RFC 6749 section 5.2 allows; causes go to the log.
func errUnsupportedResponseType() *oidc.Error {
	return &oidc.Error{ErrorType: "unsupported_response_type", Description: "The response type must be code."}
}

func errRequestURINotSupported() *oidc.Error {
	return &oidc.Error{ErrorType: "request_uri_not_supported", Description: "The request_uri parameter is not supported."}
}

func errRegistrationNotSupported() *oidc.Error {
	return &oidc.Error{ErrorType: "registration_not_supported", Description: "The registration parameter is not supported."}
}

func errRequestNotSupported() *oidc.Error {
	return oidc.ErrRequestNotSupported().WithDescription("The request parameter is not supported.")
}

func errInvalidRequest(description string) *oidc.Error {
	return oidc.ErrInvalidRequest().WithDescription("%s", description)
}

func errInvalidScope() *oidc.Error {
	return oidc.ErrInvalidScope().WithDescription("The scope must contain openid.").WithParent(because(users.CallScopeOpenID))
}

func errLoginRequired() *oidc.Error {
	return oidc.ErrLoginRequired().WithDescription("The person is not signed in.").WithParent(because(users.CallNotSignedIn))
}

func errConsentRequired() *oidc.Error {
	return &oidc.Error{ErrorType: "consent_required", Description: "The person has not consented to what is asked for.", Parent: because(users.CallNoConsent)}
}

func errConsentRefused() *oidc.Error {
	return oidc.ErrAccessDenied().WithDescription("The person did not consent.").WithParent(because(users.CallNoConsent))
}

// errUnmetAuthentication has its own specification: OpenID Connect Core Error Code unmet_authentication_requirements 1.0.
func errUnmetAuthentication() *oidc.Error {
	return &oidc.Error{ErrorType: "unmet_authentication_requirements", Description: "No essential acr value can be met."}
}

func errAccessDenied() *oidc.Error {
	return oidc.ErrAccessDenied().WithDescription("The person may not use this application.")
}

func errInvalidGrant() *oidc.Error {
	return oidc.ErrInvalidGrant().WithDescription("The code or refresh token is unknown, expired, used or bound to something else.")
}

func errScopeNotGranted() *oidc.Error {
	return oidc.ErrInvalidScope().WithDescription("The scope must contain openid and nothing that was not granted before.").
		WithParent(because(users.CallScopeMore))
}

func errUnauthorizedClient(description string) *oidc.Error {
	return oidc.ErrUnauthorizedClient().WithDescription("%s", description)
}

func errInvalidClient() *oidc.Error {
	return oidc.ErrInvalidClient().WithDescription("Client authentication failed.")
}

func errUnsupportedGrantType() *oidc.Error {
	return oidc.ErrUnsupportedGrantType().WithDescription("The grant type must be authorization_code or refresh_token.")
}

func errUnavailable() *oidc.Error {
	return &oidc.Error{ErrorType: codeTryLater, Description: "Something that is needed does not answer now."}
}

// codeTryLater says to a program that it should come back later.
const codeTryLater = "temporarily_unavailable"

func errTooMany() *oidc.Error {
	return &oidc.Error{ErrorType: codeTryLater, Description: "Too many tokens that are not active."}
}

func errInvalidToken() *oidc.Error {
	return &oidc.Error{ErrorType: "invalid_token", Description: "The access token is unknown, expired or revoked."}
}
