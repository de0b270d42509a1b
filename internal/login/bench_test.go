// SPDX-License-Identifier: MPL-2.0

package login

import (
	"strings"
	"testing"
)

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(whole, Rules{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLogin(b *testing.B) {
	d, v := compile(b, withRequest(everySecret+`, "json": {"a": ["{{password}}", "x{{secrets.pin}}"], "b": {"c": "{{username}}"}}`)), values()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Login(v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadLogin(b *testing.B) {
	d := compile(b, withRest(`"token": {"json": "/data/token"}, "expires": {"json": "/data/expires", "as": "date"}`))
	for name, answer := range map[string]Answer{
		"token":   said(`{"data": {"token": "` + strings.Repeat("t", 800) + `", "expires": "2026-11-24T17:30:00Z"}}`),
		"failure": said(`{"data": {"access_token": "` + strings.Repeat("t", 800) + `", "expires": "2026-11-24T17:30:00Z"}}`),
		"large":   said(`{"data": {"token": "t"}, "filler": [` + strings.Repeat(`"`+strings.Repeat("x", 90)+`",`, 10000) + `0]}`),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if r, f := d.ReadLogin(answer); (f == nil) != (name != "failure") || (r == nil) != (name == "failure") {
					b.Fatal(f)
				}
			}
		})
	}
}
