package admin

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// peoplePage is how many people of a run a page lists; the files list all.
const peoplePage = 200

// parameterAfter carries the place in a run after which a page of people begins.
const parameterAfter = "after"

// fieldData is an attribute that changes.
type fieldData struct{ Name, Before, After string }

// listPeople puts a page of the people whom a run concerns into data, those first
// who need somebody's attention.
func (h *Handler) listPeople(r *http.Request, run users.Run, words importer.Words, data *resultData) error {
	ctx, read := r.Context(), h.cfg.Users.Read()
	var after importer.ReportPlace
	if text := r.URL.Query().Get(parameterAfter); text != "" {
		var err error
		if after, err = parseReportPlace(text); err != nil {
			return &web.Error{Status: http.StatusBadRequest, Err: err}
		}
		data.First = resultPath(run.ID)
	}
	people, next, err := importer.ReadReportPage(ctx, read, run.ID, words, classesOf(run, data.Choose), after, peoplePage)
	if err != nil {
		return web.Unavailable(err)
	}
	for _, c := range people {
		row := newRow(words, c)
		if data.Choose && c.Kind == users.ChangeCreate {
			row.Choice = c.SourceID
		}
		data.Rows = append(data.Rows, row)
	}
	if next.Class != "" {
		q := url.Values{parameterAfter: {writeReportPlace(next)}}
		data.Next = resultPath(run.ID) + "?" + q.Encode()
	}
	return nil
}

// classesOf are the classes of people whom the page of a run lists, without those
// of which its numbers say that there are none.
func classesOf(run users.Run, choose bool) []importer.ReportClass {
	if choose {
		return []importer.ReportClass{
			importer.ReportClass(users.ChangeQuarantine), importer.ReportClass(users.ChangeCreate), importer.ReportClass(users.ChangeSkip),
		}
	}
	var classes []importer.ReportClass
	for _, class := range importer.ReportClasses() {
		if class == importer.ReportClass(users.ChangeCreate) && run.Counts.Created == 0 {
			continue // or a large import that created nobody would be searched to its end
		}
		classes = append(classes, class)
	}
	return classes
}

func writeReportPlace(p importer.ReportPlace) string {
	return string(p.Class) + "-" + strconv.Itoa(p.Phase) + "-" + strconv.Itoa(p.Seq)
}

func parseReportPlace(text string) (importer.ReportPlace, error) {
	parts := strings.Split(text, "-")
	if len(parts) != 3 {
		return importer.ReportPlace{}, errors.New("no place among the people of a run")
	}
	phase, phaseErr := strconv.Atoi(parts[1])
	seq, seqErr := strconv.Atoi(parts[2])
	if err := errors.Join(phaseErr, seqErr); err != nil {
		return importer.ReportPlace{}, errors.New("no place among the people of a run")
	}
	return importer.ReportPlace{Class: importer.ReportClass(parts[0]), Phase: phase, Seq: seq}, nil
}
