package provider

import (
	"context"
	"errors"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// logo answers with a logo to anybody, because the sign-in page shows it before there is a
// session. That gives nothing away: whoever can start a sign-in at an application
// sees its name and logo anyway, and without that the digest of a picture is known to
// those alone who have the picture. The registry holds the contents, so that strangers
// cause no reading in the directory.
func (p *Provider) logo(w http.ResponseWriter, r *http.Request) error {
	logo, found := p.cfg.Registry.current.Load().logos[mux.Vars(r)["digest"]]
	if !found {
		return &web.Error{Status: http.StatusNotFound}
	}
	return web.Logo(w, logo.MediaType, logo.Content)
}

// withLogo puts the logo of an application into next and returns the application. A logo
// that is held already is not read again; one that was replaced since the application
// was read is left out, because the next revision brings the other.
func (r *Registry) withLogo(ctx context.Context, next *snapshot, a users.Application) (users.Application, error) {
	if a.Logo == nil {
		return a, nil
	}
	digest := a.Logo.Digest
	logo, held := r.current.Load().logos[digest]
	if !held {
		var err error
		logo, err = r.cfg.Source.Logo(ctx, a.ID)
		if err != nil && !errors.Is(err, users.ErrNotFound) {
			return a, err
		}
		if err != nil || logo.Digest != digest {
			a.Logo = nil
			return a, nil
		}
	}
	next.logos[digest] = logo
	return a, nil
}
