package personio

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/einlass/einlass/importer"
)

// version1 takes its credentials as JSON and says in each answer whether it is a
// success. Personio allows 300 reads of employees a minute in bursts of 15 a
// second.
var version1 = protocol{
	limits:        []rate{{14, time.Second}, {295, time.Minute}},
	listLimits:    []rate{{13, time.Second}, {266, time.Minute}},
	changesLimits: []rate{{1, time.Second}, {29, time.Minute}},
	authorize:     authorizeV1,
	opened: func(answer value) (token, life value) {
		data := answer.member("data")
		return data.member("token"), data.member("expires_in")
	},
	refused:   func(*rejection) error { return importer.ErrForbidden }, // of any kind: it is one of the credentials
	succeeded: func(answer value) bool { return string(answer.member("success")) == "true" },
	refuses:   func(answer value) bool { return string(answer.member("success")) == "false" },
	code: func(answer value) int {
		code, _ := strconv.Atoi(string(answer.member("error").member("code"))) // 0 if there is none
		return code
	},
}

func authorizeV1(cfg Config, root string) (*http.Request, error) {
	credentials, err := json.Marshal(map[string]string{
		"client_id": cfg.ClientID, "client_secret": cfg.ClientSecret.Reveal(),
	})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(http.MethodPost, root+"/v1/auth", bytes.NewReader(credentials))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}
