package session_test

import (
	"slices"
	"testing"

	"github.com/einlass/einlass/provider/session"
)

// agents are headers as browsers send them.
var agents = map[string]session.Agent{
	"":                   {},
	"curl/8.11.0":        {},
	"Go-http-client/1.1": {},
	"firefox":            {},
	"<b>Firefox</b>":     {},
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0":                                                                 {Browser: "Firefox", System: "Windows"},
	"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                                           {Browser: "Firefox", System: "Linux"},
	"Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0":                                                                             {Browser: "Firefox", System: "Android"},
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/145.0 Mobile/15E148 Safari/605.1.15":        {Browser: "Firefox", System: "iOS"},
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":                                  {Browser: "Chrome", System: "Windows"},
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0":                    {Browser: "Edge", System: "Windows"},
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 OPR/125.0.0.0":                    {Browser: "Opera", System: "Windows"},
	"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":                                   {Browser: "Chrome", System: "ChromeOS"},
	"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36":                                  {Browser: "Chrome", System: "Android"},
	"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36":              {Browser: "Samsung Internet", System: "Android"},
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15":                            {Browser: "Safari", System: "macOS"},
	"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.7444.60 Mobile/15E148 Safari/604.1":            {Browser: "Chrome", System: "iPadOS"},
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1 Ddg/26.0": {Browser: "DuckDuckGo", System: "iOS"},
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [an app that shows pages]":          {System: "iOS"},
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36":                          {Browser: "Chrome", System: "Windows"},
}

// U-02
func TestABrowserIsCalledAsItsPersonKnowsIt(t *testing.T) {
	t.Parallel()
	for header, want := range agents {
		if got := session.ParseAgent(header); got != want {
			t.Errorf("%q: %+v, want %+v", header, got, want)
		}
	}
}

// Whatever a browser sends, nothing of it is stored or shown but words of ours.
func FuzzParseAgent(f *testing.F) {
	browsers, systems := []string{""}, []string{""}
	for header, a := range agents {
		f.Add(header)
		browsers, systems = append(browsers, a.Browser), append(systems, a.System)
	}
	browsers = append(browsers, "Vivaldi")
	f.Fuzz(func(t *testing.T, header string) {
		a := session.ParseAgent(header)
		if !slices.Contains(browsers, a.Browser) || !slices.Contains(systems, a.System) {
			t.Errorf("%q: %+v", header, a)
		}
	})
}
