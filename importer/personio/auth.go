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
	t, err := c.authenticate(ctx, 0)
	if err != nil {
		return nil, err
	}
	answer, err := c.read(ctx, ask, t.text)
	if !errors.Is(err, importer.ErrForbidden) {
		return answer, err
	}
	if t, err = c.authenticate(ctx, t.number); err != nil {
		return nil, err
	}
	return c.read(ctx, ask, t.text)
}

// token is what lets us in. Personio hands out the same text for a day, so that a
// new one may well be the old one; its number, from 1, tells them apart.
type token struct {
	text    keys.Secret // empty: there is none
	number  int
	expires time.Time // zero: it was not said
}

// authenticate returns a token that is newer than a refused one, from memory if
// possible. Of several who are refused at the same time one asks for the others.
func (c *caller) authenticate(ctx context.Context, refused int) (token, error) {
	select {
	case c.asking <- struct{}{}:
		defer func() { <-c.asking }()
	case <-ctx.Done():
		return token{}, &failure{cause: ctx.Err()} // the patience with the source has come to its end
	}
	c.mu.Lock()
	t := c.token
	c.mu.Unlock()
	over := !t.expires.IsZero() && !c.cfg.Now().Before(t.expires)
	if t.text != "" && t.number > refused && !over {
		return t, nil
	}
	text, expires, err := c.requestToken(ctx)
	if errors.Is(err, importer.ErrForbidden) {
		err = c.credentialsRefused()
	}
	if err != nil {
		return token{}, fmt.Errorf("authenticate: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token, c.worked = token{text, c.token.number + 1, expires}, true
	return c.token, nil
}

func (c *caller) credentialsRefused() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token.text = ""
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
