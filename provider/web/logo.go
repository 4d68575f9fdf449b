package web

import "net/http"

// LogoPrefix is the path below which the logos of applications are.
const LogoPrefix = "/logos/"

// LogoURL returns where the logo with a digest is; empty for none.
func LogoURL(digest string) string {
	if digest == "" {
		return ""
	}
	return LogoPrefix + digest
}

// Logo answers with the logo of an application, which may be kept for ever under its URL.
// Nobody knows what programs and browsers make of a picture that is opened by itself:
// there it loads nothing, runs nothing and is nobody's origin.
func Logo(w http.ResponseWriter, mediaType string, content []byte) error {
	h := w.Header()
	h.Set("Cache-Control", keptForEver)
	h.Set("Content-Security-Policy", logoPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	return Write(w, http.StatusOK, mediaType, content)
}
