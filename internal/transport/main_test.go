// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"context"
	"net"
	"os"
	"testing"
)

// TestMain makes package net read the system's resolver configuration here: it
// does so once, and a channel that it made inside a synctest bubble would be
// fatal to every look-up outside.
func TestMain(m *testing.M) {
	_, _ = (&net.Resolver{PreferGo: true}).LookupHost(context.Background(), "localhost")
	os.Exit(m.Run())
}
