// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/netip"
	"strings"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

func tlsConfig(o Options) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: o.ServerName}
	if o.ServerName != "" && !isServerName(o.ServerName) {
		return nil, errors.New("tls_server_name: neither a host name nor an IP address")
	}
	if o.CACert != "" {
		roots, err := certificates("ca_cert", o.CACert)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		for _, root := range roots {
			config.RootCAs.AddCert(root)
		}
	}
	if o.ClientCert != "" || o.ClientKey.IsSet() {
		pair, err := clientCertificate(o.ClientCert, o.ClientKey)
		if err != nil {
			return nil, err
		}
		// Presented whatever authorities the server lists: a self-signed one (RFC
		// 8705 section 2.2) is issued by none of them.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair, nil }
	}
	return config, nil
}

func clientCertificate(certPEM string, key secret.String) (*tls.Certificate, error) {
	switch {
	case certPEM == "":
		return nil, errors.New("tls_client_cert: missing, and tls_client_key is set")
	case !key.IsSet():
		return nil, errors.New("tls_client_key: missing, and tls_client_cert is set")
	}
	if _, err := certificates("tls_client_cert", certPEM); err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair([]byte(certPEM), []byte(key.Reveal()))
	switch {
	case err == nil:
		return &pair, nil
	case strings.Contains(err.Error(), "does not match"): // crypto/tls has no error value for it
		return nil, errors.New("tls_client_key does not match tls_client_cert")
	case strings.Contains(key.Reveal(), "ENCRYPTED"):
		return nil, errors.New("tls_client_key: encrypted with a passphrase: store it decrypted, Vault encrypts it")
	}
	return nil, errors.New("tls_client_key: not a private key in PEM")
}

// certificates is strict where x509.CertPool skips what it cannot read.
func certificates(field, text string) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	rest := []byte(text)
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, errors.New(field + ": holds a PEM block that is not a certificate")
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.New(field + ": a certificate does not parse")
		}
		certs = append(certs, cert)
	}
	switch {
	case bytes.Contains(rest, []byte("-----BEGIN")):
		return nil, errors.New(field + ": a PEM block is damaged or incomplete")
	case len(certs) == 0:
		return nil, errors.New(field + ": no PEM certificate found")
	}
	return certs, nil
}

func isServerName(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil || isName(strings.ToLower(s))
}
