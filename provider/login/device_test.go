package login_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/users"
)

// deviceOf is a browser that is a known device of Ada's, where nobody is signed in any more.
func deviceOf(t *testing.T, b *providertest.Bench, password keys.Secret) *providertest.Browser {
	t.Helper()
	browser := b.NewBrowser()
	wantStatus(t, "the sign-in that makes a device known", browser.SignIn("/login", providertest.Ada, password), http.StatusSeeOther)
	leave(browser)
	return browser
}

// leave ends what is signed in at browser, which stays a known device.
func leave(browser *providertest.Browser) {
	browser.SetCookie(&http.Cookie{Name: "einlass-session", MaxAge: -1, Path: "/"})
}

// failures tries n wrong passwords of username at browser and returns how often each status came.
func failures(t *testing.T, browser *providertest.Browser, username string, n int) map[int]int {
	t.Helper()
	page := browser.Get("/login")
	statuses := map[int]int{}
	for range n {
		statuses[browser.Post("/login", filled(t, page.Body, username, "wrong")).StatusCode]++
	}
	return statuses
}

// redeclareAda declares Ada otherwise.
func redeclareAda(b *providertest.Bench, change func(u *users.DeclaredUser)) {
	b.T.Helper()
	d := providertest.Declaration()
	for i := range d.Users {
		if d.Users[i].Email == providertest.Ada {
			change(&d.Users[i])
		}
	}
	b.Redeclare(d)
}

// J: whoever had the password before may have made devices known, too.
func TestANewPasswordMakesDevicesUnknown(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	device := deviceOf(t, b, providertest.Password)
	const password = "a wholly new passphrase of hers"
	redeclareAda(b, func(u *users.DeclaredUser) { u.Password = password })

	failures(t, b.NewBrowser(), providertest.Ada, 10)
	answer := device.SignIn("/login", providertest.Ada, password)
	wantStatus(t, "the device of before, while the name is attacked", answer, http.StatusTooManyRequests)

	b.Clock.Advance(15*time.Minute + time.Second)
	wantStatus(t, "the device of before", device.SignIn("/login", providertest.Ada, password), http.StatusSeeOther)
	leave(device)
	failures(t, b.NewBrowser(), providertest.Ada, 10)
	answer = device.SignIn("/login", providertest.Ada, password)
	wantStatus(t, "the same, known again, while the name is attacked", answer, http.StatusSeeOther)
}

// J: each sign-in may make another device known, so guesses from all of them count together.
func TestManyKnownDevicesShareABudget(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	redeclareAda(b, func(u *users.DeclaredUser) { u.Username = "ada" })
	var devices []*providertest.Browser
	for range 5 {
		device := deviceOf(t, b, providertest.Password)
		wantStatus(t, "a known device", device.SignIn("/login", providertest.Ada, providertest.Password), http.StatusSeeOther) // no failure
		leave(device)
		devices = append(devices, device)
	}
	for i, username := range []string{providertest.Ada, "ada", providertest.Ada} {
		if statuses := failures(t, devices[i], username, 20); statuses[http.StatusOK] != 20 {
			t.Fatalf("device %d: %v, want 20 guesses evaluated", i+1, statuses)
		}
	}
	own := devices[4]
	wantStatus(t, "the person's own device, as a stranger's", own.SignIn("/login", providertest.Ada, providertest.Password), http.StatusSeeOther)
	leave(own)
	if statuses := failures(t, devices[3], providertest.Ada, 20); statuses[http.StatusOK] != 10 || statuses[http.StatusTooManyRequests] != 10 {
		t.Errorf("the fourth device: %v, want the 10 guesses of one that is not known", statuses)
	}
	answer := own.SignIn("/login", providertest.Ada, providertest.Password)
	wantStatus(t, "the person's own device, locked like a stranger's", answer, http.StatusTooManyRequests)

	b.Clock.Advance(15*time.Minute + time.Second)
	wantStatus(t, "later", own.SignIn("/login", providertest.Ada, providertest.Password), http.StatusSeeOther)
}

// N161: nobody without a device of the person takes from what their devices share.
func TestStrangersTakeNothingFromKnownDevices(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	own := deviceOf(t, b, providertest.Password)
	stranger := b.NewBrowser()
	stranger.SignIn("/login", providertest.Bob, providertest.Password) // a known device, but of somebody else
	leave(stranger)
	if statuses := failures(t, stranger, providertest.Ada, 100); statuses[http.StatusOK] != 10 || statuses[http.StatusTooManyRequests] != 90 {
		t.Fatalf("a stranger's guesses: %v, want 10 evaluated", statuses)
	}
	if statuses := failures(t, own, providertest.Ada, 19); statuses[http.StatusOK] != 19 {
		t.Errorf("the person's own mistakes: %v, want all evaluated", statuses)
	}
	wantStatus(t, "the person's own machine", own.SignIn("/login", providertest.Ada, providertest.Password), http.StatusSeeOther)
}
