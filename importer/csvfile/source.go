package csvfile

import (
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/einlass/einlass/importer"
)

// pagePeople is how many people a page has.
const pagePeople = 500

// Granted implements importer.Source: the columns of the file. The status can
// always be read; an attribute without a column stays as it is.
func (f *File) Granted(context.Context) (granted []string, known bool, err error) {
	granted = slices.Clone(f.columns)
	if !slices.Contains(granted, columnStatus) {
		granted = append(granted, columnStatus)
	}
	return granted, true, nil
}

// Pages implements importer.Source. A file knows no filter.
func (f *File) Pages(_ context.Context, query importer.Query) iter.Seq2[importer.Page, error] {
	return func(yield func(importer.Page, error) bool) {
		for people := range slices.Chunk(f.people, pagePeople) {
			page := importer.Page{Announced: len(f.people)}
			for _, person := range people {
				page.People = append(page.People, only(person, query.Wanted))
			}
			if !yield(page, nil) {
				return
			}
		}
	}
}

// Changed implements importer.Source: a file does not say when, so everybody may have.
func (f *File) Changed(ctx context.Context, _ time.Time, wanted []string) iter.Seq2[importer.Page, error] {
	return f.Pages(ctx, importer.Query{Wanted: wanted})
}

// Person implements importer.Source.
func (f *File) Person(_ context.Context, id string, wanted []string) (importer.Person, error) {
	place, found := f.places[id]
	if !found {
		return importer.Person{}, importer.ErrGone
	}
	return only(f.people[place], wanted), nil
}

// only returns the wanted attributes of a person.
func only(person importer.Person, wanted []string) importer.Person {
	person.Attributes = maps.Clone(person.Attributes)
	maps.DeleteFunc(person.Attributes, func(name, _ string) bool { return !slices.Contains(wanted, name) })
	if !slices.Contains(wanted, columnManager) {
		person.ManagerID, person.HasManager = "", false
	}
	return person
}
