package main

import (
	"fmt"

	"github.com/einlass/einlass/users"
)

// LogoFile is a logo with the name of its file.
type LogoFile struct {
	Name string
	Logo *users.Logo // nil: none
}

// readLogo reads the file of a logo. The error names file and reason.
func readLogo(name string) (LogoFile, error) {
	content, err := readLimited(name, users.MaxLogoBytes)
	if err != nil {
		return LogoFile{}, err
	}
	logo, err := users.NewLogo(content)
	if err != nil {
		return LogoFile{}, fmt.Errorf("%s: %w", name, err)
	}
	return LogoFile{name, logo}, nil
}

// logoValue is the name of a file with a logo, which is read with the configuration.
type logoValue struct{ to *LogoFile }

func (v logoValue) kind() kind { return kindText }

func (v logoValue) parse(texts []string) (err error) {
	if texts[0] == "" {
		*v.to = LogoFile{}
		return nil
	}
	*v.to, err = readLogo(texts[0])
	return err
}

func (v logoValue) show() string { return showText(v.to.Name) }

// describeLogo says what kind of picture a logo is, and how large.
func describeLogo(logo *users.Logo) string {
	if logo == nil {
		return ""
	}
	return fmt.Sprintf("%s, %d bytes", logo.MediaType, logo.Size)
}
