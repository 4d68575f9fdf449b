package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static
var staticFiles embed.FS

// StaticPrefix is the path below which Static answers.
const StaticPrefix = "/static/"

// keptForEver is for what never changes under its URL.
const keptForEver = "public, max-age=31536000, immutable"

// asset is a static file as it is served.
type asset struct {
	content     []byte
	contentType string
}

// contentTypes are those of our static files. The system's table is not asked:
// it differs from machine to machine.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// loadAssets reads the static files. Each is served under a name with a hash of
// its content, so that browsers may keep it for ever.
func loadAssets() (assets map[string]asset, urls map[string]string, err error) {
	assets, urls = map[string]asset{}, map[string]string{}
	entries, err := fs.ReadDir(staticFiles, "static")
	if err != nil {
		return nil, nil, err
	}
	for _, entry := range entries {
		content, err := fs.ReadFile(staticFiles, "static/"+entry.Name())
		if err != nil {
			return nil, nil, err
		}
		sum := sha256.Sum256(content)
		ext := path.Ext(entry.Name())
		name := strings.TrimSuffix(entry.Name(), ext) + "." + hex.EncodeToString(sum[:6]) + ext
		assets[name] = asset{content: content, contentType: contentTypes[ext]}
		urls[entry.Name()] = StaticPrefix + name
	}
	return assets, urls, nil
}

// Static serves the static files, to be mounted at StaticPrefix.
func (s *Site) Static() http.Handler {
	return s.Handle(func(w http.ResponseWriter, r *http.Request) error {
		a, exists := s.assets[strings.TrimPrefix(r.URL.Path, StaticPrefix)]
		if !exists {
			return &Error{Status: http.StatusNotFound}
		}
		w.Header().Set("Content-Type", a.contentType)
		w.Header().Set("Cache-Control", keptForEver)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.content))
		return nil
	})
}
