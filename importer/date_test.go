package importer

import (
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

// Zones that do odd things: clocks that skip midnight (Santiago, Beirut, Cairo,
// Asunción), show it twice (Havana, Santiago), move by half an hour (Lord Howe),
// stand far from UTC (Kiritimati, Apia) or never move.
var oddZones = []string{
	"UTC", "Europe/Berlin", "Europe/Vienna", "Europe/London", "Europe/Lisbon", "America/New_York", "America/Santiago",
	"America/Sao_Paulo", "America/Havana", "America/Asuncion", "Asia/Beirut", "Africa/Cairo", "Asia/Tehran", "Asia/Kolkata",
	"Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kiritimati", "Pacific/Honolulu", "America/St_Johns",
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	there, err := loadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return there
}

// N345: what is no date never becomes one, and the date part counts as written.
func TestADateIsReadAsWritten(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"", "soon", "2026-02-29", "2026-13-01", "2026-00-10", "26-01-01", "01.12.2026", "2026-1-1", "2026-12-011", "2026-12-01Z",
		"0000-00-00", "0001-01-01", "0999-12-31", "20261201", "2026/12/01", "-026-12-01", "1791331200", "2026-12-0１",
	} {
		if d, ok := parseDate(bad); ok {
			t.Errorf("%q became %v", bad, d)
		}
	}
	for text, want := range map[string]date{
		"2026-12-01":                      {2026, 12, 1},
		"2014-11-09T00:00:00+01:00":       {2014, 11, 9},
		"2014-11-09T00:00:00+0100":        {2014, 11, 9},
		"2014-11-09T23:59:59-11:00":       {2014, 11, 9},
		"1835-02-01T00:00:00+00:53":       {1835, 2, 1},
		"1835-02-01T00:00:00+00:53:28":    {1835, 2, 1},
		"2024-02-29T00:00:00.000+01:00":   {2024, 2, 29},
		"9999-12-31":                      {9999, 12, 31},
		"2026-12-01 00:00:00":             {2026, 12, 1},
		"2026-12-01Twhatever stands here": {2026, 12, 1},
	} {
		if got, ok := parseDate(text); !ok || got != want {
			t.Errorf("%q became %v, %t; want %v", text, got, ok, want)
		}
	}
}

// N345: for ten years, in odd zones, a day begins at the first instant at which
// calendars there show it, and nothing before it belongs to it.
func TestADayBeginsWhenCalendarsSaySo(t *testing.T) {
	t.Parallel()
	for _, name := range oddZones {
		there := zone(t, name)
		for d := (date{2018, 1, 1}); d.year < 2028; d = d.plus(1) {
			at := d.begins(there)
			if dateAt(at.In(there)).before(d) || !dateAt(at.Add(-time.Nanosecond).In(there)).before(d) {
				t.Fatalf("%s: %v begins at %s", name, d, at.In(there))
			}
			// Nor is there another moment of an earlier hour that shows the day already.
			for back := 15 * time.Minute; back <= 3*time.Hour; back += 15 * time.Minute {
				if !dateAt(at.Add(-back).In(there)).before(d) {
					t.Fatalf("%s: %v had begun %s before %s", name, d, back, at.In(there))
				}
			}
		}
	}
	if at := (date{2011, 12, 30}).begins(zone(t, "Pacific/Apia")); !at.Equal(time.Date(2011, 12, 30, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("the day that Samoa left out begins at %s", at)
	}
	if at := (date{2026, 3, 29}).begins(zone(t, "Europe/Berlin")); !at.Equal(time.Date(2026, 3, 28, 23, 0, 0, 0, time.UTC)) {
		t.Errorf("the day on which summer begins in Berlin begins at %s", at)
	}
}

// N345
func TestDaysAreCountedByTheCalendar(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from date
		days users.Days
		want date
	}{
		{date{2024, 2, 28}, 1, date{2024, 2, 29}}, {date{2023, 2, 28}, 1, date{2023, 3, 1}}, {date{2024, 3, 1}, -1, date{2024, 2, 29}},
		{date{2026, 12, 31}, 1, date{2027, 1, 1}}, {date{2026, 3, 29}, 1, date{2026, 3, 30}}, {date{2024, 2, 29}, 366, date{2025, 3, 1}},
	} {
		if got := c.from.plus(c.days); got != c.want {
			t.Errorf("%v and %d days: %v, want %v", c.from, c.days, got, c.want)
		}
	}
}
