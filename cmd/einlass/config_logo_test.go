package main

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/einlass/einlass/importer/personio"
	"github.com/einlass/einlass/users"
)

// logoLine declares a tile whose logo is a file.
func logoLine(file string) string {
	return base + "applications:\n  - id: a\n    groups: [everyone]\n    launch: { url: https://a.example }\n    logo_file: " + file + "\n"
}

// S-025: size and type are checked, and the problem names the file.
func TestBrokenLogoFilesAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, c := range map[string]struct {
		content string
		want    string
	}{
		"empty.png": {"", "empty.png: want a PNG or an SVG picture"},
		"photo.jpg": {"\xff\xd8\xff\xe0", "photo.jpg: want a PNG or an SVG picture"},
		"half.png":  {"\x89PNG\r\n\x1a\n", "half.png: not a PNG that can be read"},
		"large.svg": {"<svg>" + strings.Repeat(" ", users.MaxLogoBytes), "large.svg is larger than 64 KiB"},
		"link.svg":  {"<svg xmlns='http://www.w3.org/2000/svg'>\n<a/></svg>", "link.svg: SVG, line 2: the element a is not allowed"},
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, got := loadText(t, logoLine(file))
		if !strings.Contains(got, ": applications[0].logo_file: ") || !strings.Contains(got, dir+string(filepath.Separator)+c.want) || strings.Count(got, "\n") > 0 {
			t.Errorf("%s: problems are\n%s\nwant %s", name, got, c.want)
		}
	}
	for value, want := range map[string]string{filepath.Join(dir, "missing.png"): "no such file", dir: "is a directory", "[a.png]": "want text, found a list"} {
		if _, got := loadText(t, logoLine(value)); !strings.Contains(got, want) {
			t.Errorf("%s: problems are %q, want %q", value, got, want)
		}
	}
}

// S-057
func TestALogoFileIsReadAtTheStart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "logo.png")
	var content bytes.Buffer
	if err := png.Encode(&content, image.NewGray(image.Rect(0, 0, 48, 48))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, problems := loadText(t, logoLine(file)+"    color: rust\n")
	if problems != "" {
		t.Fatal(problems)
	}
	a := cfg.Declaration(personio.DefaultMapping()).Applications[0]
	if a.Logo == nil || a.Logo.MediaType != users.MediaTypePNG || !bytes.Equal(a.Logo.Content, content.Bytes()) || a.Color != "rust" {
		t.Errorf("logo %v, color %q", a.Logo, a.Color)
	}
	if cfg, problems := loadText(t, logoLine("''")); problems != "" || cfg.Declaration(nil).Applications[0].Logo != nil {
		t.Errorf("an empty name: %s, want no logo", problems)
	}
}
