package users

import (
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// lookalikes are letters that look like small Latin ones, from the confusables
// of Unicode Technical Standard 39: those of the Cyrillic, Greek and Armenian
// scripts and of Latin itself that a work address can plausibly hold. Digits and
// pairs such as rn and m are left out: within one script they are ordinary names.
var lookalikes = strings.NewReplacer(
	"а", "a", "е", "e", "о", "o", "р", "p", "с", "c", "у", "y", "х", "x", "і", "i", "ј", "j", "ѕ", "s", "ԁ", "d", "һ", "h", // Cyrillic
	"ԛ", "q", "ԝ", "w", "ѵ", "v", "ӏ", "l", "г", "r", "к", "k", "м", "m", "н", "h", "т", "t", "в", "b", "п", "n",
	"α", "a", "ο", "o", "ρ", "p", "ν", "v", "υ", "u", "ι", "i", "κ", "k", "γ", "y", "χ", "x", "τ", "t", "ϲ", "c", "ϳ", "j", "η", "n", // Greek
	"ո", "n", "օ", "o", "ս", "u", "հ", "h", "զ", "q", "ց", "g", // Armenian
	"ı", "i", "ɑ", "a", "ɡ", "g", "ʟ", "l", "ß", "ss", "æ", "ae", "œ", "oe", // Latin
)

// Skeleton is the key that a person may take k for: its letters replaced by the
// Latin ones that they look like (UTS 39 section 4). Two keys of one skeleton are
// not equal, only easily mistaken for each other.
func (k LoginKey) Skeleton() LoginKey {
	text := string(k)
	if local, domain, isAddress := cutLast(text, "@"); isAddress && maybeDomain(domain) {
		if shown, err := idna.Display.ToUnicode(domain); err == nil { // as people see it
			text = local + "@" + shown
		}
	}
	if isASCII(text) {
		return LoginKey(text)
	}
	return LoginKey(norm.NFC.String(lookalikes.Replace(norm.NFD.String(text))))
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 }) < 0
}
