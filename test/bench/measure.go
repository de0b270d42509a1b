// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/vaulttest"
)

// sample is one measurement of one path of one plugin.
type sample struct {
	reads     int
	wall      time.Duration
	pluginCPU time.Duration
	vaultCPU  time.Duration
	latencies []time.Duration // sorted
}

// measure takes the rounds in turns, each in an order of its own: what else the
// machine does meets all plugins alike. The first turn only warms up.
func (r *results) measure(ctx context.Context, v *vaulttest.Server, all []target, progress io.Writer) error {
	transport := &http.Transport{MaxIdleConnsPerHost: r.options.clients}
	defer transport.CloseIdleConnections()
	l := &load{client: &http.Client{Transport: transport}, clients: r.options.clients, vault: v}

	type turn struct {
		path   string
		target int
	}
	for round := range r.options.rounds + 1 {
		var turns []turn
		for _, i := range rand.Perm(len(paths)) {
			for _, t := range rand.Perm(len(all)) {
				turns = append(turns, turn{paths[i], t})
			}
		}
		for _, t := range turns {
			target, length := all[t.target], r.options.seconds
			if round == 0 {
				length = min(length, time.Second)
			}
			s, err := l.run(ctx, target, t.path, length)
			if err != nil {
				return fmt.Errorf("%s: %w", target.path(t.path), err)
			}
			if round == 0 {
				continue
			}
			r.add(t.path, target.name, s)
			fmt.Fprintf(progress, "round %d of %d: %s %s: %.0f reads/s, CPU %.0f µs a read in the plugin, %.0f in Vault\n",
				round, r.options.rounds, target.name, t.path, s.rate(), s.perRead(s.pluginCPU), s.perRead(s.vaultCPU))
		}
	}
	return nil
}

func (s *sample) rate() float64 { return float64(s.reads) / s.wall.Seconds() }

// perRead is a time's share of one read, in microseconds.
func (s *sample) perRead(d time.Duration) float64 {
	return float64(d.Nanoseconds()) / 1e3 / float64(s.reads)
}

// percentile of the latencies, in milliseconds; p is in [0, 1).
func (s *sample) percentile(p float64) float64 {
	return float64(s.latencies[int(p*float64(len(s.latencies)))].Nanoseconds()) / 1e6
}

// load is clients that read as fast as they are answered.
type load struct {
	client  *http.Client
	clients int
	vault   *vaulttest.Server
}

func (l *load) run(ctx context.Context, t target, path string, length time.Duration) (*sample, error) {
	vaultBefore, pluginBefore, err := l.cpu(t)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	began := time.Now()
	latencies, errs := make([][]time.Duration, l.clients), make([]error, l.clients)
	var readers sync.WaitGroup
	for i := range l.clients {
		readers.Go(func() {
			if latencies[i], errs[i] = l.read(ctx, t.path(path), began.Add(length)); errs[i] != nil {
				cancel() // one failure is enough
			}
		})
	}
	readers.Wait()
	s := &sample{wall: time.Since(began), latencies: slices.Sorted(slices.Values(slices.Concat(latencies...)))}
	s.reads = len(s.latencies)
	vaultAfter, pluginAfter, err := l.cpu(t)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	s.vaultCPU, s.pluginCPU = vaultAfter-vaultBefore, pluginAfter-pluginBefore
	return s, nil
}

// cpu is what Vault and the plugin have used so far.
func (l *load) cpu(t target) (vault, plugin time.Duration, err error) {
	if vault, err = cpuTime(l.vault.Process().PID()); err != nil {
		return 0, 0, err
	}
	plugin, err = cpuTime(t.process)
	return vault, plugin, err
}

// read reads until the deadline, at least once, and returns how long each read took.
func (l *load) read(ctx context.Context, path string, deadline time.Time) ([]time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.vault.Client.Address()+"/v1/"+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Vault-Token", l.vault.Client.Token())
	var latencies []time.Duration
	for began := time.Now(); ; {
		if err := l.once(req); err != nil {
			return nil, err
		}
		now := time.Now()
		latencies = append(latencies, now.Sub(began))
		if began = now; now.After(deadline) {
			return latencies, nil
		}
	}
}

func (l *load) once(req *http.Request) error {
	res, err := l.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil { // to its end, for the connection to be used again
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", res.Status)
	}
	return nil
}
