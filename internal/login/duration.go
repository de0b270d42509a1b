// SPDX-License-Identifier: MPL-2.0

package login

import (
	"strconv"
	"strings"
	"time"
)

const (
	day         = 24 * time.Hour
	maxDuration = 3650 * day
)

// duration reads a life: Go's syntax with days, or whole seconds.
func (c *compiler) duration(n *node) time.Duration {
	const words = `must be a duration such as "90s", "12h" or "14d", or whole seconds, between 1s and 3650d`
	var length time.Duration
	ok := false
	switch n.kind {
	case isText:
		length, ok = parseDuration(n.text)
	case isNumber:
		seconds, err := strconv.ParseInt(n.text, 10, 64)
		ok = err == nil && seconds <= int64(maxDuration/time.Second)
		length = time.Duration(seconds) * time.Second
	}
	if !ok || length < time.Second || length > maxDuration {
		c.refuse(n, words)
		return 0
	}
	return length
}

// parseDuration reads Go's syntax, with a whole number of days in front.
func parseDuration(text string) (time.Duration, bool) {
	var days int64
	if before, after, found := strings.Cut(text, "d"); found {
		count, err := strconv.ParseUint(before, 10, 16)
		if err != nil || strings.HasPrefix(after, "-") || strings.HasPrefix(after, "+") {
			return 0, false
		}
		if days, text = int64(count), after; text == "" {
			text = "0"
		}
	}
	rest, err := time.ParseDuration(text)
	if err != nil || rest > maxDuration {
		return 0, false
	}
	return time.Duration(days)*day + rest, true
}
