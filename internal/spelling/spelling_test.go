// SPDX-License-Identifier: MPL-2.0

package spelling

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "abc", 3}, {"scope", "scopes", 1}, {"secert", "secret", 2}, {"jsn", "json", 1}, {"kitten", "sitting", 3},
	} {
		require.Equal(t, c.want, Distance(c.a, c.b), c)
		require.Equal(t, c.want, Distance(c.b, c.a), c)
	}
}
