// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestErrorsOfOtherServers: answers of servers that are not OAuth, each as its
// vendor documents it.
func TestErrorsOfOtherServers(t *testing.T) {
	for body, want := range map[string][2]string{
		`{"error":"Unauthorized","message":"Bad credentials","status":401}`:                                       {"Unauthorized", "Bad credentials"},                                // Spring
		`{"error":{"code":-32602,"message":"Invalid params.","data":"Login name or password is incorrect."}}`:     {"-32602", "Invalid params. Login name or password is incorrect."}, // Zabbix
		`{"error":{"code":17,"data":"no more"}}`:                                                                  {"17", "no more"},
		`{"errcode":40013,"errmsg":"invalid appid"}`:                                                              {"40013", "invalid appid"}, // WeChat
		`{"code":"E42","msg":"no"}`:                                                                               {"E42", "no"},
		`{"code":0,"errcode":"0","errorCode":"","msg":"no"}`:                                                      {"", "no"},
		`{"code":401,"message":"no"}`:                                                                             {"", "no"}, // the status once more
		`{"error":true,"code":7,"reason":"no"}`:                                                                   {"7", "no"},
		`{"error":{},"errorCode":"E1","errorMessage":"no"}`:                                                       {"E1", "no"},
		`{"errors":[{"status":"401","title":"Unauthorized","detail":"wrong password"}]}`:                          {"", "wrong password"}, // JSON:API
		`{"errors":["wrong","x"]}`:                                                                                {"", "wrong"},
		`{"errors":[{"message":"wrong"}],"message":"first"}`:                                                      {"", "first"},
		`{"errors":[],"title":"t"}`:                                                                               {"", "t"},
		`{"detail":[{"msg":"field required"}]}`:                                                                   {"", "field required"}, // FastAPI
		`{"fault":{"faultstring":"Invalid ApiKey","detail":{"errorcode":"x"}}}`:                                   {"", "Invalid ApiKey"}, // Apigee
		`{"type":"about:blank","title":"Forbidden","detail":"not you"}`:                                           {"", "not you"},        // RFC 9457
		`{"error":"invalid_grant","error_description":"bad","message":"other","code":"7"}`:                        {"invalid_grant", "bad"},
		`{"error":"invalid_grant","error_description":"","message":"other"}`:                                      {"invalid_grant", "other"},
		`{"message":17,"data":"not this","errors":{"a":{"message":"too deep"}}}`:                                  {"", ""},
		`{"message":"` + strings.Repeat("d", maxScrubbed+1) + `","errorCode":"` + strings.Repeat("c", 65) + "\"}": {strings.Repeat("c", 64), ""},
		`{"message":{"message":{"message":{"message":"too deep"}}},"access_token":"a"}`:                           {"", ""},
	} {
		_, err := parse(401, "application/json", body)
		require.Equal(t, want, [2]string{err.Code, err.Description}, "%.90s", body)
		require.Equal(t, Refused, err.Kind)
	}
	_, err := parse(403, "application/json", `{"errorCode":"server_error"}`)
	require.Equal(t, Unavailable, err.Kind)
}

// TestOtherErrorsDecideNothing: what is a token stays one, whatever stands beside it.
func TestOtherErrorsDecideNothing(t *testing.T) {
	for _, body := range []string{
		`"message":"x"`, `"errorCode":"E1"`, `"errcode":7`, `"code":"E"`, `"errors":["x"]`, `"success":false`, `"fault":{"faultstring":"x"}`, `"detail":"x"`, `"ok":true`,
	} {
		token, err := parse(200, "application/json", `{"access_token":"a",`+body+`}`)
		require.Nil(t, err, body)
		require.Equal(t, "a", token.AccessToken.Reveal())
		_, err = parse(200, "application/json", `{`+body+`}`)
		require.Equal(t, Malformed, err.Kind, body)
	}
}

func TestCheckToken(t *testing.T) {
	for text, want := range map[string]string{
		"a": "", "a b~!": "", strings.Repeat("x", maxToken): "",
		"": "the access token is blank", " \t": "the access token is blank", strings.Repeat("x", maxToken+1): "the access token is larger than 64 KiB",
		"a\n": "the access token has a control character, or one that is not ASCII", "ü": "the access token has a control character, or one that is not ASCII",
	} {
		require.Equal(t, want, CheckToken(text), "%.20q", text)
	}
}

// TestAPieceOfASecret: a server that forgets to escape what it echoes ends a
// string within it.
func TestAPieceOfASecret(t *testing.T) {
	s := scrubberFor(`first-half"second-half&third-part`)
	for _, text := range []string{"bad first-half", "second-half, it was", "third-part"} {
		require.Equal(t, "[redacted]", s.description(text))
		require.Equal(t, "[redacted]", s.code(text))
	}
	require.Equal(t, "a first one", s.description("a first one"))
	require.Equal(t, "a short one", scrubberFor(`a "short" one`).description("a short one"), "words are no pieces")
}

func TestTheVeil(t *testing.T) {
	v := newVeil([]string{`p'ss"word`, "abc"}, []string{"t0k3n-of-theirs"})
	require.Equal(t, "see [redacted]", v.text("see t0k3n-of-theirs"))
	require.Equal(t, "[redacted]", v.text("the abc"), "a short secret withholds the text")
	require.Equal(t, "our abc has [redacted]", v.words("our abc has t0k3n-of-theirs"))
	require.Equal(t, "a [redacted] b", v.text(`a p'ss"word b`))
	require.Equal(t, "", v.text(strings.Repeat("long ", 300)))
	require.Equal(t, strings.Repeat("x", maxText), v.words(strings.Repeat("x", maxText+9)))
	require.Equal(t, "[redacted]", newVeil([]string{"see 'that'"}, nil).text(`see "that"`), "brought together by our quotation marks")
	require.Equal(t, "at 2026-11-24T10:00:00Z", v.text("at 2026-11-24T10:00:00Z"))
}
