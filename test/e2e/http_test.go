// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// httpGet: [!] http-get URL HEADER FILE
// asks an API with the header whose value is the file's content, and prints the answer, which must (not) be 2xx.
func httpGet(s *story, ts *testscript.TestScript, want bool, args []string) error {
	if len(args) != 3 {
		return errors.New("usage: [!] http-get URL HEADER FILE")
	}
	req, err := http.NewRequest(http.MethodGet, args[0], nil)
	if err != nil {
		return err
	}
	req.Header.Set(args[1], strings.TrimSpace(ts.ReadFile(args[2])))
	client := http.DefaultClient
	for _, server := range s.servers {
		if strings.HasPrefix(args[0], server.url+"/") {
			client = server.client
		}
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(ts.Stdout(), res.Body); err != nil {
		return err
	}
	if ok := res.StatusCode/100 == 2; ok != want {
		return fmt.Errorf("%s answered %s", args[0], res.Status)
	}
	return nil
}

// concurrentReads: concurrent-reads N PATH
// reads PATH from Vault N times at once. All must succeed; it prints how many different tokens they gave.
func concurrentReads(s *story, ts *testscript.TestScript, _ bool, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: concurrent-reads N PATH")
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	var (
		gate   = make(chan struct{})
		tokens = make([]string, n)
		errs   = make([]error, n)
		wg     sync.WaitGroup
	)
	for i := range n {
		wg.Go(func() {
			<-gate
			tokens[i], errs[i] = s.vault.readToken(args[1])
		})
	}
	close(gate)
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	distinct := map[string]bool{}
	for _, token := range tokens {
		distinct[token] = true
	}
	fmt.Fprintf(ts.Stdout(), "%d answers, %d tokens\n", n, len(distinct))
	return nil
}

// readToken is one GET, without the retries of Vault's own client.
func (v *vaultServer) readToken(path string) (string, error) {
	req, err := http.NewRequest(http.MethodGet, "http://"+v.addr+"/v1/"+path, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("X-Vault-Token", rootToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var answer struct {
		Errors []string `json:"errors"`
		Data   struct {
			AccessToken string `json:"access_token"`
		} `json:"data"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return "", err
	}
	if answer.Data.AccessToken == "" {
		return "", fmt.Errorf("%s: %q", res.Status, answer.Errors)
	}
	return answer.Data.AccessToken, nil
}

// trusting returns a client that trusts one certificate authority.
func trusting(caCert string) (*http.Client, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(caCert)) {
		return nil, errors.New("no certificate in ca_cert")
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}, nil
}

func writeFile(name, text string) error { return os.WriteFile(name, []byte(text), 0o600) }
