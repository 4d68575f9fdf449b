package web_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/einlass/einlass/provider/web"
)

func TestFormsAreSmallAndUrlencoded(t *testing.T) {
	t.Parallel()
	const urlencoded = "application/x-www-form-urlencoded"
	tests := []struct {
		name, contentType, body string
		want                    int // 0: accepted
	}{
		{"a form", urlencoded, "username=ada", 0},
		{"a form with charset", urlencoded + "; charset=UTF-8", "username=ada", 0},
		{"as large as allowed", urlencoded, "username=" + strings.Repeat("a", web.MaxFormBytes-9), 0},
		{"too large", urlencoded, "username=" + strings.Repeat("a", web.MaxFormBytes-8), 413},
		{"JSON", "application/json", `{"username":"ada"}`, 415},
		{"multipart", "multipart/form-data; boundary=x", "--x--", 415},
		{"nothing said", "", "username=ada", 415},
		{"a broken escape", urlencoded, "username=%zz", 400},
		{"a semicolon", urlencoded, "username=a;b=c", 400},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(http.MethodPost, "/login?username=query", strings.NewReader(tt.body))
		r.Header.Set("Content-Type", tt.contentType)
		fields, err := web.Form(httptest.NewRecorder(), r)
		status := 0
		if e, ok := errors.AsType[*web.Error](err); ok {
			status = e.Status
		}
		if status != tt.want {
			t.Errorf("%s: status %d, want %d", tt.name, status, tt.want)
		}
		if tt.want == 0 && fields.Get("username") == "query" {
			t.Errorf("%s: a field was read from the query", tt.name)
		}
	}
}
