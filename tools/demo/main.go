// SPDX-License-Identifier: MPL-2.0

// Command demo is the authorization server of the demo and of the end-to-end stories: ory/fosite with a memory store, so
// that the engine is tried against a server that was not written with it. It listens on the loopback interface only.
//
// It prints one JSON line, {"url": ..., "ca_cert": ...}, when it is ready, and ends when its standard input closes or on
// SIGTERM, so that it never outlives what started it.
//
// Two more uses spare the demo's script other tools: "demo get URL [HEADER]" prints what a GET answers, and "demo port" a
// free port.
package main

import (
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
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
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
	listener, ready, err := listen(opts)
	if err != nil {
		return err
	}
	handler, err := newServer(opts)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(stdout).Encode(ready); err != nil {
		return err
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		io.Copy(io.Discard, stdin) //nolint:errcheck // an error ends the wait as the end of file does
	}()
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// options is what the command line says.
type options struct {
	addr            string
	tls             bool
	clients         pairs
	publicClients   list
	users           pairs
	scopes          list
	audiences       list
	lifetime        time.Duration
	refreshLifetime time.Duration
	record          string
}

func parse(args []string) (options, error) {
	opts := options{scopes: list{"read", "write"}}
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.StringVar(&opts.addr, "addr", "127.0.0.1:0", "address to listen on, loopback only; port 0 lets the kernel choose")
	flags.BoolVar(&opts.tls, "tls", false, "serve HTTPS with a certificate made at start; its CA is in the line printed")
	flags.Var(&opts.clients, "client", "confidential client, as `id:secret`; repeatable")
	flags.Var(&opts.publicClients, "public-client", "`id` of a client without a secret; repeatable")
	flags.Var(&opts.users, "user", "user for the password grant, as `name:password`; repeatable")
	flags.Var(&opts.scopes, "scopes", "`scopes` that clients may ask for, separated by spaces")
	flags.Var(&opts.audiences, "audiences", "`audiences` that clients may ask for, separated by spaces")
	flags.DurationVar(&opts.lifetime, "lifetime", time.Hour, "life of an access token")
	flags.DurationVar(&opts.refreshLifetime, "refresh-lifetime", 24*time.Hour, "life of a refresh token")
	flags.StringVar(&opts.record, "record", "", "append every token issued to `file`, for tests that search logs for them")
	if err := flags.Parse(args); err != nil {
		return opts, err
	}
	if flags.NArg() > 0 {
		return opts, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return opts, nil
}

// ready is the line printed when the server answers.
type ready struct {
	URL    string `json:"url"`
	CACert string `json:"ca_cert,omitempty"`
}

func listen(opts options) (net.Listener, ready, error) {
	listener, err := net.Listen("tcp", opts.addr)
	if err != nil {
		return nil, ready{}, err
	}
	if addr := listener.Addr().(*net.TCPAddr); !addr.IP.IsLoopback() {
		listener.Close()
		return nil, ready{}, fmt.Errorf("%s is not a loopback address: this server is for demonstrations only", addr.IP)
	}
	address := listener.Addr().String()
	if !opts.tls {
		return listener, ready{URL: "http://" + address}, nil
	}
	config, caCert, err := selfIssued()
	if err != nil {
		listener.Close()
		return nil, ready{}, err
	}
	return tls.NewListener(listener, config), ready{URL: "https://" + address, CACert: caCert}, nil
}

// pairs is a repeatable flag of the form name:value; the value may hold colons.
type pairs map[string]string

func (p *pairs) String() string { return "" }

func (p *pairs) Set(s string) error {
	name, value, found := strings.Cut(s, ":")
	if !found || name == "" || value == "" {
		return errors.New("want name:value")
	}
	if *p == nil {
		*p = pairs{}
	}
	(*p)[name] = value
	return nil
}

// list is a flag of words separated by spaces; the first use replaces the default.
type list []string

func (l *list) String() string { return strings.Join(*l, " ") }

func (l *list) Set(s string) error {
	*l = strings.Fields(s)
	return nil
}
