package notify

import (
	"golang.org/x/text/language"

	"github.com/einlass/einlass/users"
)

// attributeLocale is where a person's language is, if the source tells it (OpenID
// Connect Core section 5.1).
const attributeLocale = "locale"

// paperFor is the stationery in a person's language, if the organization speaks it, else in the organization's first.
func (m *Mail) paperFor(u users.User) *stationery {
	if tag, err := language.Parse(u.Attribute(attributeLocale)); err == nil {
		base, _ := tag.Base()
		if paper, written := m.papers[base.String()]; written {
			return paper
		}
	}
	return m.papers[m.cfg.Languages[0]]
}
