// SPDX-License-Identifier: MPL-2.0

package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/vaulttest"
)

func TestParse(t *testing.T) {
	env := func(values map[string]string) func(string) string {
		return func(name string) string { return values[name] }
	}
	o, err := parse(env(nil))
	require.NoError(t, err)
	require.Equal(t, options{rounds: 10, clients: 8, seconds: 3 * time.Second, base: defaultBase, out: "bin/bench.txt"}, o)
	o, err = parse(env(map[string]string{"ROUNDS": "2", "SECONDS": "1", "CLIENTS": "4", "BASE": "none", "OUT": "a", "DOC": "b"}))
	require.NoError(t, err)
	require.Equal(t, options{rounds: 2, clients: 4, seconds: time.Second, base: noBase, out: "a", doc: "b"}, o)
	for _, bad := range []string{"0", "-1", "3s", "x"} {
		_, err := parse(env(map[string]string{"SECONDS": bad}))
		require.ErrorContains(t, err, "SECONDS")
	}
}

func TestSpread(t *testing.T) {
	require.Equal(t, "3.0 (2.0 to 4.0)", spread("%.1f", []float64{5, 1, 4, 2, 3}))
	require.Equal(t, "1.5 (1.2 to 1.8)", spread("%.1f", []float64{1, 2}))
	require.Equal(t, "7 (7 to 7)", spread("%.0f", []float64{7}))
}

// twoRounds are results in which ours costs twice what the limit does, then
// four times: 3 in the middle, where the ratio of the medians would say 2.67.
func twoRounds() *results {
	r := &results{options: options{rounds: 2, clients: 8, seconds: time.Second}, machine: "a machine", plugins: []string{pluginOurs, pluginNoop}, inProcess: "" +
		"goos: linux\n" +
		"BenchmarkOther-2   \t 1\t 2 ns/op\n" +
		"BenchmarkHandleRequest/path=token/plugin=ours-2         \t   100\t      8291 ns/op\t  43 allocs/op\n" +
		"BenchmarkHandleRequest/path=token/plugin=ours/parallel-2 \t   100\t      8000 ns/op\t  43 allocs/op\n"}
	for _, path := range paths {
		for _, round := range []struct{ ours, noop int }{{20, 10}, {20, 5}} {
			for name, cpu := range map[string]int{"ours": round.ours, "noop": round.noop} {
				latencies := make([]time.Duration, 100)
				for i := range latencies {
					latencies[i] = time.Duration(i) * time.Millisecond
				}
				r.add(path, name, &sample{
					reads: 100, wall: time.Second, latencies: latencies,
					pluginCPU: time.Duration(cpu) * time.Millisecond, vaultCPU: time.Millisecond,
				})
			}
		}
	}
	return r
}

func TestReport(t *testing.T) {
	markdown := twoRounds().markdown()
	for _, line := range []string{
		"a machine. 2 rounds of 1s, 8 clients.",
		"| `creds/` | CPU in the plugin, µs a read | 200 (200 to 200) | 75 (62 to 88) | 3.00 (2.50 to 3.50) |",
		"| `token/` | reads a second | 100 (100 to 100) | 100 (100 to 100) | 1.00 (1.00 to 1.00) |",
		"| `token/` | latency, 99th percentile, ms | 99.00 (99.00 to 99.00) | 99.00 (99.00 to 99.00) | 1.00 (1.00 to 1.00) |",
		"  path=token/plugin=ours        8291 ns/op    43 allocs/op",
	} {
		require.Contains(t, markdown, line)
	}
	require.NotContains(t, markdown, "parallel")
	require.NotContains(t, markdown, "Other")
}

func TestReportWithABase(t *testing.T) {
	r := twoRounds()
	r.plugins, r.revision = append(r.plugins, pluginBase), defaultBase
	for _, path := range paths {
		for _, s := range r.samples[series{path, pluginNoop}] {
			r.add(path, pluginBase, s)
		}
	}
	markdown := r.markdown()
	for _, line := range []string{
		"a machine. 2 rounds of 1s, 8 clients. Base is revision 116203648460.",
		"| path | | ours | no-op | ours / no-op | base | ours / base |\n|---|---|--:|--:|--:|--:|--:|\n",
		"| 200 (200 to 200) | 75 (62 to 88) | 3.00 (2.50 to 3.50) | 75 (62 to 88) | 3.00 (2.50 to 3.50) |\n",
	} {
		require.Contains(t, markdown, line)
	}
	require.Equal(t, 4, strings.Count(r.benchmarks(), "/plugin=base-"))
}

// The history of a shallow clone or of a release's archive does not have every revision.
func TestARevisionThatIsNotInTheHistory(t *testing.T) {
	var progress strings.Builder
	b := &built{dir: t.TempDir(), directory: t.TempDir(), plugins: []string{pluginOurs, pluginNoop}}
	c := vaulttest.Checkout{Dir: b.dir, Progress: &progress}
	for _, revision := range []string{strings.Repeat("0", 40), "-x", noBase} {
		require.NoError(t, b.buildBase(t.Context(), c, revision))
	}
	require.Equal(t, []string{pluginOurs, pluginNoop}, b.plugins)
	require.Equal(t, 2, strings.Count(progress.String(), "is not in the history"))
}

func TestReportWithoutCPUTimes(t *testing.T) {
	r := twoRounds()
	for _, samples := range r.samples {
		for _, s := range samples {
			s.pluginCPU, s.vaultCPU = 0, 0
		}
	}
	require.NotContains(t, r.markdown(), "CPU")
	require.Contains(t, r.markdown(), "reads a second")
}

func TestBenchmarkLines(t *testing.T) {
	text := twoRounds().benchmarks()
	require.Equal(t, 8, strings.Count(text, "\nBenchmarkRead/path="))
	require.Regexp(t, `(?m)^BenchmarkRead/path=creds/plugin=ours-\d+\t100\t10000000 ns/op\t200.000 plugin-cpu-µs/op\t`, text)
}

func TestReplaceFigures(t *testing.T) {
	document := []byte("before\n" + figuresBegin + "old\n" + figuresEnd + "after\n")
	replaced, err := replaceFigures(document, "new\n")
	require.NoError(t, err)
	require.Equal(t, "before\n"+figuresBegin+"\nnew\n\n"+figuresEnd+"after\n", string(replaced))
	again, err := replaceFigures(replaced, "new\n")
	require.NoError(t, err)
	require.Equal(t, replaced, again)
	_, err = replaceFigures([]byte("none"), "new\n")
	require.Error(t, err)
}

// The document that make bench is told to write to has the place for it.
func TestTheDocumentHasAPlaceForFigures(t *testing.T) {
	document, err := os.ReadFile("../../docs/benchmarks.md")
	require.NoError(t, err)
	_, err = replaceFigures(document, "")
	require.NoError(t, err)
}

func TestOwnCPUTime(t *testing.T) {
	_, err := cpuTime(os.Getpid())
	require.NoError(t, err)
}

func TestComparable(t *testing.T) {
	answers := func(data map[string]any) map[string]map[string]any {
		return map[string]map[string]any{"token": data, "creds": data}
	}
	compare := func(a, b map[string]any) error {
		return comparable(target{name: pluginOurs, answers: answers(a)}, target{name: pluginNoop, answers: answers(b)})
	}
	long := map[string]any{"a": strings.Repeat("x", 100)}
	require.NoError(t, compare(long, map[string]any{"a": strings.Repeat("y", 90)}))
	require.ErrorContains(t, compare(long, map[string]any{"a": "y"}), "bytes")
	require.ErrorContains(t, compare(long, map[string]any{"b": strings.Repeat("x", 100)}), "keys")
}
