// SPDX-License-Identifier: MPL-2.0

package faults_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestRefusals(t *testing.T) { stories(t, refusals(), true) }

func TestAnswers(t *testing.T) { stories(t, answers(), false) }

// refusals come from something in front of the server, which has not acted, but
// for the one that says so.
func refusals() []trouble {
	const html = "Content-Type: text/html\r\n"
	page := "<html><body>" + strings.Repeat("Bad Gateway. ", 100) + "</body></html>"
	return []trouble{
		{name: "429", fault: instead(429, "Retry-After: 1\r\n", ""), says: "answered 429"},
		{name: "500", fault: instead(500, "", ""), says: "answered 500"},
		{name: "502 with a page", fault: instead(502, html, page), says: "answered 502"},
		{name: "503 with a code", fault: instead(503, asJSON, `{"error":"temporarily_unavailable"}`), says: "answered 503: temporarily_unavailable"},
		{name: "400 for now", fault: instead(400, asJSON, `{"error":"temporarily_unavailable"}`), login: "answered 400", says: "temporarily_unavailable"},
		{name: "504 after acting", acted: true, says: "answered 504",
			fault: fault{respond: func(x *exchange) { x.act(); x.sendWhole(504, html, page) }}},
		{name: "500 that echoes", fault: fault{respond: func(x *exchange) {
			x.sendWhole(500, echo(x), `{"error":"`+x.secrets()+`","error_description":"`+x.secrets()+`"}`)
		}}, says: "answered 500"},
		{name: "400 that echoes", fault: fault{respond: func(x *exchange) {
			x.sendWhole(400, echo(x), `{"error":"invalid_request","error_description":"you sent `+x.secrets()+`"}`)
		}}, says: "answered 400"},
		{name: "redirect that echoes", fault: fault{respond: func(x *exchange) {
			x.sendWhole(307, "Location: "+x.p.URL+"/elsewhere?"+x.secrets()+"\r\n", x.secrets())
		}}, says: "answered 307: redirect refused"},
		{name: "no HTTP that echoes", fault: fault{respond: func(x *exchange) { x.send([]byte(x.secrets() + "\r\n\r\n")) }}, says: "the answer is not valid HTTP"},
		{name: "a broken header that echoes", fault: fault{respond: func(x *exchange) {
			x.send([]byte("HTTP/1.1 200 OK\r\n" + x.secrets() + "\r\n\r\n{}"))
		}}, says: "the answer is not valid HTTP"},
	}
}

const asJSON = "Content-Type: application/json\r\n"

// answers come after the server has acted.
func answers() []trouble {
	bomb := gzipBomb()
	return []trouble{
		{name: "HTML", acted: true, fault: body("text/html", "<html>Log in here</html>"), says: "the answer is HTML or XML", login: "a page of HTML or XML"},
		{name: "HTML as JSON", acted: true, fault: body("application/json", "<!doctype html><p>"), says: "the answer is HTML or XML", login: "a page of HTML or XML"},
		{name: "nothing", acted: true, fault: body("application/json", ""), says: "the answer is empty", login: "an empty answer"},
		{name: "204", acted: true, says: "answered 204: the answer is empty", login: "an empty answer",
			fault: fault{respond: func(x *exchange) { x.act(); x.send([]byte("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")) }}},
		{name: "white space", acted: true, fault: body("application/json", " \r\n\t"), says: "the answer is empty", login: "an empty answer"},
		{name: "null", acted: true, fault: body("application/json", "null"), says: "answered 200: ", login: "expected token"},
		{name: "a list", acted: true, fault: body("application/json", "[{}]"), says: "not a JSON object", login: "expected token"},
		{name: "an empty object", acted: true, fault: body("application/json", "{}"), says: "no access_token", login: "expected token"},
		{name: "a token of null", acted: true, fault: body("application/json", `{"access_token":null,"token":null}`), says: "no access_token", login: "expected token"},
		{name: "a token of a number", acted: true, fault: body("application/json", `{"access_token":1,"token":{"a":1}}`), says: "not a string", login: "expected token"},
		{name: "a token that is a header", acted: true, fault: body("application/json", `{"access_token":"a\r\nX: y","token":"a\r\nX: y"}`), says: "control character", login: "not visible ASCII"},
		{name: "success that is an error", acted: true, fault: body("application/json", `{"error":"server_error","access_token":"x"}`), says: "server_error"},
		{name: "deep nesting", acted: true, heavy: true, fault: body("application/json", strings.Repeat("[", 100_000)), says: "answered 200: ", login: "answered 200: "},
		{name: "gzip bomb", acted: true, heavy: true, fault: fault{respond: func(x *exchange) {
			x.act()
			x.sendWhole(http.StatusOK, asJSON+"Content-Encoding: gzip\r\n", bomb)
		}}, says: "larger than allowed"},
		{name: "gzip of garbage", acted: true, fault: fault{respond: func(x *exchange) {
			x.act()
			x.sendWhole(200, asJSON+"Content-Encoding: gzip\r\n", "no gzip at all")
		}}, says: "answered 200: "},
		{name: "endless body", acted: true, heavy: true, fault: fault{respond: func(x *exchange) {
			x.act()
			x.flood("HTTP/1.1 200 OK\r\n"+asJSON+"\r\n", `{"access_token":"`, "a")
		}}, says: "larger than allowed"},
		{name: "endless white space", acted: true, heavy: true, fault: fault{respond: func(x *exchange) {
			x.act()
			x.flood("HTTP/1.1 200 OK\r\n"+asJSON+"\r\n", "", " ")
		}}, says: "larger than allowed"},
		{name: "endless chunks", acted: true, heavy: true, fault: fault{respond: func(x *exchange) {
			x.act()
			x.flood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"+asJSON+"\r\n", "", "1000\r\n"+strings.Repeat("{", 0x1000)+"\r\n")
		}}, says: "larger than allowed"},
		{name: "endless header", acted: true, fault: fault{respond: func(x *exchange) {
			x.act()
			x.flood("HTTP/1.1 200 OK\r\n", "", "X-Y: "+strings.Repeat("z", 100)+"\r\n")
		}}, says: "the answer's header is over 64 KiB"},
		{name: "endless header line", acted: true, fault: fault{respond: func(x *exchange) {
			x.act()
			x.flood("HTTP/1.1 200 OK\r\nX-Y: ", "", "z")
		}}, says: "the answer's header is over 64 KiB"},
		{name: "100 without end", acted: true, fault: fault{respond: func(x *exchange) {
			x.act()
			x.flood("", "", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
		}}, says: "the answer's header is over 64 KiB"},
		{name: "a longer length", acted: true, says: "answered 200: the server closed the connection",
			fault: changed(func(answer string) string { return lengthened(string(half([]byte(answer)))) })},

		{name: "a few 1xx", fault: changed(func(answer string) string {
			return strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 3) + "HTTP/1.1 100 Continue\r\n\r\n" + answer
		})},
		{name: "keys twice", fault: inBody(func(body string) string {
			return `{"access_token":"wrong","refresh_token":"wrong","token":"wrong","expires_in":-5,` + body[1:]
		})},
		{name: "keys unknown", fault: inBody(func(body string) string { return `{"x":{"error":"no"},"ACCESS_TOKEN":"wrong",` + body[1:] })},
		{name: "a byte order mark", fault: inBody(func(body string) string { return "\ufeff" + body })},
		{name: "no length", fault: changed(func(answer string) string {
			return strings.Replace(answer, "Content-Length", "X-Length", 1)
		})},
		{name: "a longer length, and all of the answer", fault: changed(lengthened), acted: true,
			login: "answered 200: the server closed the connection"},
	}
}

// instead is an answer that does not come from the server.
func instead(status int, header, text string) fault {
	return fault{respond: func(x *exchange) { x.sendWhole(status, header, text) }}
}

// body has the server act, and puts another body in place of its own.
func body(media, text string) fault {
	return fault{respond: func(x *exchange) { x.act(); x.sendWhole(200, "Content-Type: "+media+"\r\n", text) }}
}

// changed changes the server's answer.
func changed(change func(answer string) string) fault {
	return fault{respond: func(x *exchange) { x.send([]byte(change(string(x.answer())))) }}
}

// inBody changes the body of the server's answer.
func inBody(change func(body string) string) fault {
	return fault{respond: func(x *exchange) {
		resp := x.act()
		text, _ := io.ReadAll(resp.Body)
		x.sendWhole(resp.StatusCode, asJSON, change(string(text)))
	}}
}

// lengthened promises more than there is.
func lengthened(answer string) string {
	return strings.Replace(answer, "Content-Length: ", "Content-Length: 9", 1)
}

// secrets is all that a request has of them, on one line.
func (x *exchange) secrets() string {
	form, _ := url.QueryUnescape(string(x.body))
	return fmt.Sprintf("%s %s %s", x.request.Header.Get("Authorization"), x.body, strings.ReplaceAll(form, `"`, "'"))
}

// echo is a header with the request's secrets.
func echo(x *exchange) string {
	return asJSON + "X-Echo: " + x.secrets() + "\r\nWWW-Authenticate: Bearer error=\"" + x.secrets() + "\"\r\n"
}

// flood sends a text over and over, until the client has had enough.
func (x *exchange) flood(header, before, text string) {
	chunk := []byte(strings.Repeat(text, 1+16<<10/len(text)))
	for more := x.send([]byte(header + before)); more; more = x.send(chunk) {
	}
}

// gzipBomb is a small body that is 512 MiB.
func gzipBomb() string {
	var member bytes.Buffer
	zip, _ := gzip.NewWriterLevel(&member, gzip.BestCompression)
	_, _ = zip.Write(make([]byte, 1<<20))
	_ = zip.Close()
	return strings.Repeat(member.String(), 512) // gzip is a sequence of members (RFC 1952 section 2.2)
}
