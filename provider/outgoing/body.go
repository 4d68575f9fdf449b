package outgoing

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// A body may grow a hundredfold by decompression, as repetitive JSON does; what
// grows more is a bomb. The first MiB is not measured.
const (
	maxRatio      = 100
	ratioFromSize = 1 << 20
)

var errUnknownEncoding = errors.New("response has a content encoding that was not asked for")

// readBody reads the body to its end, decompressed, and takes the headers that
// spoke of the compressed form away.
func readBody(resp *http.Response, maxBytes int64) ([]byte, error) {
	if resp.ContentLength > maxBytes && resp.Request.Method != http.MethodHead {
		return nil, fmt.Errorf("%w: %d bytes announced, %d allowed", ErrTooLarge, resp.ContentLength, maxBytes)
	}
	switch encoding := strings.ToLower(resp.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
		return readBounded(resp.Body, maxBytes)
	case "gzip", "x-gzip":
		body, err := gunzip(resp.Body, maxBytes)
		resp.Header.Del("Content-Encoding")
		resp.Header.Del("Content-Length")
		return body, err
	default:
		return nil, errUnknownEncoding
	}
}

func readBounded(r io.Reader, maxBytes int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read response: %w", err)
	}
	if int64(len(body)) > maxBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, maxBytes)
	}
	return body, nil
}

func gunzip(r io.Reader, maxBytes int64) ([]byte, error) {
	compressed := &counter{r: r}
	unzip, err := gzip.NewReader(compressed)
	if errors.Is(err, io.EOF) {
		return nil, nil // no body at all: the answer to a HEAD, or an error without text
	}
	if err != nil {
		return nil, fmt.Errorf("read response: %w", err)
	}
	return readBounded(&ratioGuard{unzip: unzip, compressed: compressed}, maxBytes)
}

// counter counts what is read through it.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// ratioGuard stops a body that grows too much while it is decompressed.
type ratioGuard struct {
	unzip      io.Reader
	compressed *counter
	n          int64
}

func (g *ratioGuard) Read(p []byte) (int, error) {
	n, err := g.unzip.Read(p)
	g.n += int64(n)
	if g.n > ratioFromSize && g.n > maxRatio*g.compressed.n {
		return n, fmt.Errorf("%w: compressed more than %d times", ErrTooLarge, maxRatio)
	}
	return n, err
}
