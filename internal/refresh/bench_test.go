// SPDX-License-Identifier: MPL-2.0

package refresh

import (
	"context"
	"fmt"
	"testing"
	"time"
)

const many = 100_000

func benchJobs() []Job {
	now := time.Now()
	jobs := make([]Job, many)
	for i := range jobs {
		due := now.Add(hour + time.Duration(i*7919%many)*10*time.Millisecond)
		jobs[i] = Job{Key: k(fmt.Sprint("role", i)), Host: fmt.Sprint("host", i%20), Issued: now, Due: due, Expires: now.Add(2 * hour)}
	}
	return jobs
}

func benchScheduler(b *testing.B) *Scheduler {
	b.Helper()
	s := New(Options{Run: func(context.Context, Key, uint64) Outcome { return Outcome{Kind: Stopped} }})
	b.Cleanup(func() { _ = s.Stop(context.Background()) })
	return s
}

// BenchmarkPut replaces one job among 100,000.
func BenchmarkPut(b *testing.B) {
	s, jobs := benchScheduler(b), benchJobs()
	for _, job := range jobs {
		s.Put(job)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.Put(jobs[i%many])
	}
}

// BenchmarkFill puts 100,000 jobs into an empty scheduler.
func BenchmarkFill(b *testing.B) {
	jobs := benchJobs()
	b.ReportAllocs()
	for b.Loop() {
		s := benchScheduler(b)
		for _, job := range jobs {
			s.Put(job)
		}
	}
}

// BenchmarkDrain has 100,000 jobs fall due, and takes them in the order in which
// they are served.
func BenchmarkDrain(b *testing.B) {
	jobs := benchJobs()
	for b.Loop() {
		b.StopTimer()
		s := benchScheduler(b)
		for _, job := range jobs {
			s.Put(job)
		}
		b.StartTimer()
		s.mu.Lock()
		now := moment{at: 2*hour - 1}
		for s.fallDue(now) {
		}
		for _, h := range s.hosts {
			for h.backlog() > 0 {
				s.enter(h.pop(now.at), stopped)
			}
		}
		s.mu.Unlock()
		if got := s.Snapshot().Stopped; got != many {
			b.Fatal(got)
		}
	}
}

// BenchmarkTouch is what a read of a token pays.
func BenchmarkTouch(b *testing.B) {
	s, jobs := benchScheduler(b), benchJobs()
	for _, job := range jobs {
		s.Put(job)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			s.Touch(jobs[i%many].Key)
		}
	})
}

// BenchmarkSnapshot is one read of the status, nothing being due.
func BenchmarkSnapshot(b *testing.B) {
	s := benchScheduler(b)
	for _, job := range benchJobs() {
		s.Put(job)
	}
	for b.Loop() {
		s.Snapshot()
	}
}
