// SPDX-License-Identifier: MPL-2.0

package refresh

import "time"

// Kind says what became of a renewal, as far as it decides what to do next.
type Kind int

const (
	// Failed: it may be transient: the server is down, broke off, or answered
	// 5xx. The key backs off; the host's breaker counts.
	Failed Kind = iota
	// Throttled: 429, 503 or a timeout. As Failed, and the host's limit is halved.
	Throttled
	// Renewed: the server gave a token. If no Put with a later due instant came
	// of it (some servers hand back the same token), the key backs off.
	Renewed
	// Unneeded: nothing was sent, as somebody else had done it or this node may
	// not write. As Renewed, but it tells nothing about the host.
	Unneeded
	// Refused: the server works and said no. A person may have to fix the cause,
	// so the key waits for minutes.
	Refused
	// Stopped: the server said no for good. Nothing more until the next Put.
	Stopped
	// Gone: the key has ceased to exist.
	Gone

	panicked // Run did not return
)

// String returns the kind in lower case, for logs and metrics.
func (k Kind) String() string {
	switch k {
	case Failed:
		return "failed"
	case Throttled:
		return "throttled"
	case Renewed:
		return "renewed"
	case Unneeded:
		return "unneeded"
	case Refused:
		return "refused"
	case Stopped:
		return "stopped"
	case Gone:
		return "gone"
	case panicked:
		return "panicked"
	}
	return "unknown"
}

// Outcome is what Run, or a foreground exchange, came to.
type Outcome struct {
	Kind Kind
	// Code names a failure in the status: an OAuth error code or a class of
	// errors. It must hold no secret.
	Code string
	// RetryAfter, if positive, is the wait that the server asked for, or that
	// the owner knows better. It counts after all kinds that may leave the token as it was.
	RetryAfter time.Duration
	// Silent: this says nothing about the host, as if nothing was sent.
	Silent bool
}

// alive tells whether the server processed the request and answered it.
func (k Kind) alive() bool { return k == Renewed || k == Refused || k == Stopped }

// down tells whether the server failed to answer the request.
func (k Kind) down() bool { return k == Failed || k == Throttled }
