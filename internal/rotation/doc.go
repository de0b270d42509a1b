// SPDX-License-Identifier: MPL-2.0

// Package rotation decides what is done with a refresh token, and in which
// order, so that none is lost: a server that rotates them (RFC 6749 section 6,
// RFC 9700 section 4.14) takes the old one back at the moment when it sends the
// new one, and the answer may get lost on its way. It is pure: its only clock is
// the instants it is given. It knows no server and no storage. A State is stored with the
// token; an Attempt is one renewal, and asks its driver for one Step after another:
//
//	Begin(State) ── another node's intent ──► Wait: until its POST is over ──► Read
//	   │                                                                        │
//	   │◄────────────────────────── nothing has changed ────────────────────────┤
//	   │                                           there is a newer one ──► Adopted
//	   ├── the end of the login is near, and credentials exist ───────────────► LogIn
//	   ▼
//	Write: the intent ── failed ─────────► Stop: nothing was sent
//	   ▼
//	Post, before Intent.PostBefore ── too late ──► Read ──► Write: the intent
//	   │
//	   ├── Answered ─────────────────────► Renewed: save it, then answer the readers
//	   ├── Failed (5xx, 429, not sent) ──► Stop: come back after the ordinary backoff
//	   ├── Unanswered ───────────────────► Wait: +2 s, +8 s ──► Read ──► Write ──► Post the same again
//	   └── Refused (invalid_grant) ──────► Read: has another node been faster?
//	                                         ├── a newer one ──► Adopted
//	                                         ├── credentials ──► LogIn
//	                                         ├── once: Write, Post the previous token
//	                                         ├── Wait: 60 s ──► Read ──► Write ──► Post the current one
//	                                         └── refused again ──► Reauthorize
//
// What is stored passes through these states (State.Health):
//
//	          Granted                              Refused
//	(none) ────────────► healthy ──── intent ───► unanswered ──────────► suspect ─────────► reauth_required
//	                        ▲                         │                     │   refused again,     │
//	                        │        Answered         │                     │   60 s later         │
//	                        └─────────────────────────┴─────────────────────┘                      │
//	                        └────────────────────────── Granted: login, consent, import ───────────┘
//
// No byte of a refresh token is dropped but by an answer that succeeds it, by
// Granted, or with the entry itself.
//
// The intent is the fence against a node that does not know yet that it leads no
// more: its storage refuses the write, so it sends nothing. Where the write of
// such a node still lands after the new leader has read the entry, nobody can
// tell, since Vault's storage compares nothing when it writes. Then two things
// are possible: two POSTs of one grant at a time, and a newer state overwritten
// by an older one. Turn and Over make both as rare and as harmless as they can be; the test
// TestInterleavings counts what remains. A leader whose clock is ahead of its
// predecessor's by d waits d less for the predecessor's POST.
package rotation
