// SPDX-License-Identifier: MPL-2.0

// Command demo, which is built as authserver, is what the demo and the end-to-end stories ask for tokens: an authorization server, ory/fosite with a memory
// store, so that the engine is tried against a server that was not written with it; and, if it is given an account, an API
// whose login is no OAuth, on a port of its own. Both listen on the loopback interface only.
//
// It prints one JSON line, {"url": ..., "login_url": ..., "ca_cert": ...}, when it is ready, and ends when its standard
// input closes or on SIGTERM, so that it never outlives what started it. It says on stderr which of them it was.
//
// Three more uses spare the demo's script other tools: "authserver get URL [HEADER]" prints what a GET answers, "authserver
// port" a free port, and "authserver guard COMMAND" runs a command that must not outlive the script either.
package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// name is what everything here builds and calls it.
const name = "authserver"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	signal.Ignore(syscall.SIGTTIN) // "authserver &" in a terminal goes on, see hungUp
	if err := choose(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

func choose(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "get":
			return get(ctx, args[1:], os.Stdout)
		case "port":
			return port(os.Stdout)
		case "guard":
			return guard(ctx, args[1:], os.Stdin, os.Stdout)
		}
	}
	return serve(ctx, args, os.Stdin, os.Stdout, os.Stderr)
}

var errHungUp = errors.New("its standard input has closed; \"" + name + " -h\" says how to run it without a terminal")

// serve answers until ctx ends or stdin closes, and says on stderr which it was.
func serve(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	opts, err := parse(args, stdout)
	if err != nil {
		return err
	}
	sites, printed, err := open(opts)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(stdout).Encode(printed); err != nil {
		return err
	}
	ended, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		if hungUp(stdin) {
			cancel(errHungUp)
		}
	}()
	served := make(chan error)
	for _, site := range sites {
		server := &http.Server{Handler: site.handler, ReadHeaderTimeout: 10 * time.Second}
		go func() {
			err := server.Serve(site.listener)
			cancel(err) // if one ends, all end
			served <- err
		}()
		go func() {
			<-ended.Done()
			server.Close()
		}()
	}
	for range sites {
		if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
			err = errors.Join(err, serveErr)
		}
	}
	if err == nil {
		fmt.Fprintf(stderr, "%s ends: %v\n", name, context.Cause(ended))
	}
	return err
}

// hungUp waits for the end of stdin. It returns false for a terminal that this process may not read, being in its background: a
// shell that closes says so with SIGHUP.
func hungUp(stdin io.Reader) bool {
	_, err := io.Copy(io.Discard, stdin)
	return !errors.Is(err, syscall.EIO)
}

// ready is the line printed when the servers answer.
type ready struct {
	URL      string `json:"url"`
	LoginURL string `json:"login_url,omitempty"` // the API with a login of its own, if it has an account
	CACert   string `json:"ca_cert,omitempty"`
}

// site is a port and what answers there.
type site struct {
	listener net.Listener
	handler  http.Handler
}

func open(opts options) (sites []site, printed ready, err error) {
	defer func() {
		if err != nil {
			for _, site := range sites {
				site.listener.Close()
			}
		}
	}()
	var config *tls.Config
	if opts.tls {
		if config, printed.CACert, err = selfIssued(); err != nil {
			return sites, printed, err
		}
	}
	add := func(addr string, handler http.Handler) (url string, err error) {
		listener, url, err := listen(addr, config)
		if err == nil {
			sites = append(sites, site{listener, handler})
		}
		return url, err
	}
	server, err := newServer(opts)
	if err != nil {
		return sites, printed, err
	}
	if printed.URL, err = add(opts.addr, server); err != nil {
		return sites, printed, err
	}
	if len(opts.accounts) > 0 {
		printed.LoginURL, err = add(cmp.Or(opts.loginAddr, "127.0.0.1:0"), newLoginAPI(opts))
	}
	return sites, printed, err
}

// listen serves HTTPS if there is a configuration for it.
func listen(addr string, config *tls.Config) (listener net.Listener, url string, err error) {
	listener, err = net.Listen("tcp", addr)
	if err != nil {
		return nil, "", err
	}
	if addr := listener.Addr().(*net.TCPAddr); !addr.IP.IsLoopback() {
		listener.Close()
		return nil, "", fmt.Errorf("%s is not a loopback address: this server is for demonstrations only", addr.IP)
	}
	address := listener.Addr().String()
	if config == nil {
		return listener, "http://" + address, nil
	}
	return tls.NewListener(listener, config), "https://" + address, nil
}
