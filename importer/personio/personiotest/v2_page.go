package personiotest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strconv"
)

// Sizes of a page of version 2.
const (
	defaultPageV2 = 10
	maxPageV2     = 50
)

var errBadRequest = errors.New("bad request")

// cursor is what the opaque text of one holds.
type cursor struct {
	Offset int        `json:"offset"`
	Query  url.Values `json:"query"` // what the first page was asked for
}

func (c cursor) String() string {
	encoded, err := json.Marshal(c)
	if err != nil {
		return "" // numbers and texts always marshal
	}
	return "cur_" + base64.RawURLEncoding.EncodeToString(encoded)
}

// parseCursor returns where a request stands in its list: at the beginning, or
// where its cursor says. Parameters that come with the cursor win over those in it.
func parseCursor(query url.Values) (cursor, error) {
	c := cursor{Query: url.Values{}}
	if text := query.Get("cursor"); text != "" {
		if len(text) < len("cur_") {
			return cursor{}, errBadRequest
		}
		decoded, err := base64.RawURLEncoding.DecodeString(text[len("cur_"):])
		if err != nil || json.Unmarshal(decoded, &c) != nil || c.Offset < 0 || c.Query == nil {
			return cursor{}, errBadRequest
		}
	}
	maps.Copy(c.Query, query)
	c.Query.Del("cursor")
	return c, nil
}

func (c cursor) limit() (int, error) {
	text := c.Query.Get("limit")
	if text == "" {
		return defaultPageV2, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > maxPageV2 {
		return 0, errBadRequest
	}
	return limit, nil
}

// pageV2 is the envelope of a page.
type pageV2 struct {
	Data []any `json:"_data"`
	Meta meta  `json:"_meta"`
}

type meta struct {
	Links map[string]link `json:"links"`
}

type link struct {
	Href string `json:"href"`
}

// pageOf writes the part of all that a request is about, as far as faults
// allow. next is the path that following pages are read from.
func (s *Server) pageOf(r *http.Request, at cursor, next string, total int, faulty faultySet, row func(i int) any) answer {
	limit, err := at.limit()
	if err != nil {
		return s.problem(http.StatusBadRequest)
	}
	from := at.Offset
	switch {
	case faulty.has(RepeatedPage):
		from = max(0, from-limit)
	case faulty.has(Endless):
		from = 0
	}
	to := min(from+limit, total)
	if faulty.has(ShortPage) {
		to = min(to, from+(limit+1)/2)
	}
	following := cursor{Offset: at.Offset + max(to-from, 0), Query: at.Query}
	more := to < total || faulty.has(Endless)
	p := pageV2{Data: []any{}, Meta: meta{Links: map[string]link{"self": {s.origin(r) + r.URL.Path}}}}
	for i := from; i < to && !faulty.has(EmptyPage); i++ {
		p.Data = append(p.Data, row(i))
	}
	if more && !faulty.has(NextMissing) {
		p.Meta.Links["next"] = link{s.nextLink(r, next, at, following, limit, faulty)}
	}
	return success(p)
}

// nextLink is the address of the following page, as faults would have it.
func (s *Server) nextLink(r *http.Request, path string, at, following cursor, limit int, faulty faultySet) string {
	origin := s.origin(r)
	switch {
	case faulty.has(NextSelf):
		following = at
	case faulty.has(CursorRepeated) && at.Offset > 0:
		following.Offset = limit
	case faulty.has(FiltersDropped):
		following.Query = url.Values{}
	}
	switch {
	case faulty.has(NextRelative):
		origin = ""
	case faulty.has(NextForeign):
		origin = "https://api.personio.example"
	}
	return origin + path + "?" + url.Values{"cursor": {following.String()}}.Encode()
}

// origin is the root of the API as the caller sees it.
func (s *Server) origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
