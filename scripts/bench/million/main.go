// Million measures package store on a Maildir and prints each figure beside the limit it
// is to keep. It adds, renames and flags messages there: give it a copy.
//
//	million [-text] MAILDIR
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"pneu/maildir/index"
	"pneu/maildir/search"
	"pneu/maildir/store"
	"pneu/maildir/thread"
)

func main() {
	text := flag.Bool("text", false, "index the texts too, and search them")
	keep := flag.Bool("keep", false, "use the index that is there; do not build it anew")
	word := flag.String("word", "harbour", "the `WORD` looked for in texts")
	sender := flag.String("sender", "elena.okafor60", "the `NAME` looked for in headers")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: million [-text] MAILDIR")
		os.Exit(64)
	}
	b := &bench{ctx: context.Background(), root: flag.Arg(0), sender: *sender, word: *word}
	if err := b.run(*keep, *text); err != nil {
		fmt.Fprintln(os.Stderr, "million:", err)
		os.Exit(1)
	}
}

type bench struct {
	ctx          context.Context
	root         string
	sender, word string

	s   *store.Store
	box *store.Box
	v   *store.View
	n   int
}

// figure prints one line: what, how long, and the limit for this many messages.
func (b *bench) figure(what string, took, limit time.Duration, note string) {
	verdict := ""
	switch {
	case limit > 0 && took <= limit:
		verdict = fmt.Sprintf("limit %v: kept", limit)
	case limit > 0:
		verdict = fmt.Sprintf("limit %v: MISSED", limit)
	}
	fmt.Printf("%-44s %12v  %-26s %s\n", what, took.Round(time.Microsecond), verdict, note)
}

func (b *bench) open() (err error) {
	if b.s, err = store.Open(b.root, store.Options{}); err != nil {
		return err
	}
	if b.box, err = b.s.Box("INBOX"); err != nil {
		return err
	}
	b.v, err = b.box.Sync(b.ctx)
	return err
}

func (b *bench) close() error { return errors.Join(b.box.Close(), b.s.Close()) }

// median runs f a few times.
func median(times int, f func() error) (time.Duration, error) {
	var took []time.Duration
	for range times {
		at := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(at))
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}

func (b *bench) run(keep, text bool) error {
	steps := []func() error{b.first, b.unchanged, b.rescan, b.rows, b.orders, b.headers, b.watched, b.flags}
	if text {
		steps = append(steps, b.texts)
	}
	if !keep {
		if err := forget(b.root); err != nil {
			return err
		}
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// forget deletes what an index left.
func forget(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "pneu.*"))
	for _, f := range files {
		err = errors.Join(err, os.Remove(f))
	}
	return err
}

func (b *bench) first() error {
	at := time.Now()
	if err := b.open(); err != nil {
		return err
	}
	listed := time.Since(at)
	if err := b.box.Build(b.ctx, nil); err != nil {
		return err
	}
	took := time.Since(at)
	var err error
	if b.v, err = b.box.Sync(b.ctx); err != nil {
		return err
	}
	b.n = b.v.Len()
	fmt.Printf("%d messages, %d CPUs\n", b.n, runtime.GOMAXPROCS(0))
	b.figure("first index, names", listed, 0, "")
	b.figure("first index, whole", took, 40*time.Second, "")
	if _, err := b.v.Threads(b.ctx, thread.Newest); err != nil {
		return err
	}
	if err := b.close(); err != nil {
		return err
	}
	return b.sizes()
}

func (b *bench) sizes() error {
	var fixed, kept int64
	files, err := filepath.Glob(filepath.Join(b.root, "pneu.*"))
	if err != nil {
		return err
	}
	for _, f := range files {
		st, err := os.Stat(f)
		if err != nil {
			return err
		}
		switch name := filepath.Base(f); {
		case name == "pneu.log" || name == "pneu.idx":
			fixed += st.Size()
		case !strings.HasPrefix(name, "pneu.text"):
			kept += st.Size()
		}
	}
	fmt.Printf("%-44s %10d B  limit 100 B\n", "index, per message", fixed/int64(max(b.n, 1)))
	fmt.Printf("%-44s %10d B\n", "cache, per message", kept/int64(max(b.n, 1)))
	return nil
}

func (b *bench) unchanged() error {
	took, err := median(21, func() error {
		if err := b.open(); err != nil {
			return err
		}
		return b.close()
	})
	b.figure("open unchanged and close", took, time.Millisecond, "")
	return err
}

func (b *bench) rescan() error {
	var all []time.Duration
	for i := range 3 {
		// A program of others that nobody watched put a message into cur/ and took it away.
		path := filepath.Join(b.root, "cur", fmt.Sprintf("1700000000.M%dP1.other:2,", i))
		if err := errors.Join(os.WriteFile(path, []byte("Subject: x\n\n"), 0o600), os.Remove(path)); err != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond)
		at := time.Now()
		if err := b.open(); err != nil {
			return err
		}
		all = append(all, time.Since(at))
		if err := b.close(); err != nil {
			return err
		}
	}
	slices.Sort(all)
	b.figure("full re-scan at open", all[1], 900*time.Millisecond, "")
	return nil
}

func (b *bench) rows() error {
	if err := b.open(); err != nil {
		return err
	}
	var sum int
	screen := func() error {
		from := rand.IntN(max(1, b.n-50))
		for i := from; i < min(from+50, b.n); i++ {
			r := b.v.Row(i)
			sum += len(r.From()) + len(r.Subject()) + len(r.Flags()) + int(r.Date().Unix()&1)
		}
		return nil
	}
	took, err := median(1001, screen)
	b.figure("50 rows anywhere", took, 100*time.Microsecond, "")
	return errors.Join(err, b.close())
}

func (b *bench) orders() error {
	for _, o := range []struct {
		name string
		f    func() error
	}{
		{"order by date", func() error { _, err := b.v.Sort(b.ctx, store.By{Key: store.Date, Reverse: true}); return err }},
		{"order by thread", func() error { _, err := b.v.Threads(b.ctx, thread.Newest); return err }},
	} {
		var all []time.Duration
		for range 5 {
			if err := b.open(); err != nil {
				return err
			}
			at := time.Now()
			if err := o.f(); err != nil {
				return err
			}
			all = append(all, time.Since(at))
			if err := b.close(); err != nil {
				return err
			}
		}
		slices.Sort(all)
		b.figure(o.name, all[2], 50*time.Millisecond, "")
	}
	return nil
}

func (b *bench) query(what, query string, limit time.Duration) error {
	q, err := search.Parse(query)
	if err != nil {
		return err
	}
	var all, firsts []time.Duration
	found := 0
	for range 5 {
		if err := b.open(); err != nil {
			return err
		}
		at := time.Now()
		var first time.Duration
		found = 0
		err := b.v.Each(b.ctx, q, search.NewestArrived, 0, func(store.Row) bool {
			if found == 0 {
				first = time.Since(at)
			}
			found++
			return true
		})
		if err != nil {
			return err
		}
		all, firsts = append(all, time.Since(at)), append(firsts, first)
		if err := b.close(); err != nil {
			return err
		}
	}
	slices.Sort(all)
	slices.Sort(firsts)
	note := fmt.Sprintf("%d found, the first after %v", found, firsts[2].Round(time.Microsecond))
	if strings.HasPrefix(query, "body:") {
		b.figure(what+", first hit", firsts[2], limit, "")
		limit = 0
	}
	b.figure(what, all[2], limit, note)
	return nil
}

func (b *bench) headers() error {
	return errors.Join(
		b.query("search headers: sender", "from:"+b.sender, 80*time.Millisecond),
		b.query("search headers: subject", "subject:"+b.word, 80*time.Millisecond),
		b.query("search flags and size", "is:unread size:>10k", 0),
	)
}

func (b *bench) watched() error {
	if err := b.open(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(b.ctx)
	defer stop()
	changes, err := b.box.Watch(ctx)
	if err != nil {
		return err
	}
	const k = 1000
	var names []string
	for i := range k {
		names = append(names, b.v.Row(i*(b.n/k)).Path())
	}
	// The renames themselves are the other program's time.
	for i, path := range names {
		base, flags, _ := strings.Cut(filepath.Base(path), ":2,")
		to := base + ":2,S"
		if strings.Contains(flags, "S") {
			to = base + ":2,"
		}
		if err := os.Rename(path, filepath.Join(b.root, "cur", to)); err != nil {
			return fmt.Errorf("rename %d: %w", i, err)
		}
	}
	at := time.Now()
	seen := 0
	for seen < k {
		select {
		case c := <-changes:
			seen += len(c.Changed)
		case <-time.After(20 * time.Second):
			return fmt.Errorf("the watch saw %d of %d changes", seen, k)
		}
	}
	b.figure(fmt.Sprintf("%d renames seen by a watch", k), time.Since(at), 5*time.Millisecond+k*5*time.Microsecond, "")
	return b.close()
}

func (b *bench) flags() error {
	if err := b.open(); err != nil {
		return err
	}
	uids := make([]store.UID, 0, b.n)
	flagged := 0
	for i := range min(b.n, 100_000) {
		uids = append(uids, b.v.Row(i).UID())
		if b.v.Row(i).Flags().Has('F') {
			flagged++
		}
	}
	// A run before this one has flagged them all.
	change, changed := store.FlagChange{Add: index.Flagged}, len(uids)-flagged
	if flagged > changed {
		change, changed = store.FlagChange{Remove: index.Flagged}, flagged
	}
	at := time.Now()
	if _, err := b.box.SetFlags(b.ctx, uids, change); err != nil {
		return err
	}
	b.figure(fmt.Sprintf("flag %d messages", len(uids)), time.Since(at), 5*time.Millisecond, fmt.Sprintf("acknowledged, %d changed", changed))
	if err := b.box.Flush(b.ctx); err != nil {
		return err
	}
	b.figure("  until all files are renamed", time.Since(at), 0, "")
	return b.close()
}

func (b *bench) texts() error {
	if err := b.open(); err != nil {
		return err
	}
	at := time.Now()
	if err := b.box.EnsureText(b.ctx, nil); err != nil {
		return err
	}
	took := time.Since(at)
	var size int64
	filepath.WalkDir(b.root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), "pneu.text") {
			if st, err := d.Info(); err == nil {
				size += st.Size()
			}
		}
		if err == nil && d.IsDir() && path != b.root {
			return fs.SkipDir
		}
		return nil
	})
	b.figure("index all texts", took, 0, fmt.Sprintf("%d MB on disk, %s at the most in memory", size>>20, peak()))
	if err := b.close(); err != nil {
		return err
	}
	return errors.Join(
		b.query("search texts: a word", "body:"+b.word, 100*time.Millisecond),
		b.query("search texts: a phrase", `body:"the `+b.word+`"`, 0),
		b.query("search texts: part of a word", "body:"+b.word[1:len(b.word)-1], 0),
	)
}

// peak is the most memory this process has had.
func peak() string {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "?"
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "?"
}
