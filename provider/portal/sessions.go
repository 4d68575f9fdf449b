package portal

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// Paths of the account that pages lead to.
const (
	pathSessions = "/account/sessions"
	pathOthers   = pathSessions + "/others"
	pathAccess   = "/account/access"
)

// sessionsData is what the page of a person's sessions shows.
type sessionsData struct {
	topbar
	Token    string
	Fresh    bool   // they have proven just now who they are
	Again    string // where they prove it
	Others   bool   // there are more sessions than this browser's
	Sessions []sessionRow
	Families []familyRow
	Zone     string
}

// sessionRow is a browser in which the person is signed in.
type sessionRow struct {
	Path         string // that ends it
	Agent        session.Agent
	This         bool // the browser that shows the page
	Began, Seen  moment
	Methods      []method
	Applications []string // labels
}

// familyRow is what an application can use while the person is away.
type familyRow struct {
	Path         string // that ends it
	Application  string // label
	Since, Until moment
}

// moment is a time as people read it and as programs do.
type moment struct{ Text, RFC3339 string }

// method is how somebody signed in.
type method struct {
	Key  string // translation key; empty: Code is shown
	Code string // RFC 8176
}

var methodKeys = map[string]string{"pwd": "account.password"}

// getSessions shows where the person is signed in, and what goes on when they are not.
func (h *Handler) getSessions(w http.ResponseWriter, r *http.Request) error {
	visitor, err := h.visit(r, "")
	if err != nil {
		return signInAt(w, err, pathSessions)
	}
	sessions, err := h.sessionsOf(r.Context(), visitor)
	if err != nil {
		return err
	}
	families, err := h.familiesOf(r.Context(), visitor)
	if err != nil {
		return err
	}
	words := h.cfg.Site.Words(w, r)
	show := func(t time.Time) moment {
		return moment{Text: t.In(h.cfg.Zone).Format(words.Say("moment.layout")), RFC3339: t.UTC().Format(time.RFC3339)}
	}
	data := sessionsData{
		topbar: topbar{Console: visitor.User.Role.SeesConsole(), OnSessions: true},
		Token:  h.cfg.Site.FormToken(w, r),
		Fresh:  h.isFresh(visitor.Session),
		Again:  proveAgain(),
		Others: len(sessions) > 1,
		Zone:   h.cfg.Zone.String(),
	}
	for _, s := range sessions {
		row := sessionRow{
			Path: pathSessions + "/" + url.PathEscape(s.SID), Agent: s.Agent, This: s.SID == visitor.Session.SID,
			Began: show(s.AuthTime), Seen: show(s.Seen),
		}
		for _, amr := range s.AMR {
			row.Methods = append(row.Methods, method{methodKeys[amr], amr})
		}
		for _, id := range s.Applications {
			row.Applications = append(row.Applications, h.label(id))
		}
		data.Sessions = append(data.Sessions, row)
	}
	for _, f := range families {
		data.Families = append(data.Families, familyRow{
			Path:        pathAccess + "/" + url.PathEscape(f.Grant.Family),
			Application: h.label(f.Grant.Application), Since: show(f.Grant.AuthTime), Until: show(f.Ends),
		})
	}
	return h.sessionsPage.Render(w, r, http.StatusOK, web.View{Words: words}, data)
}

// sessionsOf returns the sessions in which the visitor is signed in, that of this browser first.
func (h *Handler) sessionsOf(ctx context.Context, visitor session.Visitor) ([]session.Session, error) {
	sessions, err := h.cfg.Sessions.Of(ctx, visitor.User.ID)
	if err != nil {
		return nil, web.Unavailable(err)
	}
	sessions = slices.DeleteFunc(sessions, func(s session.Session) bool { return !visitor.Decision.Lives(s.Epoch) })
	slices.SortStableFunc(sessions, func(a, b session.Session) int {
		return cmp.Compare(otherThan(visitor, a), otherThan(visitor, b))
	})
	return sessions, nil
}

// otherThan is 1 for a session that is not that of this browser.
func otherThan(visitor session.Visitor, s session.Session) int {
	if s.SID == visitor.Session.SID {
		return 0
	}
	return 1
}

// familiesOf returns what applications can use while the visitor is away.
func (h *Handler) familiesOf(ctx context.Context, visitor session.Visitor) ([]session.RefreshToken, error) {
	families, err := h.cfg.Sessions.Families(ctx, visitor.User.ID)
	if err != nil {
		return nil, web.Unavailable(err)
	}
	return slices.DeleteFunc(families, func(f session.RefreshToken) bool { return !visitor.Decision.Lives(f.Grant.Epoch) }), nil
}

// label is how people call an application; of one that is gone only the id is known.
func (h *Handler) label(id users.ApplicationID) string {
	if a, found := h.cfg.Applications.Application(id); found {
		return a.Label
	}
	return string(id)
}
