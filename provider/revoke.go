package provider

import (
	"errors"
	"net/http"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// revoke makes a token of the client unusable (RFC 7009). An access token dies
// alone; a refresh token takes everything of its family along, also when it had
// been used already: whoever gives it back wants no more of it. What is unknown
// is revoked already.
func (p *Provider) revoke(w http.ResponseWriter, r *http.Request) error {
	c, in, err := p.readClient(w, r)
	if err != nil {
		return err
	}
	if in.get("token") == "" {
		return refuse(errInvalidRequest("The token is missing."))
	}
	ctx := r.Context()
	callOf(ctx).done(users.CallTokenRevoked)
	t, err := p.findToken(ctx, in)
	switch {
	case errors.Is(err, session.ErrNotFound):
		return web.NoBody(w, http.StatusOK)
	case err != nil:
		return err
	case !c.owns(t.grant):
		return refuseFor(errUnauthorizedClient("The token belongs to another client."), because(users.CallTokenOther))
	case t.refresh:
		err = p.cfg.Sessions.Revoke(ctx, t.grant)
	default:
		err = p.cfg.Sessions.DropToken(ctx, keys.Secret(in.get("token")))
	}
	if err != nil {
		return web.Unavailable(err)
	}
	return web.NoBody(w, http.StatusOK)
}
