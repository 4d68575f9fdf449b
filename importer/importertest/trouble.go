package importertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/einlass/einlass/importer"
)

// crowd hires so many that a list has several pages.
func crowd(h House) (ids []string) {
	for i := range 220 {
		ids = append(ids, h.Hire(Profile{"email": fmt.Sprintf("p%d@acme.example", i), "status": "active"}))
	}
	return ids
}

// moving is a list that changes between two pages: whoever was there all the time
// may be missed, because of which nobody is judged by absence; but nobody is
// invented, and it is no failure.
func moving(t *testing.T, build Builder) {
	h := build(t, Options{})
	hired := crowd(h)
	ids := map[string]bool{}
	for _, id := range hired {
		ids[id] = true
	}
	h.Meanwhile(func() {
		h.Remove(slices.Min(hired))
		ids[h.Hire(ada())] = true
	})
	r := h.list(t.Context(), "email", "status")
	if r.err != nil || len(r.ids()) < 218 {
		t.Errorf("error %v, %d people, want nearly all", r.err, len(r.ids()))
	}
	for id, times := range r.ids() {
		if !ids[id] || times > 2 {
			t.Errorf("person %q was read %d times", id, times)
		}
	}
}

// N329, N330
func passing(t *testing.T, build Builder) {
	h := build(t, Options{})
	ids := crowd(h)
	h.Break(Passing)
	if r := h.list(t.Context(), "email", "status"); r.err != nil || len(r.ids()) != len(ids) {
		t.Errorf("error %v, %d people; want %d", r.err, len(r.ids()), len(ids))
	}
	h.Break(Passing)
	if _, err := h.Source.Person(t.Context(), ids[7], wanted()); err != nil {
		t.Errorf("one person: %v", err)
	}
}

// S-003, S-010, N300, N302, N324
func troubles(t *testing.T, build Builder) {
	for trouble, want := range map[Trouble]error{
		Lasting: importer.ErrUnreachable, Garbage: importer.ErrCorrupt, LoginPage: importer.ErrCorrupt,
		Forbidden: importer.ErrForbidden, Wrong: importer.ErrCredentials,
	} {
		h := build(t, Options{Hasty: trouble == Lasting})
		id := h.Hire(ada())
		h.Break(trouble)
		if r := h.list(t.Context()); !errors.Is(r.err, want) || len(r.people) != 0 {
			t.Errorf("list after %s: error %v and %d people, want %v", trouble, r.err, len(r.people), want)
		}
		if _, err := h.Source.Person(t.Context(), id, wanted()); !errors.Is(err, want) {
			t.Errorf("one person after %s: error %v, want %v", trouble, err, want)
		}
	}
	h := build(t, Options{})
	h.Hire(ada())
	if r := h.list(t.Context()); r.err != nil {
		t.Fatal(r.err)
	}
	h.Break(Wrong)
	if r := h.list(t.Context()); !errors.Is(r.err, importer.ErrRevoked) {
		t.Errorf("credentials that worked before: error %v, want ErrRevoked", r.err)
	}
}

func stopped(t *testing.T, build Builder) {
	h := build(t, Options{})
	crowd(h)
	ctx, cancel := context.WithCancel(t.Context())
	pages := 0
	var last error
	for _, err := range h.Source.Pages(ctx, importer.Query{Wanted: wanted()}) {
		pages++
		last = err
		cancel()
	}
	if pages != 2 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d pages, at last error %v; want one page and then the context's error", pages-1, last)
	}
	cancel()
}

func enough(t *testing.T, build Builder) {
	h := build(t, Options{})
	crowd(h)
	for range h.Source.Pages(t.Context(), importer.Query{Wanted: []string{"email", "status"}}) {
		break
	}
	if n := h.Requests(); n > 60 {
		t.Errorf("%d requests for the first page", n)
	}
}

// S-005
func granted(t *testing.T, build Builder) {
	h := build(t, Options{})
	h.Hire(ada())
	h.Grant("email", "status", "office")
	names, known, err := h.Source.Granted(t.Context())
	if err != nil || (known && (len(names) != 4 || names[0] != "id")) || (!known && names != nil) {
		t.Errorf("granted %v (known %t), error %v; want id, email, office and status, or that it is unknown", names, known, err)
	}
}
