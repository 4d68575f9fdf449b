package users

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image/png"
)

// MaxLogoPixels is the largest width and height of a PNG. It bounds what decoding costs.
const MaxLogoPixels = 1024

const pngSignature = "\x89PNG\r\n\x1a\n"

// checkPNG decodes a picture, after its header has said that it is small enough:
// a few bytes can stand for as many pixels as anybody likes.
func checkPNG(content []byte) error {
	header, err := png.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		return errPNG(err)
	}
	if header.Width > MaxLogoPixels || header.Height > MaxLogoPixels {
		return fmt.Errorf("want a PNG of at most %d by %[1]d pixels, found %d by %d; make it smaller", MaxLogoPixels, header.Width, header.Height)
	}
	rest := bytes.NewReader(content)
	if _, err := png.Decode(rest); err != nil {
		return errPNG(err)
	}
	if rest.Len() > 0 {
		return fmt.Errorf("%d bytes follow on the end of the PNG; save it anew", rest.Len())
	}
	if hasPNGChunk(content, "acTL") {
		return errors.New("the PNG is animated; save a still picture") // WCAG 2.2 success criterion 2.2.2
	}
	return nil
}

func errPNG(cause error) error {
	return fmt.Errorf("not a PNG that can be read (%w); save it anew", cause)
}

// hasPNGChunk looks for a chunk in a picture that can be decoded (PNG section 5.3:
// length, type, data, checksum).
func hasPNGChunk(content []byte, kind string) bool {
	const around = 12 // bytes of a chunk beside its data
	for rest := content[len(pngSignature):]; len(rest) >= around; {
		if string(rest[4:8]) == kind {
			return true
		}
		next := around + int64(binary.BigEndian.Uint32(rest))
		if next > int64(len(rest)) {
			return false
		}
		rest = rest[next:]
	}
	return false
}
