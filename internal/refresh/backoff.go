// SPDX-License-Identifier: MPL-2.0

package refresh

import "time"

// backoff is the wait after the attempt'th failure in a row, from 1, of a token
// with so much life remaining: doubled each time, half of it fixed and half
// random, so that those who failed together do not come back together. It is
// never more than a quarter of what remains, so that there are several tries
// until expiry. roll is in [0,1).
func (o *Options) backoff(attempt int, remaining time.Duration, roll float64) time.Duration {
	wait := jitter(doubled(o.FirstBackoff, o.MostBackoff, attempt), roll)
	if remaining > 0 {
		wait = min(wait, remaining/4)
	}
	return max(wait, o.LeastWait)
}

// refusal is the wait after a refusal. A person has to fix the cause, and asking
// the server again does not speed that up. So the token's remaining life does not
// shorten this wait.
func (o *Options) refusal(attempt int, roll float64) time.Duration {
	return max(jitter(doubled(o.FirstRefusal, o.MostRefusal, attempt), roll), o.FirstRefusal)
}

// wait is how long a key waits after a failure. The server's Retry-After wins.
func (o *Options) wait(outcome Outcome, attempt int, remaining time.Duration, roll float64) time.Duration {
	switch {
	case outcome.RetryAfter > 0 && (outcome.Kind.down() || outcome.Kind == Refused || outcome.Kind == Unneeded):
		return min(max(outcome.RetryAfter, o.LeastWait), o.MostRetryAfter)
	case outcome.Kind == Refused:
		return o.refusal(attempt, roll)
	}
	return o.backoff(attempt, remaining, roll)
}

func doubled(first, most time.Duration, attempt int) time.Duration {
	for ; attempt > 1 && first < most; attempt-- {
		first *= 2
	}
	return min(first, most)
}

func jitter(wait time.Duration, roll float64) time.Duration {
	return wait/2 + time.Duration(roll*float64(wait-wait/2))
}
