package web_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/einlass/einlass/provider/web"
)

// Half a file must not look like a whole one.
func TestADownloadThatFailsIsCut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fails error
		want  bool
	}{"whole": {nil, true}, "half": {errors.New("the database does not answer"), false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_ = web.Download(w, r, "list.csv", "text/csv", func(w io.Writer) error { // returns nil or does not return
					_, _ = io.WriteString(w, strings.Repeat("a,b\r\n", 10_000)) // the client is there
					return c.fails
				})
			}))
			t.Cleanup(server.Close)
			answer, err := http.Get(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			_, err = io.ReadAll(answer.Body)
			if (err == nil) != c.want || answer.Header.Get("Content-Disposition") != "attachment; filename=list.csv" {
				t.Errorf("error %v, headers %v; want a whole file: %t", err, answer.Header, c.want)
			}
		})
	}
}
