// SPDX-License-Identifier: MPL-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

const usage = `authserver is an authorization server for trials: OAuth 2.0 (client credentials, password, refresh token) at /token, and with
-account an API that has a login of its own, on another port. Both know tokens in memory only, and listen on the loopback interface only.

  authserver [FLAGS]                  serve; prints one line of JSON with the addresses when it is ready
  authserver get URL [HEADER]         print what a GET answers; HEADER is "Name: value"
  authserver port                     print a port that is free
  authserver guard COMMAND [ARG...]   run a command that ends when the standard input closes

GET /api/whoami wants a token as bearer and says whose it is, on either port. GET /stats says what was asked so far.

It ends on Ctrl-C or SIGTERM, and when its standard input closes, so that it cannot outlive what started it. Where there is no terminal,
give it an input that stays open, for instance for an hour:

  sleep 3600 | authserver FLAGS

Flags:
`

// options is what the command line says.
type options struct {
	addr            string
	tls             bool
	clients         pairs
	clientLifetimes lives
	publicClients   list
	users           pairs
	scopes          list
	audiences       list
	lifetime        time.Duration
	refreshLifetime time.Duration
	accounts        pairs
	accountLifetime time.Duration
	accountSession  time.Duration
	loginAddr       string
	record          string
}

// parse returns flag.ErrHelp when it was asked how it is used, which it then prints.
func parse(args []string, stdout io.Writer) (options, error) {
	opts := options{scopes: list{"read", "write"}}
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main prints errors
	flags.StringVar(&opts.addr, "addr", "127.0.0.1:0", "address to listen on, loopback only; port 0 lets the kernel choose")
	flags.BoolVar(&opts.tls, "tls", false, "serve HTTPS with a certificate made at start; its CA is in the line printed")
	flags.Var(&opts.clients, "client", "confidential client, as `id:secret`; repeatable")
	flags.Var(&opts.clientLifetimes, "client-lifetime", "life of the access tokens of one client, as `id:duration`; repeatable")
	flags.Var(&opts.publicClients, "public-client", "`id` of a client without a secret; repeatable")
	flags.Var(&opts.users, "user", "user for the password grant, as `name:password`; repeatable")
	flags.Var(&opts.scopes, "scopes", "`scopes` that clients may ask for, separated by spaces")
	flags.Var(&opts.audiences, "audiences", "`audiences` that clients may ask for, separated by spaces")
	flags.DurationVar(&opts.lifetime, "lifetime", time.Hour, "life of an access token")
	flags.DurationVar(&opts.refreshLifetime, "refresh-lifetime", 24*time.Hour, "life of a refresh token")
	flags.Var(&opts.accounts, "account", "account of the API with a login that is no OAuth, as `name:password`; repeatable")
	flags.DurationVar(&opts.accountLifetime, "account-lifetime", 8*time.Hour, "life of that API's tokens")
	flags.DurationVar(&opts.accountSession, "account-session", 0, "have that API give refresh tokens, which all end so long after the login")
	flags.StringVar(&opts.loginAddr, "login-addr", "", "address of that API on the loopback interface; if left out, a port that the kernel chooses")
	flags.StringVar(&opts.record, "record", "", "append every token issued to `file`, for tests that search logs for them")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		flags.SetOutput(stdout)
		flags.PrintDefaults()
		return opts, err
	case err != nil:
		return opts, fmt.Errorf("%w; %s -h lists the flags", err, name)
	case opts.loginAddr != "" && len(opts.accounts) == 0:
		return opts, errors.New("-login-addr is for an API that has accounts: give -account too")
	case flags.NArg() > 0:
		return opts, fmt.Errorf("unexpected argument %q; %s -h says how it is used", flags.Arg(0), name)
	}
	return opts, nil
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

// lives is a repeatable flag of the form name:duration.
type lives map[string]time.Duration

func (l *lives) String() string { return "" }

func (l *lives) Set(s string) error {
	name, value, _ := strings.Cut(s, ":")
	life, err := time.ParseDuration(value)
	if err != nil || name == "" || life <= 0 {
		return errors.New("want name:duration, such as app:20s")
	}
	if *l == nil {
		*l = lives{}
	}
	(*l)[name] = life
	return nil
}
