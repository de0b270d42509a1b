// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
)

var (
	// ErrBodyTooLarge is what reading an answer fails with once its body, after
	// decompression, is over the limit. What was read before is not the answer.
	ErrBodyTooLarge error = bodyTooLarge{"the answer's body is over 1 MiB"}
	// ErrHeaderTooLarge says that the answer's header is over the limit.
	ErrHeaderTooLarge error = ownWords("the answer's header is over 64 KiB")
	// ErrClosedAfterHandshake is how a refused client certificate shows with TLS
	// 1.3, where the server looks at it after our side of the handshake.
	ErrClosedAfterHandshake error = ownWords("the server closed the connection after the TLS handshake: it may want a client certificate, or another one")
	// ErrNotHTTP stands for the errors of net/http that quote what the server
	// sent, which may be the secret that we sent it.
	ErrNotHTTP error = ownWords("the answer is not valid HTTP, or was broken off")
)

// ownWords is an error that this package worded.
type ownWords string

// Error implements error.
func (e ownWords) Error() string { return string(e) }

// Worded marks the error for those who do not import this package, and returns
// its text, which quotes nothing.
func (e ownWords) Worded() string { return string(e) }

// bodyTooLarge can be told by those who do not import this package.
type bodyTooLarge struct{ ownWords }

// BodyTooLarge marks the error.
func (bodyTooLarge) BodyTooLarge() bool { return true }

// withoutQuotes lets errors pass that are known to quote nothing received: a
// server may echo a secret in a broken status line, header or trailer.
func withoutQuotes(err error) error {
	text := err.Error()
	switch {
	// net/http has no error value for these.
	case strings.Contains(text, "server response headers exceeded"),
		strings.Contains(text, "response header list larger than advertised limit"):
		return ErrHeaderTooLarge
	case text == "http2: client conn could not be established":
		return ErrClosedAfterHandshake
	case isOurs(err), isNetwork(err), isTLS(err), slices.Contains(fixedTexts, text):
		return err
	default:
		return ErrNotHTTP
	}
}

// fixedTexts are errors of net/http that have no type, and say that the server
// ended the connection.
var fixedTexts = []string{"http: server closed idle connection", "http2: client connection lost", "http2: client conn is closed"}

func isOurs(err error) bool {
	_, guard := errors.AsType[*GuardError](err)
	_, own := errors.AsType[ownWords](err)
	return guard || own
}

// isNetwork: dialling, name resolution, timeouts, resets, cancellation.
func isNetwork(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, context.Canceled) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// isTLS: crypto/tls quotes certificates at most, which are public.
func isTLS(err error) bool {
	_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	return unverified || notTLS || errors.Is(err, http.ErrSchemeMismatch) ||
		strings.HasPrefix(err.Error(), "tls: ")
}
