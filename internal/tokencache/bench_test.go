// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"context"
	"fmt"
	"testing"
)

func hotCache(tb testing.TB, keys int) (*Cache[*token], []string, Source[*token]) {
	tb.Helper()
	c := New[*token](Options{})
	src := Source[*token]{
		Load: func(context.Context) (*token, bool, error) { return newToken(1, hour, "v1"), true, nil },
		Mint: func(context.Context, *token, bool, Fenced) (*token, error) { return nil, errDown },
		Save: noStorage,
	}
	var names []string
	for i := range keys {
		names = append(names, fmt.Sprint("key", i))
		if _, err := c.Get(tb.Context(), names[i], v1, src); err != nil {
			tb.Fatal(err)
		}
	}
	tb.Cleanup(func() { c.Close(context.Background()) })
	return c, names, src
}

func TestHotReadAllocatesNothing(t *testing.T) {
	c, names, src := hotCache(t, 1)
	if got := testing.AllocsPerRun(1000, func() { _, _ = c.Get(t.Context(), names[0], v1, src) }); got != 0 {
		t.Errorf("%v allocations a read", got)
	}
}

func BenchmarkGetHot(b *testing.B) {
	c, names, src := hotCache(b, 1000)
	ctx := b.Context()
	b.Run("serial", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := c.Get(ctx, names[i%len(names)], v1, src); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				if _, err := c.Get(ctx, names[i%len(names)], v1, src); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}
