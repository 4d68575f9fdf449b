package provider

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
)

// answeredAs returns the parameters together with what a request object says of the
// answer: its mode and its state, where nothing beside the object names them. Request objects
// are refused, but who sends one waits for the refusal where the object says (OpenID
// Connect Core section 6.1). It is read unverified: no object can say more than the
// parameters could that anybody may write into the same link.
func answeredAs(in params) params {
	if in.get("request") == "" || in.isRepeated("request") {
		return in
	}
	_, rest, _ := strings.Cut(in.get("request"), ".")
	payload, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return in
	}
	var said struct {
		ResponseMode string `json:"response_mode"`
		State        string `json:"state"`
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return in
	}
	in.values = maps.Clone(in.values)
	for name, value := range map[string]string{"response_mode": said.ResponseMode, "state": said.State} {
		if in.get(name) == "" {
			in.values[name] = value
		}
	}
	return in
}
