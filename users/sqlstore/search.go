package sqlstore

import (
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/einlass/einlass/users"
)

// maxSearchBytes is the longest text that is searched for; nobody's name is
// longer, and SQLite refuses patterns of 50,000 bytes.
const maxSearchBytes = 1024

// searchText is what lists are searched in: names and addresses in lower case.
func searchText(u users.User) string {
	return lower(strings.Join([]string{u.FirstName, u.LastName, u.Email, u.Username}, " "))
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// searchPattern is the LIKE pattern for a part of searchText; empty finds all.
func searchPattern(search string) string {
	if search = strings.TrimSpace(search); search == "" {
		return ""
	}
	return "%" + likeEscaper.Replace(lower(search)) + "%"
}

func lower(s string) string { return strings.ToLower(norm.NFKC.String(s)) }
