package personio

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/einlass/einlass/importer"
)

// version2 takes its credentials as a form alone. Personio allows 30 requests a
// second, for all we know for each endpoint of its own; we count them together.
var version2 = protocol{
	limits:        []rate{{25, time.Second}},
	bursts:        true,
	listLimits:    []rate{{22, time.Second}},
	changesLimits: []rate{{3, time.Second}},
	authorize:     authorizeV2,
	opened: func(answer value) (token, life value) {
		return answer.member("access_token"), answer.member("expires_in")
	},
	refused: refusedV2,
	succeeded: func(answer value) bool {
		return answer.isObject() && answer.member("errors") == nil && answer.member("error") == nil
	},
	refuses: func(answer value) bool { return answer.member("errors").isArray() },
	code:    func(value) int { return 0 },
}

// authorizeV2 requests no scopes: the names of them in Personio's text and in
// its examples contradict each other, and without any all are given.
func authorizeV2(cfg Config, root string) (*http.Request, error) {
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {cfg.ClientID}, "client_secret": {cfg.ClientSecret.Reveal()},
	}
	req, err := http.NewRequest(http.MethodPost, root+"/v2/auth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req, nil
}

// refusedV2 tells apart why there is no token, as RFC 6749 section 5.2 names it:
// it is the credentials, it may pass, or the question was none that is understood.
func refusedV2(r *rejection) error {
	switch code := r.answer.member("error").text(); code {
	case "invalid_client", "unauthorized_client", "invalid_grant", "access_denied":
		return fmt.Errorf("%s%s: %w", code, trace(r.answer), importer.ErrForbidden)
	case "server_error", "temporarily_unavailable":
		return &failure{status: r.status, cause: fmt.Errorf("%w: %s%s", importer.ErrUnreachable, code, trace(r.answer))}
	}
	return r
}
