// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// results are the samples of a run, in the order of its rounds.
type results struct {
	options   options
	machine   string
	plugins   []string // ours, then those it is compared with
	revision  string   // of the base, if there is one
	inProcess string   // what the Go benchmarks printed
	samples   map[series][]*sample
}

// series is what one line of figures is of.
type series struct{ path, plugin string }

func (r *results) add(path, plugin string, s *sample) {
	if r.samples == nil {
		r.samples = map[series][]*sample{}
	}
	r.samples[series{path, plugin}] = append(r.samples[series{path, plugin}], s)
}

// figures are what is said of a sample. unit is benchstat's.
var figures = []struct {
	name, unit, format string
	of                 func(*sample) float64
}{
	{"CPU in the plugin, µs a read", "plugin-cpu-µs/op", "%.0f", func(s *sample) float64 { return s.perRead(s.pluginCPU) }},
	{"CPU in Vault, µs a read", "vault-cpu-µs/op", "%.0f", func(s *sample) float64 { return s.perRead(s.vaultCPU) }},
	{"CPU in both, µs a read", "cpu-µs/op", "%.0f", func(s *sample) float64 { return s.perRead(s.pluginCPU + s.vaultCPU) }},
	{"reads a second", "reads/s", "%.0f", (*sample).rate},
	{"latency, median, ms", "p50-ms", "%.2f", func(s *sample) float64 { return s.percentile(0.5) }},
	{"latency, 99th percentile, ms", "p99-ms", "%.2f", func(s *sample) float64 { return s.percentile(0.99) }},
}

// write leaves the figures where they were asked for, and prints them.
func (r *results) write(stdout io.Writer) error {
	if err := os.MkdirAll(filepath.Dir(r.options.out), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(r.options.out, []byte(r.inProcess+r.benchmarks()), 0o644); err != nil {
		return err
	}
	markdown := r.markdown()
	fmt.Fprintf(stdout, "\n%s\nFor benchstat: %s (benchstat -filter .name:Read -col /plugin %s)\n", markdown, r.options.out, r.options.out)
	if r.options.doc == "" {
		return nil
	}
	document, err := os.ReadFile(r.options.doc)
	if err != nil {
		return err
	}
	if document, err = replaceFigures(document, markdown); err != nil {
		return fmt.Errorf("%s: %w", r.options.doc, err)
	}
	return os.WriteFile(r.options.doc, document, 0o644)
}

// benchmarks is every sample as a line of Go's benchmark format.
func (r *results) benchmarks() string {
	var out strings.Builder
	fmt.Fprintf(&out, "goos: %s\ngoarch: %s\npkg: through-vault\n", runtime.GOOS, runtime.GOARCH)
	for _, path := range paths {
		for _, plugin := range r.plugins {
			for _, s := range r.samples[series{path, plugin}] {
				fmt.Fprintf(&out, "BenchmarkRead/path=%s/plugin=%s-%d\t%d\t%d ns/op", path, plugin, runtime.GOMAXPROCS(0), s.reads, s.wall.Nanoseconds()/int64(s.reads))
				for _, f := range figures {
					fmt.Fprintf(&out, "\t%.3f %s", f.of(s), f.unit)
				}
				out.WriteByte('\n')
			}
		}
	}
	return out.String()
}

// markdown is the report: medians over the rounds, with the quartiles.
func (r *results) markdown() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s. %d rounds of %v, %d clients.", r.machine, r.options.rounds, r.options.seconds, r.options.clients)
	if r.revision != "" {
		fmt.Fprintf(&out, " Base is revision %.12s.", r.revision)
	}
	out.WriteString("\n\n| path | | ours |")
	rule := "|---|---|--:|"
	for _, other := range r.plugins[1:] {
		fmt.Fprintf(&out, " %[1]s | ours / %[1]s |", headings[other])
		rule += "--:|--:|"
	}
	out.WriteString("\n" + rule + "\n")
	for _, path := range paths {
		for _, f := range figures {
			if values := r.values(path, pluginOurs, f.of); values != nil {
				fmt.Fprintf(&out, "| `%s/` | %s | %s |%s\n", path, f.name, spread(f.format, values), r.compared(path, f.format, f.of))
			}
		}
	}
	fmt.Fprintf(&out, "\nThe read path by itself, in one process and without Vault:\n\n```text\n%s```\n", r.readPath())
	return out.String()
}

// headings are the columns of those that ours is compared with.
var headings = map[string]string{pluginNoop: "no-op", pluginBase: "base"}

// compared is the part of a row with the figures of the others, and of the ratios within each round.
func (r *results) compared(path, format string, of func(*sample) float64) string {
	var out strings.Builder
	values := r.values(path, pluginOurs, of)
	for _, other := range r.plugins[1:] {
		others := r.values(path, other, of)
		if others == nil {
			out.WriteString(" | |")
			continue
		}
		var ratios []float64
		for i := range values {
			ratios = append(ratios, values[i]/others[i])
		}
		fmt.Fprintf(&out, " %s | %s |", spread(format, others), spread("%.2f", ratios))
	}
	return out.String()
}

// values has a figure of each round, or is nil where one is 0: cpuTime knows nothing on this system then.
func (r *results) values(path, plugin string, of func(*sample) float64) (values []float64) {
	for _, s := range r.samples[series{path, plugin}] {
		value := of(s)
		if value == 0 {
			return nil
		}
		values = append(values, value)
	}
	return values
}

// readPath is what the Go benchmarks say of HandleRequest.
func (r *results) readPath() string {
	var out bytes.Buffer
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for line := range strings.Lines(r.inProcess) {
		name, ok := strings.CutPrefix(line, "BenchmarkHandleRequest/")
		if fields := strings.Split(strings.TrimSpace(line), "\t"); ok && len(fields) > 2 && !strings.Contains(name, "/parallel") {
			name, _, _ = strings.Cut(name, "-")
			fmt.Fprintf(table, "%s\t%s\t\n", name, strings.Join(fields[2:], "\t"))
		}
	}
	table.Flush() //nolint:errcheck // a buffer takes everything
	return out.String()
}

// spread is the median with the quartiles.
func spread(format string, values []float64) string {
	sorted := slices.Sorted(slices.Values(values))
	return fmt.Sprintf(format+" ("+format+" to "+format+")", quantile(sorted, 0.5), quantile(sorted, 0.25), quantile(sorted, 0.75))
}

// quantile of sorted values, between two of them where it falls there.
func quantile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}
