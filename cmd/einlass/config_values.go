package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// kind is what a value looks like in the file.
type kind string

const (
	kindText    kind = "text"
	kindFlag    kind = "true or false"
	kindNumber  kind = "number"
	kindList    kind = "list of texts"
	kindMapping kind = "mapping of texts"
	kindSecret  kind = "secret"

	kindDocument kind = "mapping, or the same as JSON text"
	kindSecrets  kind = "secret, or list of secrets"

	kindSecretMapping kind = "mapping of secrets"
)

// value is the place of one setting: it knows how to read itself from text and
// how to be shown to somebody who may not see secrets. Errors never quote a secret.
type value interface {
	kind() kind
	// parse takes one text, or for lists the elements, or for mappings key and value by turns.
	parse(texts []string) error
	show() string
}

type textValue struct{ to *string }

func (v textValue) kind() kind { return kindText }

func (v textValue) parse(texts []string) error {
	if strings.ContainsFunc(texts[0], isControl) {
		return errors.New("contains a control character")
	}
	*v.to = texts[0]
	return nil
}

func (v textValue) show() string { return showText(*v.to) }

type flagValue struct{ to *bool }

func (v flagValue) kind() kind { return kindFlag }

func (v flagValue) parse(texts []string) error {
	switch texts[0] {
	case "true":
		*v.to = true
	case "false":
		*v.to = false
	default:
		return fmt.Errorf("want true or false, found %q", texts[0])
	}
	return nil
}

func (v flagValue) show() string { return strconv.FormatBool(*v.to) }

type numberValue struct{ to *int }

func (v numberValue) kind() kind { return kindNumber }

func (v numberValue) parse(texts []string) error {
	n, err := strconv.Atoi(texts[0])
	if err != nil {
		return fmt.Errorf("want a whole number, found %q", texts[0])
	}
	*v.to = n
	return nil
}

func (v numberValue) show() string { return strconv.Itoa(*v.to) }

// choiceValue is one of a few words.
type choiceValue[T ~string] struct {
	to      *T
	choices []T
}

func choice[T ~string](to *T, choices ...T) value { return choiceValue[T]{to, choices} }

func (v choiceValue[T]) kind() kind { return kindText }

func (v choiceValue[T]) parse(texts []string) error {
	if !slices.Contains(v.choices, T(texts[0])) {
		return fmt.Errorf("want %s, found %q", oneOf(v.choices), texts[0])
	}
	*v.to = T(texts[0])
	return nil
}

func (v choiceValue[T]) show() string { return showText(string(*v.to)) }

type levelValue struct{ to *slog.Level }

func (v levelValue) kind() kind { return kindText }

func (v levelValue) parse(texts []string) error {
	names := []string{"debug", "info", "warn", "error"}
	if !slices.Contains(names, texts[0]) {
		return fmt.Errorf("want %s, found %q", oneOf(names), texts[0])
	}
	return v.to.UnmarshalText([]byte(texts[0]))
}

func (v levelValue) show() string { return strings.ToLower(v.to.String()) }

// minSchedule keeps an import from never ending.
const minSchedule = time.Minute

type scheduleValue struct{ to *time.Duration }

func (v scheduleValue) kind() kind { return kindText }

func (v scheduleValue) parse(texts []string) error {
	switch texts[0] {
	case "hourly":
		*v.to = time.Hour
		return nil
	case "off":
		*v.to = 0
		return nil
	}
	d, err := time.ParseDuration(texts[0])
	if err != nil || d < minSchedule {
		return fmt.Errorf("want hourly, off or a duration of at least 1m such as 30m, found %q", texts[0])
	}
	*v.to = d
	return nil
}

func (v scheduleValue) show() string {
	switch *v.to {
	case 0:
		return "off"
	case time.Hour:
		return "hourly"
	}
	return v.to.String()
}

// minDelta is how often somebody who polls may ask at most.
const minDelta = 30 * time.Second

type deltaValue struct{ to *time.Duration }

func (v deltaValue) kind() kind { return kindText }

func (v deltaValue) parse(texts []string) error {
	if texts[0] == "off" {
		*v.to = 0
		return nil
	}
	d, err := time.ParseDuration(texts[0])
	if err != nil || d < minDelta {
		return fmt.Errorf("want off or a duration of at least 30s such as 60s, found %q", texts[0])
	}
	*v.to = d
	return nil
}

func (v deltaValue) show() string {
	if *v.to == 0 {
		return "off"
	}
	return v.to.String()
}

// durationValue also takes whole days, because keys live for months.
type durationValue struct{ to *time.Duration }

func (v durationValue) kind() kind { return kindText }

func (v durationValue) parse(texts []string) error {
	d, err := time.ParseDuration(texts[0])
	if days, isDays := strings.CutSuffix(texts[0], "d"); isDays {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		d = time.Duration(n) * day
	}
	if err != nil || d < 0 {
		return fmt.Errorf("want a duration such as 90d, 24h or 15m, or 0, found %q", texts[0])
	}
	*v.to = d
	return nil
}

const day = 24 * time.Hour

func (v durationValue) show() string {
	if *v.to >= day && *v.to%day == 0 {
		return strconv.FormatInt(int64(*v.to/day), 10) + "d"
	}
	return v.to.String()
}

// daysValue is a number of whole days.
type daysValue struct{ to *users.Days }

func (v daysValue) kind() kind { return kindText }

func (v daysValue) parse(texts []string) error {
	days, isDays := strings.CutSuffix(texts[0], "d")
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil || !isDays {
		return fmt.Errorf("want whole days such as 7d, found %q", texts[0])
	}
	*v.to = users.Days(n)
	return nil
}

func (v daysValue) show() string { return strconv.Itoa(int(*v.to)) + "d" }

type listValue struct{ to *[]string }

func (v listValue) kind() kind { return kindList }

func (v listValue) parse(texts []string) error {
	*v.to = slices.Clone(texts)
	return nil
}

func (v listValue) show() string { return showList(*v.to) }

type networksValue struct{ to *[]netip.Prefix }

func (v networksValue) kind() kind { return kindList }

func (v networksValue) parse(texts []string) error {
	networks := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		network, err := parseNetwork(text)
		if err != nil {
			return err
		}
		networks = append(networks, network)
	}
	*v.to = networks
	return nil
}

// parseNetwork reads a network such as 10.0.0.0/8, or a single address as the
// network of itself. IPv4 inside IPv6 becomes IPv4, as the addresses do that
// are looked for in it: written otherwise it would contain none of them.
func parseNetwork(text string) (netip.Prefix, error) {
	network, err := netip.ParsePrefix(text)
	if address, single := netip.ParseAddr(text); single == nil && address.Zone() == "" {
		network, err = netip.PrefixFrom(address, address.BitLen()), nil
	}
	bits := network.Bits()
	if network.Addr().Is4In6() {
		bits -= net4In6
	}
	if err != nil || bits < 0 {
		return netip.Prefix{}, fmt.Errorf("want addresses or networks such as 10.0.0.0/8, found %q", text)
	}
	return netip.PrefixFrom(network.Addr().Unmap(), bits).Masked(), nil
}

// net4In6 is the length of ::ffff:0:0/96, in which IPv4 stands inside IPv6 (RFC 4291 section 2.5.5.2).
const net4In6 = 96

func (v networksValue) show() string {
	texts := make([]string, 0, len(*v.to))
	for _, network := range *v.to {
		texts = append(texts, network.String())
	}
	return showList(texts)
}

type mapValue struct{ to *map[string]string }

func (v mapValue) kind() kind { return kindMapping }

func (v mapValue) parse(texts []string) error {
	*v.to = map[string]string{}
	for pair := range slices.Chunk(texts, 2) {
		(*v.to)[pair[0]] = pair[1]
	}
	return nil
}

func (v mapValue) show() string {
	pairs := make([]string, 0, len(*v.to))
	for _, key := range slices.Sorted(maps.Keys(*v.to)) {
		pairs = append(pairs, key+": "+showText((*v.to)[key]))
	}
	return "{" + strings.Join(pairs, ", ") + "}"
}

// documentValue is a document of somebody else's making, kept as JSON.
type documentValue struct{ to *string }

func (v documentValue) kind() kind { return kindDocument }

func (v documentValue) parse(texts []string) error {
	if !json.Valid([]byte(texts[0])) {
		return errors.New("is no JSON")
	}
	*v.to = texts[0]
	return nil
}

func (v documentValue) show() string { return showText(*v.to) }

type secretValue struct{ to *keys.Secret }

func (v secretValue) kind() kind { return kindSecret }

func (v secretValue) parse(texts []string) error {
	*v.to = keys.Secret(texts[0])
	return nil
}

func (v secretValue) show() string { return showSecret(*v.to) }

// secretURLValue is a URL that may carry a password; all but that is shown.
type secretURLValue struct{ to *keys.Secret }

func (v secretURLValue) kind() kind { return kindSecret }

func (v secretURLValue) parse(texts []string) error {
	*v.to = keys.Secret(texts[0])
	return nil
}

var (
	urlScheme    = regexp.MustCompile(`^[a-z][a-z0-9+]*://`)
	urlPassword  = regexp.MustCompile(`^([a-z0-9+]+://[^:/?@]*):.*@`)
	urlPasswords = regexp.MustCompile(`(?i)([?&][^=&]*password[^=&]*=)[^&]*`)
)

func (v secretURLValue) show() string {
	text := v.to.Reveal()
	if !urlScheme.MatchString(text) {
		return showSecret(*v.to)
	}
	text = urlPassword.ReplaceAllString(text, "${1}:redacted@")
	return urlPasswords.ReplaceAllString(text, "${1}redacted")
}

type secretsValue struct{ to *[]keys.Secret }

func (v secretsValue) kind() kind { return kindSecrets }

func (v secretsValue) parse(texts []string) error {
	*v.to = nil
	for _, text := range texts {
		*v.to = append(*v.to, keys.Secret(text))
	}
	return nil
}

func (v secretsValue) show() string {
	shown := make([]string, 0, len(*v.to))
	for _, secret := range *v.to {
		shown = append(shown, showSecret(secret))
	}
	return showList(shown)
}

// secretMapValue has names that anybody may see and values that nobody may.
type secretMapValue struct{ to *map[string]keys.Secret }

func (v secretMapValue) kind() kind { return kindSecretMapping }

func (v secretMapValue) parse(texts []string) error {
	*v.to = map[string]keys.Secret{}
	for pair := range slices.Chunk(texts, 2) {
		(*v.to)[pair[0]] = keys.Secret(pair[1])
	}
	return nil
}

func (v secretMapValue) show() string {
	pairs := make([]string, 0, len(*v.to))
	for _, key := range slices.Sorted(maps.Keys(*v.to)) {
		pairs = append(pairs, key+": "+showSecret((*v.to)[key]))
	}
	return "{" + strings.Join(pairs, ", ") + "}"
}

func isSecret(v value) bool {
	return slices.Contains([]kind{kindSecret, kindSecrets, kindSecretMapping}, v.kind())
}

func showSecret(s keys.Secret) string {
	if s == "" {
		return `""`
	}
	return s.String()
}

func showText(s string) string {
	if s == "" {
		return `""`
	}
	return s
}

func showList(texts []string) string { return "[" + strings.Join(texts, ", ") + "]" }

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// oneOf joins words as in "a, b or c".
func oneOf[T ~string](words []T) string {
	var b strings.Builder
	for i, word := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(word))
	}
	return b.String()
}
