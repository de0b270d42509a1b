// SPDX-License-Identifier: MPL-2.0

// Command demo is what the demo and the end-to-end stories ask for tokens: an authorization server, ory/fosite with a memory
// store, so that the engine is tried against a server that was not written with it; and, if it is given an account, an API
// whose login is no OAuth, on a port of its own. Both listen on the loopback interface only.
//
// It prints one JSON line, {"url": ..., "login_url": ..., "ca_cert": ...}, when it is ready, and ends when its standard
// input closes or on SIGTERM, so that it never outlives what started it.
//
// Three more uses spare the demo's script other tools: "demo get URL [HEADER]" prints what a GET answers, "demo port" a
// free port, and "demo guard COMMAND" runs a command that must not outlive the script either.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := choose(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
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
	return serve(ctx, args, os.Stdin, os.Stdout)
}

// serve answers until ctx ends or stdin closes.
func serve(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	opts, err := parse(args)
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
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		io.Copy(io.Discard, stdin) //nolint:errcheck // an error ends the wait as the end of file does
	}()
	ended := make(chan error)
	for _, site := range sites {
		server := &http.Server{Handler: site.handler, ReadHeaderTimeout: 10 * time.Second}
		go func() {
			defer cancel() // if one ends, all end
			ended <- server.Serve(site.listener)
		}()
		go func() {
			<-ctx.Done()
			server.Close()
		}()
	}
	for range sites {
		if serveErr := <-ended; !errors.Is(serveErr, http.ErrServerClosed) {
			err = errors.Join(err, serveErr)
		}
	}
	return err
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
		printed.LoginURL, err = add("127.0.0.1:0", newLoginAPI(opts))
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
