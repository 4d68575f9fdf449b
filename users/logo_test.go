package users_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/einlass/einlass/users"
)

// pngOf returns a picture of a size.
func pngOf(t testing.TB, width, height int) []byte {
	t.Helper()
	var content bytes.Buffer
	if err := png.Encode(&content, image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.Black})); err != nil {
		t.Fatal(err)
	}
	return content.Bytes()
}

// chunk is a chunk of a PNG with a right checksum.
func chunk(kind string, data []byte) []byte {
	c := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	c = append(append(c, kind...), data...)
	return binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
}

const header = 8 + 25 // bytes of signature and IHDR

// sized is a PNG whose header claims another size.
func sized(content []byte, width, height uint32) []byte {
	claim := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height)
	claim = append(claim, content[24:29]...)
	return append(append(bytes.Clone(content[:8]), chunk("IHDR", claim)...), content[header:]...)
}

// S-025, N203: what is no harmless PNG is refused, for a reason.
func TestPNGThatIsRefused(t *testing.T) {
	t.Parallel()
	good := pngOf(t, 16, 16)
	animated := bytes.Clone(good[:header])
	animated = append(append(animated, chunk("acTL", make([]byte, 8))...), good[header:]...)
	altered := bytes.Clone(good)
	altered[len(altered)-20] ^= 1
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"nothing":                   {nil, "want a PNG or an SVG picture"},
		"text":                      {[]byte("logo"), "want a PNG or an SVG picture"},
		"JPEG":                      {[]byte("\xff\xd8\xff\xe0\x00\x10JFIF"), "save the picture as one of these"},
		"GIF":                       {[]byte("GIF89a"), "want a PNG or an SVG picture"},
		"the signature alone":       {good[:8], "not a PNG that can be read"},
		"half of it":                {good[:len(good)/2], "not a PNG that can be read"},
		"altered":                   {altered, "not a PNG that can be read"},
		"HTML behind its end":       {append(bytes.Clone(good), "<script>alert(1)</script>"...), "25 bytes follow"},
		"animated":                  {animated, "animated"},
		"too wide":                  {pngOf(t, users.MaxLogoPixels+1, 1), "at most 1024 by 1024 pixels, found 1025 by 1"},
		"too high":                  {pngOf(t, 1, users.MaxLogoPixels+1), "found 1 by 1025"},
		"a bomb":                    {sized(good, 50_000, 50_000), "found 50000 by 50000"},
		"fewer pixels than claimed": {sized(good, users.MaxLogoPixels, users.MaxLogoPixels), "not a PNG that can be read"},
		"more than 64 KiB":          {append(bytes.Clone(good), make([]byte, users.MaxLogoBytes)...), "at most 64 KiB"},
	} {
		wantRefused(t, name, c.content, c.want)
	}
}

func wantRefused(t *testing.T, name string, content []byte, want string) {
	t.Helper()
	logo, err := users.NewLogo(content)
	if logo != nil || err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: error %v, want %q", name, err, want)
	}
}

// svg is a picture with a body, which begins on line 2.
func svg(body string) string {
	return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 24 24">` + "\n" + body + "\n</svg>\n"
}

// nested is n elements in one another.
func nested(n int) string { return strings.Repeat("<g>", n) + strings.Repeat("</g>", n) }

// laughs is the billion laughs in SVG: each of n groups shows the one before ten times.
func laughs(n int) string {
	body := `<rect id="g0" width="1" height="1"/>`
	for i := range n {
		use := fmt.Sprintf(`<use href="#g%d"/>`, i)
		body += fmt.Sprintf(`<g id="g%d">%s</g>`, i+1, strings.Repeat(use, 10))
	}
	return body
}

// S-025, N203: what is not known to be harmless is refused, with line and reason.
func TestSVGThatIsRefused(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		// what runs
		`<script>alert(1)</script>`:                                                "line 2: the element script is not allowed",
		"\n\n<script href=\"https://evil.example/a.js\"/>":                         "line 4: the element script is not allowed",
		`<SCRIPT>alert(1)</SCRIPT>`:                                                "the element SCRIPT is not allowed",
		`<x:script xmlns:x="http://www.w3.org/2000/svg"/>`:                         "the element script is not allowed",
		`<script xmlns="http://www.w3.org/1999/xhtml"/>`:                           "the element script is not allowed (of http://www.w3.org/1999/xhtml)",
		`<g onload="alert(1)"/>`:                                                   "the attribute onload is not allowed at g",
		`<g ONLOAD="alert(1)"/>`:                                                   "the attribute ONLOAD is not allowed",
		`<g xmlns:on="http://www.w3.org/2000/svg" on:load="1"/>`:                   "the attribute load is not allowed",
		`<foreignObject><p xmlns="http://www.w3.org/1999/xhtml"/></foreignObject>`: "the element foreignObject is not allowed",
		`<g xmlns="http://www.w3.org/1999/xhtml"/>`:                                "the element g is not allowed (of http://www.w3.org/1999/xhtml)",
		`<g xmlns=""/>`: `it needs xmlns="http://www.w3.org/2000/svg"`,
		`<y:g/>`:        "the element g is not allowed (of y)",
		`<a href="javascript:alert(1)"><path d="M0 0"/></a>`:       "the element a is not allowed",
		`<animate attributeName="href" to="javascript:alert(1)"/>`: "the element animate is not allowed",
		`<set attributeName="onload" to="alert(1)"/>`:              "the element set is not allowed",
		`<handler type="text/javascript">1</handler>`:              "the element handler is not allowed",
		// what loads
		`<image href="https://evil.example/a.png"/>`:                       "the element image is not allowed",
		`<feImage href="https://evil.example/a.png"/>`:                     "the element feImage is not allowed",
		`<use href="https://evil.example/a.svg#b"/>`:                       `only references to a part of the picture such as "#part"`,
		`<use xlink:href="other.svg#b"/>`:                                  "only references to a part",
		`<use href="//evil.example/#b"/>`:                                  "only references to a part",
		`<use href="data:image/svg+xml,&lt;svg/&gt;#b"/>`:                  "only references to a part",
		`<use href=" #a"/>`:                                                "only references to a part",
		`<use href="#"/>`:                                                  "only references to a part",
		`<use href=""/>`:                                                   "only references to a part",
		`<use x:href="#a" xmlns:x="https://evil.example/"/>`:               "the attribute href is not allowed at use",
		`<linearGradient href="https://evil.example/#a"/>`:                 "only references to a part",
		`<path fill="url(https://evil.example/a.svg#b)"/>`:                 "the attribute fill of path: only references to a part",
		`<path fill="URL( 'https://evil.example/' )"/>`:                    "only references to a part",
		`<path fill="url(#a) url(https://evil.example/)"/>`:                "only references to a part",
		`<path fill="u\72l(https://evil.example/)"/>`:                      "a backslash is not allowed",
		`<path fill="image-set('https://evil.example/a.png' 1x)"/>`:        "the function image-set() is not allowed",
		`<path mask="src('https://evil.example/a.png')"/>`:                 "the function src() is not allowed",
		`<path fill="var(--x)"/>`:                                          "the function var() is not allowed",
		`<g style="fill:url(#a)"/>`:                                        "url() is not allowed in style; write it as an attribute",
		`<g style="fill: uRl(https://evil.example/)"/>`:                    "url() is not allowed in style",
		`<g style="background:red"/>`:                                      `the property "background" is not allowed in style`,
		`<g style="fill:red;behavior:url(a.htc)"/>`:                        `the property "behavior" is not allowed`,
		`<g style="--x:1"/>`:                                               `the property "--x" is not allowed`,
		`<g style="fi\6cl:red"/>`:                                          `is not allowed`,
		`<g style="/* */fill:red"/>`:                                       `is not allowed in style`,
		`<style>@import "https://evil.example/a.css";</style>`:             `is not allowed in style`,
		`<style>@import "https://evil.example/a.css"; a{fill:red}</style>`: `is not allowed in style`,
		`<style>@font-face{src:local(x)}</style>`:                          `the rule "@font-face`,
		`<style>@media print{a{fill:red}}</style>`:                         `the rule "@media`,
		`<style>.a{fill:url(#b)}</style>`:                                  "url() is not allowed in style",
		`<style><![CDATA[.a{background-image:url(x)}]]></style>`:           `the property "background-image"`,
		`<style>.a{fill:re<!-- -->d;b:c}</style>`:                          `the property "b" is not allowed`,
		`<style>.a[href^="x"]{fill:red}</style>`:                           "is not allowed in style",
		`<style><g/></style>`:                                              "an element stands in style",
		`<style type="text/x">.a{fill:red}</style>`:                        `only "text/css"`,
		`<style media="print">.a{fill:red}</style>`:                        "the attribute media is not allowed",
		`<style href="https://evil.example/a.css"/>`:                       "only references to a part",
		`<g xml:base="https://evil.example/"/>`:                            "the attribute base is not allowed",
		`<?xml-stylesheet href="https://evil.example/a.css"?>`:             "line 2: the processing instruction xml-stylesheet is not allowed",
		`<?xml version="1.0"?>`:                                            "the processing instruction xml is not allowed",
		// what is more than it looks
		`<!ENTITY a "b">`:                "a DOCTYPE or entity is not allowed",
		`<text>&a;</text>`:               "line 2: not well-formed: invalid character entity",
		nested(64):                       "more than 64 elements",
		strings.Repeat("<g/>", 2000):     "more than 2000 elements",
		laughs(5):                        "draws more than 20000 elements by its references",
		`<g id="a"><use href="#a"/></g>`: "refers to itself",
		`<use id="a" href="#b"/><use id="b" href="#a"/>`: "refers to itself",
		`<g id="a"/><g id="a"/>`:                         `"a" stands here twice`,
		`<g id="a b"/>`:                                  "want letters, digits",
		`<path id="p" fill="url(#q)"/><pattern id="q"><use href="#p"/></pattern>`: "refers to itself",
		// what is broken
		`<g>`:         "not well-formed",
		`</g>`:        "not well-formed",
		`<g a=b/>`:    "not well-formed",
		"<g>\x00</g>": "not well-formed",
		"<g>\xff</g>": "not well-formed",
	} {
		wantRefused(t, body, []byte(svg(body)), want)
	}
}

func TestSVGWhoseFrameIsRefused(t *testing.T) {
	t.Parallel()
	const root = `<svg xmlns="http://www.w3.org/2000/svg"/>`
	for content, want := range map[string]string{
		`<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">` + root: "line 1: a DOCTYPE or entity is not allowed",
		`<!DOCTYPE svg [<!ENTITY a "aaaa">]>` + root:                                                                "a DOCTYPE or entity is not allowed",
		`<?php echo 1 ?>` + root:                         "the processing instruction php is not allowed",
		`<?xml version="1.1"?>` + root:                   "line 1: want XML 1.0 in UTF-8",
		`<?xml version="1.0" encoding="UTF-16"?>` + root: "line 1: want XML 1.0 in UTF-8",
		`<!-- -->`:             "there is no element svg",
		`<svg/>`:               `it needs xmlns="http://www.w3.org/2000/svg"`,
		`<html><body/></html>`: "the element html is not allowed",
		`<g xmlns="http://www.w3.org/2000/svg"/>`: "the element g stands where the one element svg should be",
		root + root:                                    "stands where the one element svg should be",
		root + "text":                                  "text stands outside of the element svg",
		"  <!-- -->text" + root:                        "text stands outside",
		root + "\n<!DOCTYPE svg>":                      "line 2: a DOCTYPE",
		"\n" + `<?xml version="1.0"?>` + root:          "the processing instruction xml is not allowed",
		"<" + strings.Repeat("a", users.MaxLogoBytes):  "at most 64 KiB",
		root + strings.Repeat(" ", users.MaxLogoBytes): "make the picture smaller",
		"\xff\xfe<\x00s\x00v\x00g\x00":                 "want a PNG or an SVG picture",
	} {
		wantRefused(t, content[:min(len(content), 80)], []byte(content), want)
	}
}

// S-025: pictures as programs export them are taken as they are.
func TestLogosThatAreTaken(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"the smallest":        `<svg xmlns="http://www.w3.org/2000/svg"/>`,
		"a byte order mark":   "\ufeff" + `<?xml version="1.0" encoding="utf-8"?>` + svg(""),
		"a declaration":       `<?xml version="1.0" encoding="UTF-8" standalone="no"?><!-- drawn by hand -->` + svg(`<path d="M0 0h24v24z" fill="currentColor"/>`),
		"a gradient":          svg(`<defs><linearGradient id="a"><stop offset="0" stop-color="#fff"/></linearGradient><linearGradient id="b" xlink:href="#a" gradientTransform="rotate(45 .5 .5)"/></defs><path fill="url(#b)" d="M0 0"/>`),
		"classes":             svg(`<style type="text/css"> .st0{fill:#1D4ED8;} .st1,#x{fill:none;stroke:rgb(1,2,3)} </style><g class="st0" id="x"><circle r="2"/></g>`),
		"a property in style": svg(`<path style="fill:#fff;stroke-width:2;enable-background:new 0 0 24 24"/>`),
		"another's prefix":    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:serif="http://www.serif.com/" xml:space="preserve" version="1.1"><title>A &amp; B (&#228;)</title></svg>`,
		"prefixed elements":   `<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:path d="M0 0"/></s:svg>`,
		"a use":               svg(`<symbol id="a"><path d="M0 0"/></symbol><use href="#a" x="3"/><use href="#missing"/>`),
		"uses of uses":        svg(laughs(3)),
		"a label":             svg(`<text aria-label="Acme (Wien)" role="img" font-family="'Inter', sans-serif">A</text>`),
		"depth":               svg(nested(63)),
		"many":                svg(strings.Repeat("<g/>", 1999)),
		"a PNG":               string(pngOf(t, 64, 64)),
		"the largest PNG":     string(pngOf(t, users.MaxLogoPixels, users.MaxLogoPixels)),
	} {
		logo, err := users.NewLogo([]byte(content))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := logo.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want := users.MediaTypeSVG
		if strings.HasSuffix(name, "PNG") {
			want = users.MediaTypePNG
		}
		if logo.MediaType != want || string(logo.Content) != content || logo.Size != len(content) || len(logo.Digest) != 64 {
			t.Errorf("%s: %s of %d bytes, want %s, the file as it is", name, logo.MediaType, logo.Size, want)
		}
	}
}

// A logo cannot be put beside the check of its content.
func TestLogoThatNobodyCheckedIsInvalid(t *testing.T) {
	t.Parallel()
	good, err := users.NewLogo([]byte(svg("")))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(l *users.Logo){
		"another content":    func(l *users.Logo) { l.Content = []byte(svg("<g/>")) },
		"a script":           func(l *users.Logo) { l.Content = []byte(svg("<script/>")) },
		"no content":         func(l *users.Logo) { l.Content = nil },
		"another digest":     func(l *users.Logo) { l.Digest = strings.Repeat("0", 64) },
		"another media type": func(l *users.Logo) { l.MediaType = "text/html" },
		"another size":       func(l *users.Logo) { l.Size++ },
	} {
		logo := *good
		change(&logo)
		if err := logo.Check(); !errors.Is(err, users.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
}

// FuzzLogo looks for a picture that is taken although a browser could run or load something of it.
func FuzzLogo(f *testing.F) {
	for _, body := range []string{"", laughs(3), `<style>.a{fill:red}</style>`, `<path fill="url(#a)" style="fill:#fff"/>`, `<g onload="1"/>`, `<use xlink:href="#a"/>`} {
		f.Add([]byte(svg(body)))
	}
	f.Add(pngOf(f, 2, 2))
	f.Fuzz(func(t *testing.T, content []byte) {
		logo, err := users.NewLogo(content)
		if err != nil {
			if logo != nil || err.Error() == "" {
				t.Fatalf("refused with %v and a logo: %t", err, logo != nil)
			}
			return
		}
		if len(content) > users.MaxLogoBytes || !bytes.Equal(logo.Content, content) {
			t.Fatal("taken, but too large or rewritten")
		}
		if logo.MediaType == users.MediaTypePNG {
			return
		}
		lower := bytes.ToLower(content)
		for _, never := range []string{"<!doctype", "<!entity", "<?php", "<script", "<foreignobject", "<image", "<iframe", "<?xml-stylesheet"} {
			if outsideComments(lower, never) {
				t.Errorf("taken with %s: %q", never, content)
			}
		}
	})
}

// outsideComments reports whether text stands in a document anywhere but in comments and CDATA.
func outsideComments(document []byte, text string) bool {
	for _, frame := range [][2]string{{"<!--", "-->"}, {"<![cdata[", "]]>"}} {
		for {
			before, rest, found := bytes.Cut(document, []byte(frame[0]))
			if !found {
				break
			}
			_, after, _ := bytes.Cut(rest, []byte(frame[1]))
			document = append(bytes.Clone(before), after...)
		}
	}
	return bytes.Contains(document, []byte(text))
}

// What ships with the product is taken, too.
func TestOurOwnPictureIsALogo(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.FromSlash("../provider/web/static/icons.svg"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := users.NewLogo(content); err != nil {
		t.Error(err)
	}
}
