package admin

import (
	"net/http"

	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// section is a part of the console, one line of the sidebar.
type section string

// The sections.
const (
	sectionImports      section = "imports"
	sectionApplications section = "applications"
)

// frameData is what every page of the console shows around its own data.
type frameData struct {
	Sections []sectionLink
	Who      string // signed in
	WhoLine  string // their address, if that is not how they are called
	Page     any    // what the page's own template is about
}

// sectionLink is a line of the sidebar.
type sectionLink struct {
	Key       string // translation key
	URL       string
	Icon      string
	Current   bool
	Attention int // how many things there wait for somebody's decision
}

// page parses a page of the console. Its file defines "title", and "main" with
// what stands inside <main>; both find the page's data at .Data.Page.
func (h *Handler) page(name string) (*web.Page, error) {
	return h.cfg.Site.Page(templates, "templates/frame.html", "templates/"+name)
}

// render answers with a page of the console that belongs to a section.
func (h *Handler) render(
	w http.ResponseWriter, r *http.Request, status int, page *web.Page, user users.User, current section, v web.View, data any,
) error {
	held, err := h.countHeld(r.Context())
	if err != nil {
		return web.Unavailable(err)
	}
	f := frameData{
		Sections: []sectionLink{
			{Key: "console.imports", URL: pathImports, Icon: "sync", Current: current == sectionImports, Attention: held},
			{Key: "console.applications", URL: pathApplications, Icon: "sliders", Current: current == sectionApplications},
		},
		Who:  user.DisplayName(),
		Page: data,
	}
	if f.Who != user.Email {
		f.WhoLine = user.Email
	}
	return page.Render(w, r, status, v, f)
}
