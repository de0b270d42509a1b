// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// wire watches whether a request has begun to go out: from then on the server
// may have acted on it.
type wire struct {
	wrote      atomic.Bool
	repeatable bool // net/http may send the request again although it has gone out
}

// on returns a context that reports to w. WroteHeaders is traced before any of the
// body leaves, without which nobody can act, so w errs on the safe side only.
// GetConn starts over: net/http asks for another connection only if nothing of
// the request went over the last one, or the request is repeatable.
func (w *wire) on(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { w.wrote.Store(w.wrote.Load() && w.repeatable) },
		WroteHeaders: func() { w.wrote.Store(true) },
	})
}

func (w *wire) written() bool { return w.wrote.Load() }

// repeatable tells whether net/http may repeat a request of the method.
func repeatable(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// Errors of internal/transport, known by what they can say.
type (
	guardError interface {
		error
		GuardReason() string // the address guard refused the destination
		Setting() string     // what can allow it; "" if nothing can
	}
	tooLargeError interface {
		error
		BodyTooLarge() bool // the answer is over the limit
	}
	wordedError interface {
		error
		Worded() string // a text that quotes nothing
	}
)

// failure classifies an error of net/http. It uses nothing of the error's text, which
// quotes the URL.
func failure(ctx context.Context, host string, err error, wrote bool, took time.Duration) *Error {
	e := &Error{Kind: Unreachable, Host: host}
	if wrote {
		e.Kind = Ambiguous
	}
	if guard, ok := errors.AsType[guardError](err); ok {
		e.Kind, e.Reason, e.Setting = Forbidden, guard.GuardReason(), guard.Setting()
		return e
	}
	if large, ok := errors.AsType[tooLargeError](err); ok && large.BodyTooLarge() {
		e.Kind, e.Reason = Malformed, "the answer is larger than allowed"
		return e
	}
	switch ctx.Err() { // its cause may be anybody's error
	case context.Canceled:
		e.Reason = "cancelled"
		return e
	case context.DeadlineExceeded:
		err = context.DeadlineExceeded
	}
	if refusedCertificate(err) { // in TLS 1.3 this comes after our first flight, with the request in it
		e.Kind, e.Reason = Unreachable, "the server did not accept our TLS client certificate"
		return e
	}
	if e.Reason = tlsReason(err); e.Reason == "" {
		e.Reason = connectionReason(err, wrote, took)
	}
	return e
}

// token turns an answer into a token or an error. broken is what cut it off, if
// anything did.
func (a *Answer) token(broken *Error) (*Token, *Error) {
	if a.Status/100 == 3 {
		return nil, a.Redirected()
	}
	token, failed := parseToken(a, a.scrub)
	if broken != nil {
		return a.salvage(token, failed, broken)
	}
	return token, failed
}

// salvage decides about an answer whose body could not be read to its end. A whole
// JSON object counts as a whole answer, wherever the connection broke. An answer
// that is too large does not count. An error keeps its kind if it has a code or a
// status that is enough to go by.
func (a *Answer) salvage(token *Token, failed, broken *Error) (*Token, *Error) {
	broken.Status = a.Status
	switch {
	case broken.Kind == Malformed && a.Status/100 == 2: // too large
		return nil, broken.leaving(a.early())
	case token != nil:
		return token, nil
	case failed.Kind == Unavailable, failed.Kind == Refused && (failed.Code != "" || broken.Kind == Malformed):
		return nil, failed
	}
	broken.RefreshToken, broken.RefreshEnds = failed.RefreshToken, failed.RefreshEnds
	return nil, broken
}

func tlsReason(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "certificate signed by unknown authority"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the certificate is for another name"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired {
			return "the certificate has expired or is not yet valid"
		}
		return "the certificate is not valid"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the certificate is not valid"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return "the server does not speak TLS there"
	}
	if remote, ok := errors.AsType[*net.OpError](err); ok && remote.Op == "remote error" {
		return "the server broke off TLS"
	}
	return ""
}

// refusedCertificate recognises the alerts about our certificate. crypto/tls
// exports no type for them, only their texts.
func refusedCertificate(err error) bool {
	remote, ok := errors.AsType[*net.OpError](err)
	return ok && remote.Op == "remote error" && strings.Contains(remote.Err.Error(), "certificate")
}

func connectionReason(err error, wrote bool, took time.Duration) string {
	if worded, ok := errors.AsType[wordedError](err); ok {
		return worded.Worded()
	}
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		if name.IsNotFound {
			return "the name does not resolve"
		}
		return "the name could not be looked up"
	}
	if timed, ok := errors.AsType[net.Error](err); ok && timed.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		if wrote {
			return "no answer" + within(took)
		}
		return "no connection" + within(took)
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED):
		return "connection reset"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to the host"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return "the server closed the connection"
	case wrote:
		return "the answer could not be read"
	}
	return "the connection failed"
}

func within(took time.Duration) string {
	unit := time.Second
	if took < time.Second {
		unit = time.Millisecond
	}
	if took = took.Truncate(unit); took == 0 {
		return " in time"
	}
	return fmt.Sprintf(" within %v", took)
}
