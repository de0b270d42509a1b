// SPDX-License-Identifier: MPL-2.0

package faults_test

import "strconv"

// flow is a way to obtain a token.
type flow struct {
	name, config string
	role         fields
	refreshes    bool // with a refresh token
	account      bool // an answer that may be a refused login keeps the account from another until something is written
}

func flows() []flow {
	return []flow{
		{name: "client_credentials", config: "main", role: fields{"flow": "client_credentials"}},
		{name: "password", config: "main", role: fields{"flow": "password", "password": password}, refreshes: true, account: true},
		{name: "login", config: "api", role: fields{"flow": "login", "password": password}, account: true},
		{name: imported, config: "main", role: fields{"flow": imported}, refreshes: true},
	}
}

// imported is the flow whose refresh token comes from elsewhere.
const imported = "refresh_token"

// role writes a role of the flow, with an account of its own. It says which one it is in each request (see caseOf).
func (m *mount) role(name string, f flow, number int) {
	m.t.Helper()
	data := fields{"config": f.config, "verify": "off"}
	for field, value := range f.role {
		data[field] = value
	}
	data[map[bool]string{false: "params", true: "variables"}[f.name == "login"]] = fields{"case": strconv.Itoa(number)}
	if f.account {
		data["username"] = "alice" + strconv.Itoa(number)
		m.server.User("alice"+strconv.Itoa(number), password)
	}
	m.write("roles/"+name, data)
	if f.name == imported {
		m.write("token/"+name+"/import", fields{"refresh_token": m.server.Consent("app", "a b")})
	}
}

// caseOf returns the number of the role that a request is for.
func (x *exchange) caseOf() int {
	text := x.form.Get("case")
	if text == "" {
		text = x.request.URL.Query().Get("case")
	}
	number, _ := strconv.Atoi(text)
	return number
}

// refreshes are the refresh tokens that the server was sent, the oldest first,
// but for the requests before from.
func (m *mount) refreshes(from int) (sent []string) {
	for _, request := range m.server.Recorded()[from:] {
		if request.Form.Get("grant_type") == "refresh_token" {
			sent = append(sent, request.Form.Get("refresh_token"))
		}
	}
	return sent
}
