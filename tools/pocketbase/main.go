// SPDX-License-Identifier: MPL-2.0

// Command pocketbase is PocketBase with one user, for the end-to-end stories: an API whose login was not written with the
// engine. It listens on the loopback interface only.
//
// It prints one JSON line, {"url": ...}, when it is ready, and ends when its standard input closes or on SIGTERM, so that
// it never outlives what started it.
package main

import (
	"context"
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

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "pocketbase:", err)
		os.Exit(1)
	}
}

// serve answers until ctx ends or stdin closes.
func serve(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	opts, err := parse(args)
	if err != nil {
		return err
	}
	listener, err := listen(opts.addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	s, err := newServer(opts)
	if err != nil {
		return err
	}
	defer s.close()
	if err := json.NewEncoder(stdout).Encode(ready{URL: "http://" + listener.Addr().String()}); err != nil {
		return err
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		io.Copy(io.Discard, stdin) //nolint:errcheck // an error ends the wait as the end of file does
	}()
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
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
	addr      string
	data      string
	user      string
	superuser string
	password  string
	lifetime  time.Duration
	record    string
}

func parse(args []string) (options, error) {
	var opts options
	flags := flag.NewFlagSet("pocketbase", flag.ContinueOnError)
	flags.StringVar(&opts.addr, "addr", "127.0.0.1:0", "address to listen on, loopback only; port 0 lets the kernel choose")
	flags.StringVar(&opts.data, "data", "", "`directory` for the database; one that exists keeps its users")
	flags.StringVar(&opts.user, "user", "alice@example.com", "`email` address of the record in the collection users")
	flags.StringVar(&opts.superuser, "superuser", "root@example.com", "`email` address of the superuser")
	flags.StringVar(&opts.password, "password", "", "password of both, 8 characters or more")
	flags.DurationVar(&opts.lifetime, "lifetime", time.Hour, "life of a user's token, 10s or more")
	flags.StringVar(&opts.record, "record", "", "append every token issued to `file`, for tests that search logs for them")
	if err := flags.Parse(args); err != nil {
		return opts, err
	}
	switch {
	case flags.NArg() > 0:
		return opts, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case opts.data == "":
		return opts, errors.New("-data is required")
	}
	return opts, nil
}

// ready is the line printed when the server answers.
type ready struct {
	URL string `json:"url"`
}

func listen(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	if addr := listener.Addr().(*net.TCPAddr); !addr.IP.IsLoopback() {
		listener.Close()
		return nil, fmt.Errorf("%s is not a loopback address: this server is for tests only", addr.IP)
	}
	return listener, nil
}
