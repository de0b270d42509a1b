// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

func certPEM(cert *x509.Certificate) string { return pemBlock("CERTIFICATE", cert.Raw) }

func pemBlock(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// selfSigned makes a certificate that is its own authority.
func selfSigned(t *testing.T, names ...string) (cert *x509.Certificate, certText string, key secret.String) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return cert, certPEM(cert), secret.String(pemBlock("PRIVATE KEY", keyDER))
}

func serveTLS(t *testing.T, config *tls.Config, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.TLS = config
	server.EnableHTTP2 = true
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestCACertReplacesTheSystemsRoots(t *testing.T) {
	server := serveTLS(t, nil, func(http.ResponseWriter, *http.Request) {})
	own := certPEM(server.Certificate())
	_, other, _ := selfSigned(t)

	_, err := fetch(t, newClient(t, local(Options{CACert: other + own})), server.URL)
	require.NoError(t, err)
	for _, ca := range []string{"", other} {
		_, err = fetch(t, newClient(t, local(Options{CACert: ca})), server.URL)
		require.ErrorContains(t, err, "x509: certificate signed by unknown authority")
	}
	config, err := tlsConfig(Options{CACert: own})
	require.NoError(t, err)
	alone := x509.NewCertPool()
	alone.AddCert(server.Certificate())
	require.True(t, alone.Equal(config.RootCAs))
	require.False(t, config.InsecureSkipVerify)
}

func TestServerName(t *testing.T) {
	server := serveTLS(t, nil, func(http.ResponseWriter, *http.Request) {})
	ca := certPEM(server.Certificate())
	_, err := fetch(t, newClient(t, local(Options{CACert: ca, ServerName: "example.com"})), server.URL)
	require.NoError(t, err)
	_, err = fetch(t, newClient(t, local(Options{CACert: ca, ServerName: "other.test"})), server.URL)
	require.ErrorContains(t, err, "not other.test")
	for _, bad := range []string{"a b", "https://idp", "idp:443", "-\n"} {
		_, err = New(Options{ServerName: bad})
		require.EqualError(t, err, "tls_server_name: neither a host name nor an IP address")
	}
}

func TestClientCertificateIsPresented(t *testing.T) {
	cert, certText, key := selfSigned(t)
	stranger, _, _ := selfSigned(t)
	listed := x509.NewCertPool()
	listed.AddCert(stranger)
	for name, config := range map[string]*tls.Config{
		"any":               {ClientAuth: tls.RequireAnyClientCert},
		"TLS 1.2":           {ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12},
		"other authorities": {ClientAuth: tls.RequireAnyClientCert, ClientCAs: listed}, // RFC 8705 section 2.2
	} {
		seen := make(chan []byte, 2)
		server := serveTLS(t, config, func(_ http.ResponseWriter, r *http.Request) { seen <- r.TLS.PeerCertificates[0].Raw })
		ca := certPEM(server.Certificate())
		client := newClient(t, local(Options{CACert: ca, ClientCert: certText, ClientKey: key}))
		_, err := fetch(t, client, server.URL)
		require.NoError(t, err, name)
		require.Equal(t, cert.Raw, <-seen, name)
		resp, err := client.Get(server.URL) // on its own connection
		require.NoError(t, err, name)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, 2, resp.ProtoMajor)
		require.Equal(t, cert.Raw, <-seen, name)

		_, err = fetch(t, newClient(t, local(Options{CACert: ca})), server.URL)
		require.Error(t, err, name)
		require.NotErrorIs(t, err, ErrNotHTTP, name)
		require.Empty(t, seen, name)
	}
}

func TestCertificateMistakesNameTheField(t *testing.T) {
	_, cert, key := selfSigned(t)
	_, _, otherKey := selfSigned(t)
	garbage := pemBlock("CERTIFICATE", []byte("c4nary"))
	for _, c := range []struct {
		options Options
		want    string
	}{
		{Options{CACert: "c4nary"}, "ca_cert: no PEM certificate found"},
		{Options{CACert: garbage}, "ca_cert: a certificate does not parse"},
		{Options{CACert: cert + garbage}, "ca_cert: a certificate does not parse"},
		{Options{CACert: cert + key.Reveal()}, "ca_cert: holds a PEM block that is not a certificate"},
		{Options{CACert: cert + cert[:len(cert)/2]}, "ca_cert: a PEM block is damaged or incomplete"},
		{Options{ClientCert: cert}, "tls_client_key: missing, and tls_client_cert is set"},
		{Options{ClientKey: key}, "tls_client_cert: missing, and tls_client_key is set"},
		{Options{ClientCert: "c4nary", ClientKey: key}, "tls_client_cert: no PEM certificate found"},
		{Options{ClientCert: key.Reveal(), ClientKey: key}, "tls_client_cert: holds a PEM block that is not a certificate"},
		{Options{ClientCert: cert, ClientKey: otherKey}, "tls_client_key does not match tls_client_cert"},
		{Options{ClientCert: cert, ClientKey: "c4nary"}, "tls_client_key: not a private key in PEM"},
		{Options{ClientCert: cert, ClientKey: secret.String(pemBlock("PRIVATE KEY", []byte("c4nary")))}, "tls_client_key: not a private key in PEM"},
		{Options{ClientCert: cert, ClientKey: secret.String(pemBlock("ENCRYPTED PRIVATE KEY", []byte("c4nary")))},
			"tls_client_key: encrypted with a passphrase: store it decrypted, Vault encrypts it"},
	} {
		_, err := New(c.options)
		require.EqualError(t, err, c.want)
	}
	// What openssl writes round a certificate is no mistake.
	_, err := New(Options{CACert: "subject=CN = x\n" + strings.ReplaceAll(cert, "\n", "\r\n") + "\n\nissuer=...\n"})
	require.NoError(t, err)
}
