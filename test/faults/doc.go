// SPDX-License-Identifier: MPL-2.0

// Package faults breaks the connection between the engine and a server in every way that was thought of, and holds the engine
// against what it promises then: no expired token is served, a good one goes on being served with a warning, a failed read says
// what happened and tells no secret, nobody waits for somebody else's server, and when the fault is gone the role works again,
// with the newest refresh token that could have arrived.
//
// The engine is a black box here: a mount made by its factory, requests to it, and a real authorization server behind a proxy
// (proxy_test.go). The faults are tables: connections_test.go has those of the connection, answers_test.go those of the answer.
// To add a fault, add a row: stories_test.go takes it through each way to obtain a token. truncation_test.go cuts an answer at
// every byte; order_test.go is about refresh tokens.
//
// A host has so many places for readers, and after 20 failures in a row it is asked now and then only. Another port is another
// host, so a test that breaks many exchanges spreads them over mounts, each with a proxy and places of its own.
//
//	go test -race ./test/faults            # a minute; -short leaves out what is alike
//	go test ./test/faults -run Connections/reset_at_once/password -v
package faults
