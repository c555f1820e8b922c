package index

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"pneu/maildir"
)

// benchFolder makes a folder of n empty files.
func benchFolder(b *testing.B, n int, text string) *maildir.Folder {
	b.Helper()
	f := newFolder(b)
	for i := range n {
		name := fmt.Sprintf("%s/cur/%d.M%dP123Q7R0123456789abcdef.mail.example.org,S=%d,W=%d:2,S", f.Path(), 1600000000+i*7919%n, i, 4000+i, 4100+i)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return f
}

// benchSize is the number of messages: 100,000, or what PNEU_BENCH_MESSAGES says.
func benchSize(b *testing.B) int {
	b.Helper()
	if testing.Short() {
		b.Skip("makes a large folder")
	}
	if n, err := strconv.Atoi(os.Getenv("PNEU_BENCH_MESSAGES")); err == nil {
		return n
	}
	return 100_000
}

// touchDir makes a directory look changed.
func touchDir(b *testing.B, f *maildir.Folder) {
	b.Helper()
	now := time.Now()
	if err := os.Chtimes(f.Path()+"/cur", now, now); err != nil {
		b.Fatal(err)
	}
}

func perMessage(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/message")
}

// BenchmarkRescan reads a folder again in which no name has changed.
func BenchmarkRescan(b *testing.B) {
	n := benchSize(b)
	f := benchFolder(b, n, "")
	x := mustOpen(b, f, Options{})
	start := time.Now()
	syncIndex(b, x)
	b.Logf("first sight of %d names: %v", n, time.Since(start))
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		touchDir(b, f)
		b.StartTimer()
		if v := syncIndex(b, x); v.Len() != n {
			b.Fatal(v.Len())
		}
	}
	perMessage(b, n)
}

// BenchmarkSyncUnchanged is what opening a folder costs in which nothing has
// changed.
func BenchmarkSyncUnchanged(b *testing.B) {
	n := benchSize(b)
	f := benchFolder(b, n, "")
	syncIndex(b, mustOpen(b, f, Options{}))
	for b.Loop() {
		x, err := Open(f, Options{})
		if err != nil {
			b.Fatal(err)
		}
		syncIndex(b, x)
		x.Close()
	}
}

// BenchmarkFirstIndex reads names and files of a folder never seen before.
func BenchmarkFirstIndex(b *testing.B) {
	n := benchSize(b)
	f := benchFolder(b, n, benchLetter)
	for b.Loop() {
		x := mustOpen(b, f, Options{})
		start := time.Now()
		syncIndex(b, x)
		names := time.Since(start)
		if err := x.Build(context.Background(), nil); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		b.ReportMetric(float64(names.Nanoseconds())/float64(n), "ns/name")
		if s := x.View().State(); s.Undigested != 0 {
			b.Fatal(s.Undigested)
		}
		x.Close()
		for _, file := range []string{logName, idxName, cacheName, headName} {
			os.Remove(f.Path() + "/" + file)
		}
		b.StartTimer()
	}
	perMessage(b, n)
}

// BenchmarkSetFlags100k marks 100,000 messages read and unread in turn, names
// left to the background.
func BenchmarkSetFlags100k(b *testing.B) {
	n := benchSize(b)
	f := benchFolder(b, n, "")
	x := mustOpen(b, f, Options{})
	v := syncIndex(b, x)
	x.flagger.stop() // the renames are measured elsewhere
	uids := v.AllUIDs(nil)[:min(n, 100_000)]
	for i := 0; b.Loop(); i++ {
		c := FlagChange{Remove: Seen}
		if i%2 == 1 {
			c = FlagChange{Add: Seen}
		}
		if _, err := x.SetFlags(context.Background(), uids, c); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWriteNames is the background's part: one rename a message.
func BenchmarkWriteNames(b *testing.B) {
	n := min(benchSize(b), 100_000)
	f := benchFolder(b, n, "")
	x := mustOpen(b, f, Options{})
	uids := syncIndex(b, x).AllUIDs(nil)
	x.flagger.stop()
	for i := 0; b.Loop(); i++ {
		c := FlagChange{Remove: Seen}
		if i%2 == 1 {
			c = FlagChange{Add: Seen}
		}
		if _, err := x.SetFlags(context.Background(), uids, c); err != nil {
			b.Fatal(err)
		}
		if err := x.Flush(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	perMessage(b, n)
}

// BenchmarkWatchChange applies one foreign change at a time, and a hundred.
func BenchmarkWatchChange(b *testing.B) {
	n := benchSize(b)
	f := benchFolder(b, n, "")
	x := mustOpen(b, f, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	syncIndex(b, x)
	// Not Watch: its goroutine would be quicker than the clock.
	l, err := listen(f, false)
	if err != nil {
		b.Skip(err)
	}
	x.sync.live, x.sync.sure = l, true
	for _, k := range []int{1, 100, 5000} {
		b.Run(strconv.Itoa(k), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				v := x.View()
				for row := range k {
					e := v.Entry(row)
					name, _ := maildir.ParseName(e.File)
					name, _ = name.WithFlags([]maildir.Flags{"S", "FS"}[i%2])
					to := maildir.Entry{File: name.String()}
					if to != e {
						shift(b, f, "cur/"+e.File, "cur/"+to.File)
					}
				}
				b.StartTimer()
				if _, err := x.Sync(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

const benchLetter = "Return-Path: <list-bounces@example.org>\nReceived: from mail.example.org (mail.example.org [192.0.2.1])\n" +
	"\tby mx.example.net with ESMTPS id 4ABC for <ada@example.net>; Sat, 14 Nov 2026 10:00:00 +0000\n" +
	"From: Grace Hopper <grace@example.org>\nTo: Ada <ada@example.net>, list@example.org\nCc: Alan <alan@example.com>\n" +
	"Subject: Re: [list] What the compiler said about the moth\nDate: Sat, 14 Nov 2026 10:00:00 +0000\n" +
	"Message-ID: <20261114100000.12345@example.org>\nIn-Reply-To: <20261113090000.999@example.net>\n" +
	"References: <20261112090000.1@example.net> <20261113090000.999@example.net>\nList-Id: the list <list.example.org>\n" +
	"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" +
	"> It found a bug.\n\nIt found a moth. I taped it into the book, as one does.\n\n--\nGrace\n"
