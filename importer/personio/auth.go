package personio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/keys"
)

// authorized asks once with the token at hand, and if that is refused once more
// with a new one. It is only then that a right is known to be missing.
func (s *Source) authorized(ctx context.Context, ask request) (value, error) {
	token, err := s.authenticate(ctx, "")
	if err != nil {
		return nil, err
	}
	answer, err := s.read(ctx, ask, token)
	if !errors.Is(err, importer.ErrForbidden) {
		return answer, err
	}
	token, err = s.authenticate(ctx, token)
	if err != nil {
		return nil, err
	}
	return s.read(ctx, ask, token)
}

// authenticate returns a token other than refused, from memory if possible.
// Personio hands out the same token for a day, so that the new one may well be
// the old one.
func (s *Source) authenticate(ctx context.Context, refused keys.Secret) (keys.Secret, error) {
	s.mu.Lock()
	token := s.token
	s.mu.Unlock()
	if token != "" && token != refused {
		return token, nil
	}
	token, err := s.requestToken(ctx)
	if errors.Is(err, importer.ErrForbidden) {
		err = s.credentialsRefused()
	}
	if err != nil {
		return "", fmt.Errorf("authenticate: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token, s.worked = token, true
	return token, nil
}

func (s *Source) credentialsRefused() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = ""
	if s.worked {
		return importer.ErrRevoked
	}
	return importer.ErrCredentials
}

// requestToken sends the credentials, in the body: in the query Personio
// refuses them, and logs would keep them.
func (s *Source) requestToken(ctx context.Context) (keys.Secret, error) {
	credentials, err := json.Marshal(map[string]string{
		"client_id": s.cfg.ClientID, "client_secret": s.cfg.ClientSecret.Reveal(),
	})
	if err != nil {
		return "", fmt.Errorf("encode credentials: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.root+"/v1/auth", bytes.NewReader(credentials))
	if err != nil {
		return "", fmt.Errorf("request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := s.send(req)
	switch {
	case errors.Is(err, errNotFound):
		return "", fmt.Errorf("no such API at this address: %w", importer.ErrCorrupt)
	case errors.Is(err, errRejected): // a refusal of any kind is one of the credentials
		return "", importer.ErrForbidden
	case err != nil:
		return "", err
	}
	token := answer.member("data").member("token")
	if !token.isString() || token.isEmpty() {
		return "", fmt.Errorf("the answer has no token: %w", importer.ErrCorrupt)
	}
	return keys.Secret(token.text()), nil
}
