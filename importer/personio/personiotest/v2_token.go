package personiotest

import (
	"mime"
	"net/http"
	"time"

	"github.com/einlass/einlass/keys"
)

const formType = "application/x-www-form-urlencoded"

// issueToken exchanges the credentials for the token of version 2, with its
// remaining life. Wrong ones are refused with 400, as documented.
func (s *Server) issueToken(r *http.Request, _ faultySet) answer {
	if !isForm(r) {
		return s.oauthError("invalid_request", `The content type of the request must be "`+formType+`".`)
	}
	id, secret, grant := r.PostFormValue("client_id"), r.PostFormValue("client_secret"), r.PostFormValue("grant_type")
	switch {
	case grant == "" || id == "" || secret == "":
		return s.oauthError("invalid_request", "The request has missing or invalid required parameters.")
	case grant != "client_credentials":
		return s.oauthError("unsupported_grant_type", "The requested authorization grant type is not supported by the server.")
	case r.PostFormValue("scope") != "": // examples and text of the documentation contradict each other
		return s.oauthError("invalid_scope", "One of the requested scopes is invalid.")
	}
	token, expires, ok := s.account.authenticate(version2, id, keys.Secret(secret))
	if !ok {
		return s.oauthError("unauthorized_client", "Invalid Credentials")
	}
	return success(map[string]any{
		"access_token": token.Reveal(), "token_type": "Bearer", "refresh_token": nil,
		"expires_in": int(expires.Sub(s.cfg.Now()).Seconds()), "scope": s.account.allScopes(),
	})
}

// revokeToken answers alike whether there was such a token.
func (s *Server) revokeToken(r *http.Request, _ faultySet) answer {
	if !isForm(r) {
		return s.oauthError("invalid_request", `The content type of the request must be "`+formType+`".`)
	}
	s.account.drop(keys.Secret(r.PostFormValue("token")))
	return answer{status: http.StatusOK}
}

func isForm(r *http.Request) bool {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && mediaType == formType
}

func (s *Server) oauthError(code, description string) answer {
	return say(http.StatusBadRequest, "application/problem+json", map[string]any{
		"timestamp": s.cfg.Now().UTC().Format(time.RFC3339), "trace_id": traceID,
		"error": code, "error_description": description,
		"error_uri": "https://developer.personio.de/reference/errors#credentials.oauth2." + code, "meta": map[string]any{},
	})
}
