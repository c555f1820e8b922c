package index

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"pneu/maildir"
)

const benchRows = 1_000_000

// benchNames are names as each program makes them.
var benchNames = map[string]func(n int) string{
	"pneu": func(n int) string {
		return fmt.Sprintf("17%08d.M%06dP%dQ%dR%016x.mail.example.org,S=%d,W=%d:2,S", n*30, n*7919%1e6, 1000+n%30000, n%100+1, uint64(n)*0x9e3779b97f4a7c15, 1000+n, 1030+n)
	},
	"dovecot": func(n int) string {
		return fmt.Sprintf("17%08d.M%06dP%d.mail,S=%d,W=%d:2,S", n*30, n*7919%1e6, 1000+n%30000, 1000+n, 1030+n)
	},
	"mutt": func(n int) string { return fmt.Sprintf("17%08d.R%d.mail:2,S", n*30, uint64(n)*0x9e3779b97f4a7c15) },
	"mblaze": func(n int) string {
		return fmt.Sprintf("17%08d.M%06dP%dQ1.mail.example.org:2,S", n*30, n*7919%1e6, 1000+n%30000)
	},
}

func fill(b testing.TB, x *Index, n int, name func(int) string) {
	tx, err := x.begin(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer tx.end()
	for k := range n {
		if _, err := tx.add(Message{Entry: maildir.Entry{File: name(k)}, Size: int64(1000 + k), WireSize: int64(1030 + k), Received: int64(1700000000 + k), Sent: int64(1700000000 - k)}); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := tx.commit(); err != nil {
		b.Fatal(err)
	}
}

// million is one folder for all benchmarks of a run.
var million = sync.OnceValues(func() (*maildir.Folder, func()) {
	dir, err := os.MkdirTemp("", "pneu-bench")
	if err != nil {
		panic(err)
	}
	for _, d := range []string{"cur", "new", "tmp"} {
		os.Mkdir(filepath.Join(dir, d), 0o700)
	}
	f, err := maildir.At(dir)
	if err != nil {
		panic(err)
	}
	return f, func() { os.RemoveAll(dir) }
})

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		child()
	}
	if os.Getenv(openEnv) != "" {
		openOnce()
	}
	code := m.Run()
	if benched {
		_, remove := million()
		remove()
	}
	os.Exit(code)
}

var benched bool

func benchIndex(b *testing.B) (*maildir.Folder, *Index) {
	if testing.Short() {
		b.Skip("makes a million rows")
	}
	benched = true
	f, _ := million()
	x := mustOpen(b, f, Options{})
	if x.View().Len() == 0 {
		fill(b, x, benchRows, benchNames["pneu"])
	}
	return f, x
}

func BenchmarkOpen1M(b *testing.B) {
	f, x := benchIndex(b)
	x.Close()
	for b.Loop() {
		x, err := Open(f, Options{})
		if err != nil || x.View().Len() != benchRows {
			b.Fatal(err)
		}
		x.Close()
	}
	info, _ := os.Stat(filepath.Join(f.Path(), idxName))
	log, _ := os.Stat(filepath.Join(f.Path(), logName))
	b.ReportMetric(float64(info.Size()+log.Size())/benchRows, "B/msg")
}

func BenchmarkReadState(b *testing.B) {
	f, _ := benchIndex(b)
	for b.Loop() {
		if _, err := ReadState(f.Path()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFlags100k(b *testing.B) {
	_, x := benchIndex(b)
	uids := x.View().AllUIDs(nil)[:100_000]
	set := Flags(0)
	for b.Loop() {
		set ^= Flagged
		tx, err := x.begin(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := tx.flags(uids, set, Flagged&^set, nil, nil, true); err != nil {
			b.Fatal(err)
		}
		if _, err := tx.commit(); err != nil {
			b.Fatal(err)
		}
		tx.end()
	}
}

func BenchmarkView(b *testing.B) {
	_, x := benchIndex(b)
	v := x.View()
	b.Run("flags", func(b *testing.B) {
		for b.Loop() {
			n := 0
			for row := range v.Len() {
				n += int(v.UID(row)) + int(v.Flags(row))
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
	})
	b.Run("entry", func(b *testing.B) {
		k := 0
		for b.Loop() {
			k = (k + 7919) % benchRows
			v.Entry(k)
		}
	})
	b.Run("changed", func(b *testing.B) {
		for b.Loop() {
			v.Changed(v.st.HighestModSeq - 1)
		}
	})
	b.Run("commit one", func(b *testing.B) {
		set := Flags(0)
		for b.Loop() {
			set ^= Flagged
			tx, _ := x.begin(b.Context())
			tx.flags([]UID{500_000}, set, Flagged&^set, nil, nil, true)
			tx.commit()
			tx.end()
		}
	})
}

func BenchmarkFiles1M(b *testing.B) {
	_, x := benchIndex(b)
	v := x.View()
	for b.Loop() {
		v.Files(0, v.Len(), func(int, []byte, bool) bool { return true })
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/name")
}

// BenchmarkHeadScan searches 200 bytes of folded header text a message.
func BenchmarkHeadScan(b *testing.B) {
	f := newFolder(b)
	x := mustOpen(b, f, Options{})
	tx, err := x.begin(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	head := bytes.Repeat([]byte("subject of no interest "), 10)[:200]
	const n = 200_000
	for k := range n {
		if _, err := tx.add(Message{Entry: maildir.Entry{File: benchNames["mutt"](k)}, Digest: head[:100], Head: head}); err != nil {
			b.Fatal(err)
		}
	}
	v, err := tx.commit()
	tx.end()
	if err != nil {
		b.Fatal(err)
	}
	needle := []byte("needle")
	for b.Loop() {
		v.HeadScan(func(_ int, rec []byte) bool { return !bytes.Contains(rec, needle) })
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
}

func BenchmarkLookupNames1M(b *testing.B) {
	_, x := benchIndex(b)
	v := x.View()
	const step = 7919 * 13 // the order of a directory is none
	names := make([][]byte, 0, benchRows)
	for k := range benchRows {
		names = append(names, []byte(benchNames["pneu"](k*step%benchRows)))
	}
	runtime.GC()
	for b.Loop() {
		for _, name := range names {
			if _, m := v.Lookup(name, false); m != Same {
				b.Fatal(string(name))
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/name")
}

// BenchmarkFinder1M looks up what was listed.
func BenchmarkFinder1M(b *testing.B) {
	_, x := benchIndex(b)
	v := x.View()
	names := make([]string, 0, benchRows)
	v.Files(0, v.Len(), func(_ int, file []byte, _ bool) bool {
		names = append(names, string(file))
		return true
	})
	var found []Found
	runtime.GC()
	for b.Loop() {
		var f Finder
		for piece := range slices.Chunk(names, 256) {
			found = f.LookupAll(v, found[:0], piece, false)
			if found[0].Match != Same {
				b.Fatal(piece[0])
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/name")
}

func BenchmarkCompact1M(b *testing.B) {
	_, x := benchIndex(b)
	for b.Loop() {
		x.mu.Lock()
		if err := x.compact(); err != nil {
			b.Fatal(err)
		}
		x.mu.Unlock()
	}
}

// TestBytesPerMessage: log and snapshot together stay below 100 bytes.
func TestBytesPerMessage(t *testing.T) {
	t.Parallel()
	n := 20_000
	for program, name := range benchNames {
		if raceEnabled && program != "pneu" {
			continue
		}
		f := newFolder(t)
		x := mustOpen(t, f, Options{})
		fill(t, x, n, name)
		x.mu.Lock()
		if err := x.compact(); err != nil {
			t.Fatal(err)
		}
		x.mu.Unlock()
		info, err := os.Stat(filepath.Join(f.Path(), idxName))
		if err != nil {
			t.Fatal(err)
		}
		// The log of a large folder is compacted before it is a 64th of the snapshot.
		size := float64(info.Size()) * 65 / 64 / float64(n)
		t.Logf("%s: %.1f bytes", program, size)
		if size > 100 {
			t.Errorf("names of %s: %.1f bytes a message", program, size)
		}
	}
}
