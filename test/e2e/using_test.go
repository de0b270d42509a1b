// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// usingLimit bounds keep-using.
const usingLimit = 4 * time.Minute

// keepUsing: keep-using PATH API STATS PATTERN
// reads a token from Vault and asks the API with it as bearer, again and again, until the page STATS matches. Every
// read and every request must succeed meanwhile.
func keepUsing(s *story, ts *testscript.TestScript, _ bool, args []string) error {
	if len(args) != 4 {
		return errors.New("usage: keep-using PATH API STATS PATTERN")
	}
	done, err := regexp.Compile(args[3])
	if err != nil {
		return err
	}
	uses, tokens := 0, map[string]bool{}
	for end := time.Now().Add(usingLimit); ; time.Sleep(200 * time.Millisecond) {
		token, err := s.vault.readToken(args[0])
		if err != nil {
			return fmt.Errorf("after %d uses: %w", uses, err)
		}
		if _, err := get(args[1], "Bearer "+token); err != nil {
			return fmt.Errorf("after %d uses: %w", uses, err)
		}
		uses++
		tokens[token] = true
		stats, err := get(args[2], "")
		switch {
		case err != nil:
			return err
		case done.MatchString(stats):
			fmt.Fprintf(ts.Stdout(), "%d uses, %d tokens\n%s\n", uses, len(tokens), stats)
			return nil
		case time.Now().After(end):
			return fmt.Errorf("it did not come to that in %s: %s", usingLimit, stats)
		}
	}
}

// get is the body of an answer that is 2xx.
func get(url, authorization string) (string, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("%s answered %s", url, res.Status)
	}
	return string(body), err
}
