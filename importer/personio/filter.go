package personio

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/einlass/einlass/users"
)

// filterUpdatedSince selects people who changed since a time; Personio then
// ignores limit, offset and email.
const filterUpdatedSince = "updated_since"

// reservedNames are parameters that a filter must not set: those by which we
// page and choose attributes, and credentials, which have no business in a URL.
var reservedNames = []string{
	"limit", "offset", "attributes", "page", "per_page", "cursor",
	"client_id", "client_secret", "access_token", "token", "authorization",
}

// filtersV2 are all that version 2 knows. One that it does not know would be
// ignored, and everybody would be read.
var filtersV2 = []string{
	"id", "email", "first_name", "last_name", "preferred_name", "status",
	"created_at", "created_at.gt", "created_at.lt", "updated_at", "updated_at.gt", "updated_at.lt",
}

// filterName is how parameters are called, with the brackets of lists. A dot is
// not among them: some servers read client.id as client_id. Those of version 2 that have one are listed.
var filterName = regexp.MustCompile(`^[A-Za-z0-9_-]+(\[[A-Za-z0-9_-]*\])*$`)

// CheckFilter returns users.ErrInvalid with what is wrong with a filter, or nil.
func CheckFilter(filter string) error {
	_, err := parseFilter(filter)
	return err
}

// parseFilter reads a query string such as "email=ada@example.com". Values are
// percent-encoded as in a URL, or plain; a plus sign is refused, because it is a
// blank to some and itself to others. Names may repeat. Errors quote no values:
// they may be people's data.
func parseFilter(filter string) (url.Values, error) {
	if filter == "" {
		return nil, nil
	}
	values := url.Values{}
	for i, pair := range strings.Split(filter, "&") {
		name, value, hasValue := strings.Cut(pair, "=")
		if !hasValue || strings.ContainsAny(pair, "+;") {
			return nil, fmt.Errorf("%w filter: part %d: want name=value&name=value, with + written as %%2B, ; as %%3B and a blank as %%20",
				users.ErrInvalid, i+1)
		}
		name, nameErr := url.PathUnescape(name)
		value, valueErr := url.PathUnescape(value)
		switch {
		case nameErr != nil || valueErr != nil:
			return nil, fmt.Errorf("%w filter: part %d: wrong percent-encoding", users.ErrInvalid, i+1)
		case !filterName.MatchString(name) && !slices.Contains(filtersV2, name):
			return nil, fmt.Errorf("%w filter: %q is no name of a parameter", users.ErrInvalid, name)
		case isReserved(name):
			return nil, fmt.Errorf("%w filter: %s is set by the importer", users.ErrInvalid, name)
		}
		values.Add(name, value)
	}
	return values, nil
}

// filterV1 is parseFilter for version 1, which has no names with a dot.
func filterV1(filter string) (url.Values, error) {
	values, err := parseFilter(filter)
	for name := range values {
		if strings.Contains(name, ".") {
			return nil, fmt.Errorf("%w filter: %s is known to version 2 of the API alone", users.ErrInvalid, name)
		}
	}
	return values, err
}

// filterV2 is parseFilter for version 2.
func filterV2(filter string) (url.Values, error) {
	values, err := parseFilter(filter)
	for name := range values {
		if !slices.Contains(filtersV2, name) {
			return nil, fmt.Errorf("%w filter: version 2 of the API does not know %q", users.ErrInvalid, name)
		}
	}
	return values, err
}

// isReserved takes limit, Limit and limit[0] for the same.
func isReserved(name string) bool {
	base, _, _ := strings.Cut(strings.ToLower(name), "[")
	return slices.Contains(reservedNames, base)
}
