package portal

import (
	"cmp"
	"hash/fnv"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// portalData is what the portal's page shows.
type portalData struct {
	topbar
	Greeting string // translation key
	Name     string
	Tiles    []tile
}

// tile is one application.
type tile struct {
	URL    string
	Logo   string // its URL; empty: the letter stands there
	Letter string
	Color  string // class
	Label  string
	Line   string // what it is for, else where it lives
}

// getPortal greets the person and shows their applications.
func (h *Handler) getPortal(w http.ResponseWriter, r *http.Request) error {
	visitor, err := h.visit(r, "")
	if err != nil {
		return signIn(w, err)
	}
	user := visitor.User
	ids, err := h.cfg.Users.Read().ApplicationsOf(r.Context(), user.ID, h.cfg.Now())
	if err != nil {
		return web.Unavailable(err)
	}
	data := portalData{
		topbar:   topbar{Console: user.Role.SeesConsole()},
		Greeting: greeting(h.cfg.Now().In(h.cfg.Zone)),
		Name:     user.FirstName,
		Tiles:    h.tiles(ids),
	}
	if data.Name == "" {
		data.Name = user.DisplayName()
	}
	return h.page.Render(w, r, http.StatusOK, web.View{}, data)
}

// tiles are the applications of ids that can be launched, in the order of the alphabet (ä with a).
func (h *Handler) tiles(ids []users.ApplicationID) []tile {
	var tiles []tile
	for _, id := range ids {
		if a, found := h.cfg.Applications.Application(id); found && a.Launch != nil {
			tiles = append(tiles, newTile(a))
		}
	}
	slices.SortStableFunc(tiles, func(a, b tile) int { return strings.Compare(alphabetical(a.Label), alphabetical(b.Label)) })
	return tiles
}

// alphabetical is a label as lists are ordered by: without case, and with letters
// as if they had no marks. The tables of the languages' own orders would
// make the program a megabyte larger.
func alphabetical(label string) string {
	plain := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(strings.ToLower(label)))
	return strings.ReplaceAll(plain, "ß", "ss")
}

func newTile(a users.Application) tile {
	t := tile{
		URL:    "/portal/launch/" + string(a.ID),
		Logo:   web.LogoURL(a.LogoDigest()),
		Letter: initial(a.Label),
		Color:  colorClass(a),
		Label:  a.Label,
		Line:   a.Description,
	}
	if t.Line == "" {
		if u, err := url.Parse(a.Launch.URL); err == nil {
			t.Line = u.Host
		}
	}
	return t
}

func initial(label string) string {
	first, _ := utf8.DecodeRuneInString(label)
	return string(unicode.ToUpper(first))
}

// colorClass is the class of an application's colour in the style sheet.
func colorClass(a users.Application) string {
	return "tile-" + string(cmp.Or(a.Color, colorOf(a.ID)))
}

// colorOf gives an application without a colour the same one wherever and whenever it is shown.
func colorOf(id users.ApplicationID) users.Color {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(id))                                  // never fails
	return users.Colors[sum.Sum32()>>8%uint32(len(users.Colors))] // the lowest bits differ too little
}

// greeting returns the key of the greeting for a local time.
func greeting(now time.Time) string {
	switch hour := now.Hour(); {
	case hour >= 5 && hour < 11:
		return "portal.morning"
	case hour >= 11 && hour < 18:
		return "portal.day"
	}
	return "portal.evening"
}
