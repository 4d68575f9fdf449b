package importer

import (
	"time"

	"github.com/einlass/einlass/users"
)

// The years in which dates count. Earlier ones, such as year 1, are what sources
// write for nothing; the last is the last that RFC 3339 can write.
const (
	firstYear = 1000
	lastYear  = 9999
)

// date is a day of the calendar, wherever that is.
type date struct {
	year  int
	month time.Month
	day   int
}

// parseDate reads a date, or the date part of a point in time as it is written:
// Personio's midnights carry the company's offset, and a conversion would move the day.
func parseDate(text string) (date, bool) {
	const layout = "2006-01-02"
	if len(text) > len(layout) {
		if text[len(layout)] != 'T' && text[len(layout)] != ' ' {
			return date{}, false
		}
		text = text[:len(layout)]
	}
	t, err := time.Parse(layout, text)
	if err != nil || t.Year() < firstYear {
		return date{}, false
	}
	return dateAt(t), true
}

func dateAt(t time.Time) date {
	var d date
	d.year, d.month, d.day = t.Date()
	return d
}

// plus returns the date so many days later.
func (d date) plus(days users.Days) date {
	return dateAt(time.Date(d.year, d.month, d.day+int(days), 12, 0, 0, 0, time.UTC))
}

func (d date) before(other date) bool {
	return d.midnight(time.UTC).Before(other.midnight(time.UTC))
}

func (d date) midnight(zone *time.Location) time.Time {
	return time.Date(d.year, d.month, d.day, 0, 0, 0, 0, zone)
}

// begins returns the first instant of the date in a zone. Where the clocks skip
// midnight that is when they do; where they show it twice it is the first time.
func (d date) begins(zone *time.Location) time.Time {
	t := d.midnight(zone)
	start, end := t.ZoneBounds()
	if dateAt(t).before(d) {
		return end
	}
	if start.IsZero() {
		return t
	}
	_, offset := start.Add(-1).Zone()
	earlier := d.midnight(time.FixedZone("", offset)).In(zone)
	if earlier.Before(start) && dateAt(earlier) == d {
		return earlier
	}
	return t
}

// atLeastSomething returns t, or the millisecond before the one instant that
// stands for no bound where times are stored.
func atLeastSomething(t time.Time) time.Time {
	if t.UnixMilli() == 0 {
		return t.Add(-time.Millisecond)
	}
	return t
}
