package notify

import (
	"regexp"
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

// N318: what arrives at the old and at the new address reads like this.
func TestAddressLetters(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"en", "de"} {
		paper, err := newStationery(lang)
		if err != nil {
			t.Fatal(err)
		}
		l := paper.addressLetter(addressNews{
			person: users.User{FirstName: "Zoë", LastName: "Müller\r\n<b>"}, old: "zoe@acme.example", new: "zoë@bücher.example",
			at: time.Date(2026, 11, 21, 23, 59, 30, 0, time.UTC), zone: zone, organization: "Acme & Söhne GmbH",
		})
		text, html, err := paper.write(l)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, "address."+lang+".txt", "Subject: "+l.Subject+"\n\n"+text)
		compare(t, "address."+lang+".html", html)
		if broken := regexp.MustCompile(`\{[a-z_]+\}|%!|<no value>|ZgotmplZ|<b>`).FindString(l.Subject + html); broken != "" {
			t.Errorf("in %s: %q", lang, broken)
		}
	}
}
