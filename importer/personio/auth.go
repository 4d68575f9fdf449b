package personio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/keys"
)

// authorized asks once with the token at hand, and if that is refused once more
// with a new one. It is only then that a right is known to be missing.
func (c *caller) authorized(ctx context.Context, ask request) (value, error) {
	token, err := c.authenticate(ctx, "")
	if err != nil {
		return nil, err
	}
	answer, err := c.read(ctx, ask, token)
	if !errors.Is(err, importer.ErrForbidden) {
		return answer, err
	}
	token, err = c.authenticate(ctx, token)
	if err != nil {
		return nil, err
	}
	return c.read(ctx, ask, token)
}

// authenticate returns a token other than refused, from memory if possible.
// Personio hands out the same token for a day, so that the new one may well be
// the old one.
func (c *caller) authenticate(ctx context.Context, refused keys.Secret) (keys.Secret, error) {
	c.mu.Lock()
	token, over := c.token, !c.expires.IsZero() && !c.cfg.Now().Before(c.expires)
	c.mu.Unlock()
	if token != "" && token != refused && !over {
		return token, nil
	}
	token, expires, err := c.requestToken(ctx)
	if errors.Is(err, importer.ErrForbidden) {
		err = c.credentialsRefused()
	}
	if err != nil {
		return "", fmt.Errorf("authenticate: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token, c.expires, c.worked = token, expires, true
	return token, nil
}

func (c *caller) credentialsRefused() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token = ""
	if c.worked {
		return importer.ErrRevoked
	}
	return importer.ErrCredentials
}

// errNoAPI says that a version of the API is not there at all.
var errNoAPI = fmt.Errorf("no such API at this address: %w", importer.ErrCorrupt)

// requestToken sends the credentials, in the body: in the query Personio
// refuses them, and logs would keep them.
func (c *caller) requestToken(ctx context.Context) (token keys.Secret, expires time.Time, err error) {
	asked := c.cfg.Now()
	req, err := c.api.authorize(c.cfg, c.root)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("request: %w", err)
	}
	answer, err := c.send(req.WithContext(ctx), req.URL.Path, c.cfg.HTTP.DoRepeatable)
	rejected, isRejected := errors.AsType[*rejection](err)
	switch {
	case errors.Is(err, errNotFound), isRejected && rejected.status == http.StatusNotFound: // in whosever words
		return "", time.Time{}, errNoAPI
	case isRejected && rejected.answer != nil:
		return "", time.Time{}, c.api.refused(rejected)
	case err != nil:
		return "", time.Time{}, err
	}
	text, life := c.api.opened(answer)
	if !text.isString() || text.isEmpty() {
		return "", time.Time{}, fmt.Errorf("the answer has no token: %w", importer.ErrCorrupt)
	}
	if seconds, err := strconv.ParseInt(string(life), 10, 32); err == nil && seconds > 0 {
		expires = asked.Add(time.Duration(seconds) * time.Second) // what remains, not a whole day
	}
	return keys.Secret(text.text()), expires, nil
}
