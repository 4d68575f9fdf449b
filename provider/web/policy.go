package web

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// pagePolicy is the Content-Security-Policy of a page.
func pagePolicy(formTargets []string) string {
	return "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; " +
		"connect-src 'self'; form-action " + strings.Join(append([]string{"'self'"}, formTargets...), " ") +
		"; base-uri 'none'; frame-ancestors 'none'"
}

// formPostPolicy is the one of the form_post page: its only script has a nonce,
// its only form goes to targets.
func formPostPolicy(nonce string, targets []string) string {
	return "default-src 'none'; script-src 'nonce-" + nonce + "'; style-src 'self'; img-src 'self'; " +
		"form-action " + strings.Join(targets, " ") + "; base-uri 'none'; frame-ancestors 'none'"
}

// logoPolicy is that of a logo: its own styles, nothing else, and the origin of nobody.
const logoPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

// FormTargets returns the CSP sources of the registered address to which a form
// leads and of those to which the application there may lead on, each once: Chromium applies
// form-action to every redirect that follows a form, also to those of others.
// One beyond that is no form target is left out.
func FormTargets(address string, beyond ...string) ([]string, error) {
	first, err := FormTarget(address)
	if err != nil {
		return nil, err
	}
	targets := []string{first}
	for _, address := range beyond {
		if target, err := FormTarget(address); err == nil && !slices.Contains(targets, target) {
			targets = append(targets, target)
		}
	}
	return targets, nil
}

// FormTarget returns the CSP source of a registered address, for
// [View.FormTargets]: its origin. Other addresses than http and https are not registered.
func FormTarget(address string) (string, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return "", fmt.Errorf("form target: %w", err)
	case u.Scheme != "https" && u.Scheme != "http":
		return "", fmt.Errorf("form target: scheme %q", u.Scheme)
	case u.Host == "" || strings.ContainsFunc(u.Host, isNoHostChar):
		return "", fmt.Errorf("form target: host %q", u.Host)
	}
	return u.Scheme + "://" + sourceHost(u), nil
}

// sourceHost is the host of a source in a policy, with its port. An address of
// IPv6 cannot stand there (CSP Level 3 section 2.3.1), so its port does for any host.
func sourceHost(u *url.URL) string {
	if !strings.HasPrefix(u.Host, "[") {
		return u.Host
	}
	if port := u.Port(); port != "" {
		return "*:" + port
	}
	return "*"
}

// isNoHostChar reports whether r would end or change a source in a policy.
func isNoHostChar(r rune) bool {
	isHost := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-_:[]", r)
	return !isHost
}
