// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/vaulttest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// errViolated says that the table has more.
var errViolated = errors.New("something was lost, or served that should not have been: see the violations above")

// run soaks. The report goes to stdout, what happens meanwhile to progress. A first signal ends the soaking early, and the report is
// of what was seen until then.
func run(ctx context.Context, args []string, stdout, progress io.Writer) (err error) {
	o, err := parse(args)
	if err != nil {
		return err
	}
	dir, err := o.directory()
	if err != nil {
		return err
	}
	defer func() {
		if err == nil && o.keep == "" {
			os.RemoveAll(dir)
			return
		}
		fmt.Fprintf(progress, "Logs and records are in %s. They hold this run's secrets, of no use elsewhere.\n", dir)
	}()
	fmt.Fprintf(progress, "Seed %d: -seed %d throws the same again.\n", o.seed, o.seed)
	b, err := build(ctx, &o, dir, progress)
	if err != nil {
		return err
	}
	v, err := soak(ctx, &o, b, dir, progress)
	if err != nil {
		return err
	}
	if err := v.write(stdout, dir); err != nil {
		return err
	}
	if len(v.Violations) > 0 {
		return errViolated
	}
	return nil
}

// directory is where everything of this run lies. Vault refuses a plugin directory reached by a symbolic link.
func (o *options) directory() (string, error) {
	if o.keep == "" {
		dir, err := os.MkdirTemp("", "soak")
		if err != nil {
			return "", err
		}
		return filepath.EvalSymlinks(dir)
	}
	if err := os.Mkdir(o.keep, 0o700); err != nil {
		return "", err
	}
	dir, err := filepath.Abs(o.keep)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}

// soak starts what is needed, soaks, ends it, and judges.
func soak(ctx context.Context, o *options, b *built, dir string, progress io.Writer) (*verdict, error) {
	book := newBook()
	k, d := newKiller(o, book, o.rng("killer")), &deposer{newKiller(o, book, o.rng("deposer"))}
	s, stop, err := open(ctx, o, b, dir, func(e exchange) { book.heard(e); k.heard(e); d.heard(e) })
	defer stop()
	if err != nil {
		return nil, err
	}
	k.vault, d.vault = s.vault, s.vault
	if err := s.write(ctx); err != nil {
		return nil, fmt.Errorf("setting the engine up: %w", err)
	}
	fmt.Fprintf(progress, "%d roles, %d readers, lives %s, a kill each %s, grace %s: for %s.\n",
		len(s.roles), o.readers, &o.lives, o.kill, o.grace, o.length)
	if o.nodes > 1 {
		fmt.Fprintf(progress, "%d nodes of Vault, which lose their leader each %s.\n", o.nodes, o.stepdown)
	}
	began := time.Now()
	if err := s.play(ctx, o, book, k, d); err != nil {
		return nil, err
	}
	length := time.Since(began)
	fmt.Fprintln(progress, "No more kills. Each role is to answer a read.")
	after := context.WithoutCancel(ctx) // a signal ended the soaking, and not this
	endings := s.settle(after, o)
	if err := s.note(after, endings); err != nil {
		return nil, err
	}
	stop() // what the processes have to say is complete then
	leaks, err := s.leaks(dir)
	if err != nil {
		return nil, err
	}
	v := judge(book.snapshot(), endings, leaks, o.limits)
	v.Seed, v.Duration = o.seed, length.Seconds()
	return v, nil
}

// open starts the servers and Vault; stop ends those that run, also where one did not start.
func open(ctx context.Context, o *options, b *built, dir string, heard func(exchange)) (s *stage, stop func(), err error) {
	s = &stage{roles: plan(o.roles, o.lives), loginURLs: map[time.Duration]string{}, client: &http.Client{Timeout: 30 * time.Second}}
	var ends []func()
	stop = sync.OnceFunc(func() {
		for i := len(ends) - 1; i >= 0; i-- {
			ends[i]()
		}
	})
	if s.provider, err = startProvider(o, dir, heard); err != nil {
		return nil, stop, err
	}
	ends = append(ends, s.provider.process.Stop)
	var accounts []string
	for _, r := range s.roles {
		accounts = append(accounts, r.name)
	}
	for _, life := range o.lives {
		p, url, err := startLogins(b.logins, dir, accounts, life)
		if err != nil {
			return nil, stop, err
		}
		ends = append(ends, p.Stop)
		s.loginURLs[life] = url
	}
	if s.vault, err = startCluster(ctx, o.nodes, b, dir); err != nil {
		return nil, stop, err
	}
	ends = append(ends, s.vault.stop)
	return s, stop, nil
}

// play reads and kills until the time is over, or one of the servers ends.
func (s *stage) play(ctx context.Context, o *options, b *book, k *killer, d *deposer) error {
	ctx, cancel := context.WithTimeout(ctx, o.length)
	defer cancel()
	var wg sync.WaitGroup
	for i := range o.readers {
		rng := o.rng(fmt.Sprint("reader ", i))
		wg.Go(func() { s.read(ctx, o, b, rng) })
	}
	failed := make(chan error, 2)
	for _, run := range []func(context.Context) error{k.run, d.run} {
		wg.Go(func() {
			if err := run(ctx); err != nil {
				failed <- err
			}
		})
	}
	var err error
	select {
	case <-ctx.Done():
	case <-s.vault.died:
		err = errors.New("the Vault server has ended by itself: see its log")
	case <-s.provider.process.Ended():
		err = errors.New("the provider has ended by itself: see its log")
	case err = <-failed:
	}
	cancel()
	wg.Wait() // a node that was killed is back then
	if err == nil && len(failed) > 0 {
		err = <-failed
	}
	return err
}

// leaks searches what Vault, its audit log, the plugin (whose output is in Vault's log) and the servers' complaints say.
func (s *stage) leaks(dir string) ([]string, error) {
	search := newSecrets()
	for _, record := range []string{s.provider.record, filepath.Join(dir, "logins.txt")} {
		if err := search.addRecord(record); err != nil {
			return nil, err
		}
	}
	if err := search.add("password", password); err != nil {
		return nil, err
	}
	for _, r := range s.roles {
		if err := search.add("client_secret of "+clientID(r.life), clientSecret(clientID(r.life))); err != nil {
			return nil, err
		}
	}
	server, err := search.files(s.vault.logs((*vaulttest.Server).ServerLog), vaulttest.PluginName)
	if err != nil {
		return nil, err
	}
	audit, err := search.files(s.vault.logs((*vaulttest.Server).AuditLog), mountPath+"/token/")
	return append(server, audit...), err
}
