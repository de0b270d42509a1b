// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckURLRefuses(t *testing.T) {
	const (
		relative   = "absolute"
		credential = "user name or password"
		fragment   = "fragment"
		noHost     = "no host"
		port       = "port"
		ascii      = "ASCII"
		noName     = "neither a host name nor an IP address"
		brackets   = "in brackets"
		loopback   = "loopback address"
		linkLocal  = "link-local"
		unspec     = "unspecified"
		multicast  = "multicast"
		cloud      = "cloud metadata"
		embedded   = "IPv4 address inside"
		odd        = "odd spelling"
		plain      = "allow_http=true"
	)
	for text, want := range map[string]string{
		"":                                 relative,
		"/token":                           relative,
		"//idp.example.com/token":          relative,
		"idp.example.com/token":            relative,
		"localhost:8443/token":             relative,
		"https:idp.example.com/token":      relative,
		"ftp://idp.example.com/":           relative,
		"file:///etc/passwd":               relative,
		"gopher://idp.example.com/":        relative,
		"unix:///var/run/docker.sock":      relative,
		"https://":                         noHost,
		"https:///token":                   noHost,
		"https://:8443/token":              noHost,
		"https://./token":                  noHost,
		"https://user@idp.example.com/":    credential,
		"https://u:p@idp.example.com/":     credential,
		"https://idp.example.com@10.0.0.1": credential,
		"https://idp.example.com/t#x":      fragment,
		"https://idp.example.com:0/":       port,
		"https://idp.example.com:65536/":   port,
		"https://idp.example.com:99999999": port,
		"https://idp.example.com:/":        port,
		"https://[2001:db8::1]:/":          port,
		"http://idp.example.com/":          plain,

		"https://localhost/":                            loopback,
		"https://LOCALHOST/":                            loopback,
		"https://localhost./":                           loopback,
		"https://idp.localhost/":                        loopback,
		"https://a.b.LocalHost.:8443/":                  loopback,
		"https://127.0.0.1/":                            loopback,
		"https://127.0.0.1./":                           loopback,
		"https://127.255.255.254/":                      loopback,
		"https://127.1/":                                loopback,
		"https://127.0.1/":                              loopback,
		"https://127.1./":                               loopback,
		"https://0x7f.1/":                               loopback,
		"https://0X7F.0x0.0x0.0X1/":                     loopback,
		"https://0x7f000001/":                           loopback,
		"https://0x00000000000000007f000001/":           loopback,
		"https://2130706433/":                           loopback,
		"https://017700000001/":                         loopback,
		"https://0177.0.0.1/":                           loopback,
		"https://0177.0x0.1/":                           loopback,
		"https://127.0.0.01/":                           loopback,
		"https://127.0x.1/":                             loopback,
		"https://[::1]/":                                loopback,
		"https://[0:0:0:0:0:0:0:1]:8443/":               loopback,
		"https://[::ffff:127.0.0.1]/":                   loopback,
		"https://[::FFFF:7F00:1]/":                      loopback,
		"https://[::127.0.0.1]/":                        embedded,
		"https://[::ffff:0:127.0.0.1]/":                 embedded,
		"https://[64:ff9b::127.0.0.1]/":                 embedded,
		"https://[64:ff9b::a9fe:a9fe]/":                 embedded,
		"https://[64:ff9b:1::169.254.169.254]/":         embedded,
		"https://[64:ff9b::100.100.100.200]/":           embedded,
		"https://[2002:7f00:1::]/":                      embedded,
		"https://[2002:a9fe:a9fe::1]/":                  embedded,
		"https://[2001:0:7f00:1::]/":                    embedded,
		"https://[2001:0:808:808:0:0:5601:5601]/":       embedded, // 169.254.169.254 inverted
		"https://0/":                                    unspec,
		"https://0.0.0.0/":                              unspec,
		"https://0.1.2.3/":                              unspec,
		"https://00000/":                                unspec,
		"https://0x/":                                   unspec,
		"https://[::]/":                                 unspec,
		"https://[::ffff:0.0.0.0]/":                     unspec,
		"https://169.254.169.254/":                      linkLocal,
		"https://169.254.169.254./":                     linkLocal,
		"https://2852039166/":                           linkLocal,
		"https://0xa9fea9fe/":                           linkLocal,
		"https://0251.0376.0251.0376/":                  linkLocal,
		"https://169.254.43518/":                        linkLocal,
		"https://169.16689662/":                         linkLocal,
		"https://[::ffff:a9fe:a9fe]/":                   linkLocal,
		"https://[fe80::1]/":                            linkLocal,
		"https://[fe80::1%25eth0]/":                     brackets,
		"https://[2001:db8::1%25eth0]/":                 brackets,
		"https://224.0.0.1/":                            multicast,
		"https://239.255.255.255/":                      multicast,
		"https://255.255.255.255/":                      multicast,
		"https://4294967295/":                           multicast,
		"https://[ff02::1]/":                            multicast,
		"https://100.100.100.200/":                      cloud,
		"https://192.0.0.192/":                          cloud,
		"https://168.63.129.16/":                        cloud,
		"https://[fd00:ec2::254]/":                      cloud,
		"https://[fd20:ce::254]/":                       cloud,
		"https://010.0.0.1/":                            odd,
		"https://0x08080808/":                           odd,
		"https://8.8.2056/":                             odd,
		"https://256.1.1.1/":                            noName,
		"https://1.2.3.4.5/":                            noName,
		"https://4294967296/":                           noName,
		"https://08.8.8.8/":                             noName,
		"https://1..1/":                                 noName,
		"https://idp.0x7f/":                             noName,
		"https://idp..example.com/":                     noName,
		"https://idp.example.com../":                    noName,
		"https://.example.com/":                         noName,
		"https://idp.example.com,10.0.0.1/":             noName,
		"https://*.example.com/":                        noName,
		"https://" + strings.Repeat("a", 64) + ".com/":  noName,
		"https://" + strings.Repeat("a.", 127) + "com/": noName,
		"https://127。0。0。1/":                            ascii,
		"https://１２７.0.0.1/":                            ascii,
		"https://①②⑦.0.0.1/":                            ascii,
		"https://ⓛocalhost/":                            ascii,
		"https://\u212aeycloak.example.com/":            ascii, // the Kelvin sign lowers to k
		"https://bücher.example.com/":                   ascii,
	} {
		u, err := url.Parse(text)
		require.NoError(t, err, text)
		err = Guard{}.CheckURL(u, false)
		require.Error(t, err, text)
		require.ErrorContains(t, err, want, text)
		_, ok := errors.AsType[*GuardError](err)
		require.True(t, ok, text)
	}
}

// A URL need not come from url.Parse, which refuses these by itself.
func TestCheckURLRefusesBuiltURLs(t *testing.T) {
	require.Error(t, Guard{}.CheckURL(nil, true))
	for _, host := range []string{
		"::1", "::1:443", "[::1", "::1]", "[127.0.0.1]", "[example.com]", "[idp]:443", "2001:db8::1", "idp:http", "idp:+80", "idp:-1",
		"a@b", "u:p@b", "a b", "a\r\nb", "a\x00", "a%00", "%31%32%37.0.0.1", "a/b", "a?b", "a#b", "a\\b", "[[::1]]", "[::1]x", "\xff",
	} {
		require.Error(t, Guard{}.CheckURL(&url.URL{Scheme: "https", Host: host}, true), host)
	}
	require.Error(t, Guard{}.CheckURL(&url.URL{Scheme: "HTTPS", Host: "idp.example.com"}, true))
	require.Error(t, Guard{}.CheckURL(&url.URL{Scheme: "http", Host: "idp.example.com", Opaque: "//127.0.0.1/"}, true))
}

func TestCheckURLAllows(t *testing.T) {
	for _, text := range []string{
		"https://idp.example.com",
		"https://IDP.Example.COM./token",
		"https://idp.example.com:8443/realms/x/token?a=b",
		"https://idp/token",
		"https://my_idp.internal:1/",
		"https://xn--bcher-kva.example.com/",
		"https://10.1.2.3/", "https://172.16.0.1:65535/", "https://192.168.1.1/", "https://100.64.0.1/", "https://8.8.8.8./",
		"https://[2001:db8::1]:8443/", "https://[fd12:3456::1]/", "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::808:808]/",
		"https://7f.example.com/", "https://1.2.3.4.example/", "https://127.0.0.1.example.com/", "https://localhost.example.com/", "https://notlocalhost/",
	} {
		u, err := url.Parse(text)
		require.NoError(t, err, text)
		require.NoError(t, Guard{}.CheckURL(u, false), text)
		u.Scheme = "http"
		require.NoError(t, Guard{}.CheckURL(u, true), text)
	}
}

func TestAllowLoopbackOpensLoopbackOnly(t *testing.T) {
	g := Guard{AllowLoopback: true}
	for text, allowed := range map[string]bool{
		"https://localhost:1/": true, "https://a.localhost/": true, "https://127.0.0.1/": true, "https://127.9.9.9/": true, "https://[::1]/": true,
		"https://[::ffff:127.0.0.1]/": true,
		"https://0.0.0.0/":            false, "https://[::]/": false, "https://169.254.169.254/": false, "https://[fe80::1]/": false,
		"https://127.1/": false, "https://0x7f000001/": false, "https://2130706433/": false,
		"https://[::127.0.0.1]/": false, "https://[64:ff9b::7f00:1]/": false,
	} {
		u, err := url.Parse(text)
		require.NoError(t, err)
		require.Equal(t, allowed, g.CheckURL(u, false) == nil, text)
	}
}

func TestGuardMessages(t *testing.T) {
	for text, want := range map[string]string{
		"https://127.0.0.1:8443/t": `127.0.0.1 is a loopback address`,
		"https://0x7f.1/":          `0x7f.1 is a spelling of 127.0.0.1, which is a loopback address`,
		"https://LocalHost./":      `localhost is a loopback address`,
		"http://localhost:9000/t":  `localhost would be called over plain http, which needs allow_http=true in the config, and is a loopback address`,
		"http://idp.example.com":   `idp.example.com would be called over plain http: use https, or set allow_http=true in the config`,
		"https://010.1/":           `010.1 is an odd spelling of an address: write 8.0.0.1`,
	} {
		u, err := url.Parse(text)
		require.NoError(t, err)
		require.EqualError(t, Guard{}.CheckURL(u, false), want)
	}
}

// A refusal names the setting that can lift it, if there is one, and no command.
func TestGuardSettings(t *testing.T) {
	g := Guard{Hosts: []string{"*.example.com", "localhost", "10.*", "169.*", "127.*"}, Networks: []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16")}}
	for text, want := range map[string]string{
		"https://localhost/":        "allow_loopback",
		"http://127.0.0.1/":         "allow_loopback",
		"https://127.1/":            "allow_loopback",
		"https://idp.example.org/":  "allowed_hosts",
		"https://10.0.0.1/":         "allowed_networks",
		"https://169.254.169.254/":  "",
		"https://[::127.0.0.1]/":    "",
		"http://idp.example.com/":   "",
		"https://u@idp.example.com": "",
	} {
		u, err := url.Parse(text)
		require.NoError(t, err)
		refused, ok := errors.AsType[*GuardError](g.CheckURL(u, false))
		require.True(t, ok, text)
		require.Equal(t, want, refused.Setting(), text)
		require.NotContains(t, refused.Error(), "vault", text)
	}
}

func TestReasonsHaveWords(t *testing.T) {
	seen := map[string]Reason{}
	for r := range NetworkNotAllowed + 1 {
		words := r.String()
		other, twice := seen[words]
		require.False(t, twice, "%d and %d: %s", other, r, words)
		seen[words] = r
	}
}

func TestGuardErrorsQuoteTheHostAlone(t *testing.T) {
	const canary = "c4nary"
	for _, text := range []string{
		canary + ":" + canary, "https://" + canary + ":" + canary + "@127.0.0.1/", "https://127.0.0.1/" + canary + "?a=" + canary,
		"https://10.0.0.1/#" + canary, "http://idp.example.com/?client_secret=" + canary, "/" + canary,
		"https://other.example.com/" + canary + "?" + canary,
	} {
		u, err := url.Parse(text)
		require.NoError(t, err)
		err = Guard{Hosts: []string{"idp.example.com"}}.CheckURL(u, false)
		require.Error(t, err, text)
		require.NotContains(t, err.Error(), canary)
	}
}

func TestHosts(t *testing.T) {
	for _, c := range []struct {
		pattern, url string
		allowed      bool
	}{
		{"idp.example.com", "https://idp.example.com/", true},
		{"IDP.example.COM", "https://idp.EXAMPLE.com.:8443/", true},
		{" idp.example.com. ", "https://idp.example.com/", true},
		{"idp.example.com", "https://idp.example.com.evil.example/", false},
		{"idp.example.com", "https://xidp.example.com/", false},
		{"idp.example.com", "https://idpxexample.com/", false},
		{"*.example.com", "https://a.b.example.com/", true},
		{"*.example.com", "https://example.com/", false},
		{"*.example.com", "https://evilexample.com/", false},
		{"*.example.com", "https://a.example.com.evil.example/", false},
		{"login.*.example.com", "https://login.eu.example.com/", true},
		{"login.*.example.com", "https://login.example.com/", false},
		{"a*b*c", "https://aXbXc/", true},
		{"a*b*c", "https://aXcXb/", false},
		{"ab*ba", "https://aba/", false},
		{"*", "https://anything.example/", true},
		{"", "https://idp.example.com/", false},
		{"https://idp.example.com", "https://idp.example.com/", false},
		{"idp.example.com:8443", "https://idp.example.com:8443/", true},
		{"idp.example.com:8443", "https://idp.example.com:08443/", true},
		{"idp.example.com:8443", "https://idp.example.com/", false},
		{"idp.example.com:443", "https://idp.example.com/", true},
		{"idp.example.com:*", "https://idp.example.com:9/", true},
		{"10.0.0.*", "https://10.0.0.7/", true},
		{"10.0.0.*", "https://10.0.1.7/", false},
		{"[2001:db8::1]", "https://[2001:db8:0::1]:1/", true},
		{"[2001:DB8:0::1]:8443", "https://[2001:db8::1]:8443/", true},
		{"[2001:db8::1]:8443", "https://[2001:db8::1]/", false},
		{"2001:db8::1", "https://[2001:db8::1]/", true},
		{"2001:db8::*", "https://[2001:db8::1]/", true},
		{"::ffff:10.0.0.1", "https://10.0.0.1/", true},
	} {
		u, err := url.Parse(c.url)
		require.NoError(t, err)
		err = Guard{Hosts: []string{"other.example", c.pattern}}.CheckURL(u, false)
		require.Equal(t, c.allowed, err == nil, "%+v", c)
		if err != nil {
			require.ErrorContains(t, err, "allowed_hosts")
		}
	}
}

func TestHostsOpenNothingForbidden(t *testing.T) {
	g := Guard{Hosts: []string{"*"}, Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}
	for _, text := range []string{"https://localhost/", "https://127.0.0.1/", "https://169.254.169.254/", "https://[::1]/", "https://[fd00:ec2::254]/"} {
		u, err := url.Parse(text)
		require.NoError(t, err)
		require.Error(t, g.CheckURL(u, false), text)
	}
}

func TestNetworksApplyToEveryAddress(t *testing.T) {
	g := Guard{AllowLoopback: true, Networks: []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::ffff:192.168.0.0/112"), netip.MustParsePrefix("fd12::/16"),
	}}
	for text, allowed := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "192.168.9.9": true, "fd12::1": true, "fd12::1%eth0": true,
		"192.169.0.1": false, "8.8.8.8": false, "127.0.0.1": false, "::1": false, "fd13::1": false, "::ffff:8.8.8.8": false, "169.254.1.1": false,
	} {
		err := g.CheckAddr(netip.MustParseAddr(text))
		require.Equal(t, allowed, err == nil, text)
	}
	require.EqualError(t, g.CheckAddr(netip.MustParseAddr("::ffff:8.8.8.8")), "8.8.8.8 is outside the networks in allowed_networks")
	require.Error(t, Guard{}.CheckAddr(netip.Addr{}))
}

func TestCheckAddrAtTheEdges(t *testing.T) {
	for text, allowed := range map[string]bool{
		"126.255.255.255": true, "127.0.0.0": false, "127.255.255.255": false, "128.0.0.0": true,
		"0.255.255.255": false, "1.0.0.0": true,
		"169.253.255.255": true, "169.254.0.0": false, "169.254.255.255": false, "169.255.0.0": true,
		"223.255.255.255": true, "224.0.0.0": false, "239.255.255.255": false, "255.255.255.254": true, "255.255.255.255": false,
		"100.100.100.199": true, "100.100.100.200": false, "192.0.0.192": false, "168.63.129.16": false, "168.63.129.17": true,
		"::": false, "::1": false, "::1%lo": false, "::ffff:127.0.0.1%x": false, "fe80::1": false, "fe80::1%eth0": false, "febf::": false, "fec0::1": true,
		"ff02::1": false, "ff0e::1": false, "fd00:ec2::254": false, "fd00:ec2::254%eth0": false, "fd00:ec2::23": false, "fd00:ec3::1": true,
		"fd20:ce::254": false, "fd00:c1::a9fe:a9fe": false, "fd00:42::42": false, "fd00:a9fe:a9fe::1": false, "fd00:100::100:200": false,
		"64:ff9b::10.0.0.1": true, "64:ff9b::127.0.0.1": false, "64:ff9b:1:2:3:4:7f00:1": false, "2002:a00:1::1": true, "2002:6464:64c8::": false,
		"2001:0:7f00:1::": false, "2001:0:808:808:0:0:f5ff:fffe": true, "2001:0:808:808:0:0:80ff:fffe": false, "2001:1::1": true,
		"::808:808": true, "::7f00:1": false, "::ffff:0:a9fe:a9fe": false,
	} {
		require.Equal(t, allowed, Guard{}.CheckAddr(netip.MustParseAddr(text)) == nil, text)
	}
}
