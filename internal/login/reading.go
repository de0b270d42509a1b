// SPDX-License-Identifier: MPL-2.0

package login

import (
	"encoding/json"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	maxLife     = maxDuration // of a token; more is taken for a mistake
	maxTimeText = 64          // characters of a time in an answer
)

// reading is a way to write when a token ends. read returns no time if the text
// is not written that way.
type reading struct {
	name, words string
	read        func(text string, at time.Time) life

	// A number from here on is probably meant as another reading.
	from    float64
	instead string
}

// readings is every way; the first is the default.
func readings() []reading {
	relative := func(unit time.Duration) func(string, time.Time) life {
		return func(text string, at time.Time) life { return readRelative(text, unit, at) }
	}
	absolute := func(unit time.Duration) func(string, time.Time) life {
		return func(text string, at time.Time) life { return readUnix(text, unit, at) }
	}
	return []reading{
		{name: "seconds", words: "a number of seconds", read: relative(time.Second), from: 1e9, instead: "unix"},
		{name: "milliseconds", words: "a number of milliseconds", read: relative(time.Millisecond)},
		{name: "minutes", words: "a number of minutes", read: relative(time.Minute)},
		{name: "hours", words: "a number of hours", read: relative(time.Hour)},
		{name: "duration", words: "a duration", read: readDuration},
		{name: "date", words: "a date", read: readDate},
		{name: "unix", words: "seconds since 1970", read: absolute(time.Second), from: 1e11, instead: "unix_milliseconds"},
		{name: "unix_milliseconds", words: "milliseconds since 1970", read: absolute(time.Millisecond)},
	}
}

// another returns a note if a number is probably not meant in this reading.
func (r reading) another(text string) string {
	if whole, _, ok := number(text); ok && r.instead != "" && whole >= r.from {
		return `; if it is meant as ` + r.instead + `, write "as": "` + r.instead + `"`
	}
	return ""
}

var numeric = regexp.MustCompile(`^[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?$`)

// numberText returns the text of a number, or of a text that is one.
func numberText(value any) (string, bool) {
	text := ""
	switch v := value.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = strings.TrimSpace(v)
	}
	return text, len(text) <= maxTimeText && numeric.MatchString(text)
}

// number returns a number's whole part and its fraction. One that is too large
// for a float is infinite.
func number(text string) (whole, fraction float64, ok bool) {
	if !numeric.MatchString(text) {
		return 0, 0, false
	}
	value, _ := strconv.ParseFloat(text, 64)
	if math.IsInf(value, 0) {
		return value, 0, true
	}
	whole, fraction = math.Modf(value)
	return whole, fraction, true
}

func readRelative(text string, unit time.Duration, at time.Time) life {
	whole, fraction, ok := number(text)
	if !ok {
		return life{}
	}
	if whole*unit.Seconds() > maxLife.Seconds() {
		return longLife(at)
	}
	if whole < 0 || fraction < 0 {
		whole, fraction = 0, 0
	}
	return afterwards(time.Duration(whole)*unit+time.Duration(fraction*float64(unit)), at)
}

// afterwards is a life that begins at a time. What has ended already ends then.
func afterwards(length time.Duration, at time.Time) life {
	if length > maxLife {
		return longLife(at)
	}
	return life{expires: at.Add(max(length, 0)).UTC()}
}

func longLife(at time.Time) life {
	return life{expires: at.Add(maxLife).UTC(), warning: "expires: the answer says more than ten years; the engine takes it as ten years"}
}

func readUnix(text string, unit time.Duration, at time.Time) life {
	whole, fraction, ok := number(text)
	if !ok {
		return life{}
	}
	seconds := whole * unit.Seconds()
	switch {
	case seconds > float64(at.Unix())+maxLife.Seconds()+1:
		return longLife(at)
	case seconds < float64(at.Unix())-1:
		return past(at)
	}
	when := time.Unix(int64(whole), 0)
	if unit == time.Millisecond {
		when = time.UnixMilli(int64(whole))
	}
	return until(when.Add(time.Duration(fraction*float64(unit))), at)
}

// until is a life that ends at a time.
func until(when, at time.Time) life {
	switch {
	case when.Before(at):
		return past(at)
	case when.After(at.Add(maxLife)):
		return longLife(at)
	}
	return life{expires: when.UTC()}
}

func past(at time.Time) life {
	return life{
		expires: at.UTC(),
		warning: "expires: the answer names a time before the request; compare the clocks of this machine and the server",
	}
}

var clockTime = regexp.MustCompile(`^([0-9]{1,9}):([0-5][0-9]):([0-5][0-9](?:\.[0-9]+)?)$`)

// readDuration reads hours:minutes:seconds or Go's syntax.
func readDuration(text string, at time.Time) life {
	if fields := clockTime.FindStringSubmatch(text); fields != nil {
		hours, _ := strconv.Atoi(fields[1])
		minutes, _ := strconv.Atoi(fields[2])
		seconds, _ := strconv.ParseFloat(fields[3], 64)
		if time.Duration(hours) > maxLife/time.Hour {
			return longLife(at)
		}
		return afterwards(time.Duration(hours)*time.Hour+time.Duration(minutes)*time.Minute+time.Duration(math.Round(seconds*1e9)), at)
	}
	length, err := time.ParseDuration(text)
	if err != nil || numeric.MatchString(text) {
		return life{}
	}
	return afterwards(length, at)
}

// dateLayouts are RFC 3339 and its near kin. time.Parse takes fractions of any
// length behind the seconds.
func dateLayouts() []string {
	return []string{
		time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04:05",
		"2006-01-02T15:04Z07:00", "2006-01-02T15:04Z0700", "2006-01-02T15:04", time.RFC1123Z,
	}
}

func readDate(text string, at time.Time) life {
	tidy := text
	if len(tidy) > 10 && strings.IndexByte(" tT", tidy[10]) >= 0 && tidy[4] == '-' {
		tidy = tidy[:10] + "T" + strings.ToUpper(tidy[11:])
		for _, zone := range []string{"UTC", "GMT"} {
			tidy = strings.TrimSuffix(tidy, zone)
		}
		tidy = strings.ReplaceAll(tidy, " ", "")
	}
	for _, layout := range dateLayouts() {
		if when, err := time.Parse(layout, tidy); err == nil {
			return until(when, at)
		}
	}
	if when, err := http.ParseTime(text); err == nil {
		return until(when, at)
	}
	return life{}
}
