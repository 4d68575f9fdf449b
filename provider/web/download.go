package web

import (
	"io"
	"mime"
	"net/http"
)

// Download answers with a file called name, which write produces piece by piece:
// it is saved and never shown. When write fails the answer has begun, so the
// connection is cut; otherwise half a file would look like a whole one.
func Download(w http.ResponseWriter, r *http.Request, name, contentType string, write func(w io.Writer) error) error {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	if err := write(w); err != nil {
		exchangeOf(r).err = err
		panic(http.ErrAbortHandler)
	}
	return nil
}
