package users

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// MaxLogoBytes is the size of the largest logo.
const MaxLogoBytes = 64 << 10

// Media types of logos.
const (
	MediaTypePNG = "image/png"
	MediaTypeSVG = "image/svg+xml"
)

// Logo is the picture that stands for an application. Its content is kept beside the
// application's document, so that what lists applications, and the log, do without it.
type Logo struct {
	Digest    string `json:"digest"` // SHA-256 of the content, in hex
	MediaType string `json:"media_type"`
	Size      int    `json:"size"` // of the content, in bytes

	Content []byte `json:"-"` // only of a logo that is to be stored, or comes from Reader.Logo
}

// NewLogo returns the logo of a file, or an error that says what is wrong with the
// file: it must be a PNG or an SVG that is still and harmless wherever a browser
// opens it. What is accepted is kept byte for byte: repairing foreign pictures goes wrong.
func NewLogo(content []byte) (*Logo, error) {
	sum := sha256.Sum256(content)
	logo := &Logo{Digest: hex.EncodeToString(sum[:]), MediaType: MediaTypeSVG, Size: len(content), Content: content}
	check := checkSVG
	if bytes.HasPrefix(content, []byte(pngSignature)) {
		logo.MediaType, check = MediaTypePNG, checkPNG
	}
	switch {
	case len(content) > MaxLogoBytes:
		return nil, fmt.Errorf("want at most %d KiB; make the picture smaller or simpler", MaxLogoBytes>>10)
	case logo.MediaType == MediaTypeSVG && !bytes.HasPrefix(bytes.TrimLeft(withoutMark(content), " \t\r\n"), []byte("<")):
		return nil, errors.New("want a PNG or an SVG picture, found something else; save the picture as one of these")
	}
	if err := check(content); err != nil {
		return nil, err
	}
	return logo, nil
}

// Check returns ErrInvalid unless the logo is one that NewLogo has made.
func (l *Logo) Check() error {
	made, err := NewLogo(l.Content)
	if err != nil {
		return fmt.Errorf("%w logo: %w", ErrInvalid, err)
	}
	if made.Digest != l.Digest || made.MediaType != l.MediaType || made.Size != l.Size {
		return fmt.Errorf("%w logo: its content is another one", ErrInvalid)
	}
	return nil
}

// LogoDigest returns the digest of the application's logo; empty: it has none.
func (a Application) LogoDigest() string {
	if a.Logo == nil {
		return ""
	}
	return a.Logo.Digest
}

// Color is the colour of the letter that stands for an application without a logo.
type Color string

// Colors are the palette, of which each has its place in the style sheet, light and dark.
var Colors = []Color{"plum", "teal", "blue", "slate", "rust", "green"}
