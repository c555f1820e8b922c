package store

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pneu/maildir"
	"pneu/maildir/index"
	"pneu/maildir/journal"
	"pneu/maildir/search"
	"pneu/maildir/thread"
)

// big is a folder of PNEU_BENCH_MESSAGES messages (20,000 if it is not set), made and indexed
// once for all benchmarks, or the Maildir PNEU_BENCH_MAILDIR, which is only read.
var big struct {
	once sync.Once
	root string
	n    int
	opt  Options
	made bool
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if big.made {
		os.RemoveAll(big.root)
	}
	os.Exit(code)
}

func bigFolder(b *testing.B) *Box {
	b.Helper()
	if testing.Short() {
		b.Skip("makes a large folder")
	}
	big.once.Do(func() {
		if dir := os.Getenv("PNEU_BENCH_MAILDIR"); dir != "" {
			big.root, big.opt.ReadOnly = dir, true
			return
		}
		big.n, big.made = 20000, true
		if n, err := strconv.Atoi(os.Getenv("PNEU_BENCH_MESSAGES")); err == nil {
			big.n = n
		}
		if big.root, big.err = os.MkdirTemp("", "pneu-bench-"); big.err == nil {
			big.err = fill(big.root, big.n)
		}
	})
	if big.err != nil {
		b.Fatal(big.err)
	}
	s, err := Open(big.root, big.opt)
	if err != nil {
		b.Fatal(err)
	}
	box, err := s.Box("INBOX")
	if err == nil {
		_, err = box.Sync(ctx)
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return box
}

// fill makes the folder: of a few thousand texts, most files being links to one of those.
func fill(root string, n int) error {
	tree, err := maildir.Create(root)
	if err != nil {
		return err
	}
	f, err := tree.Folder("INBOX")
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(5, 6))
	word := func() string { return fmt.Sprintf("w%x", r.IntN(30000)) }
	texts := min(n, 20000)
	name := func(i int) string {
		return filepath.Join(f.Path(), "cur", fmt.Sprintf("%d.M%dP1Q%d.host,S=%d:2,%s", 1500000000+i*60, i, i, 1000+i%texts, []string{"", "S", "S", "S", "RS", "FS"}[i%6]))
	}
	for i := range n {
		if i >= texts {
			if err := os.Link(name(i%texts), name(i)); err != nil {
				return err
			}
			continue
		}
		var t strings.Builder
		fmt.Fprintf(&t, "From: %s %s <%s@example.org>\nTo: dev@example.net\nSubject: ", word(), word(), word())
		if i > 10 && r.IntN(10) < 6 {
			p := i - 1 - r.IntN(10)
			fmt.Fprintf(&t, "Re: topic %d\nReferences: <m%d@x> <m%d@x>\n", p/7, p/7*7, p)
		} else {
			fmt.Fprintf(&t, "topic %d %s\n", i/7, word())
		}
		fmt.Fprintf(&t, "Message-ID: <m%d@x>\nDate: %s\n\n", i, time.Unix(1500000000+int64(i*60+r.IntN(100000)), 0).UTC().Format(time.RFC1123Z))
		for range 12 {
			for range 9 {
				t.WriteString(word())
				t.WriteByte(' ')
			}
			t.WriteByte('\n')
		}
		if err := os.WriteFile(name(i), []byte(t.String()), 0o600); err != nil {
			return err
		}
	}
	s, err := Open(root, Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	box, err := s.Box("INBOX")
	if err != nil {
		return err
	}
	if _, err := box.Sync(ctx); err != nil {
		return err
	}
	if err := box.Build(ctx, nil); err != nil {
		return err
	}
	v, err := box.Sync(ctx)
	if err != nil {
		return err
	}
	_, err = v.Threads(ctx, thread.Newest)
	return err
}

// fresh returns a view without anything derived.
func fresh(box *Box) *View { return &View{box: box, ix: box.View().ix} }

func BenchmarkOpen(b *testing.B) {
	bigFolder(b)
	for b.Loop() {
		s, err := Open(big.root, big.opt)
		if err != nil {
			b.Fatal(err)
		}
		box, err := s.Box("INBOX")
		if err == nil {
			_, err = box.Sync(ctx)
		}
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}

func BenchmarkStatus(b *testing.B) {
	bigFolder(b)
	s, err := Open(big.root, big.opt)
	if err != nil {
		b.Fatal(err)
	}
	f, _ := s.Tree().Folder("INBOX")
	for b.Loop() {
		if _, err := s.Status(ctx, f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScreen(b *testing.B) { // 50 rows anywhere
	box := bigFolder(b)
	v := box.View()
	order, err := v.Sort(ctx, By{Date, true})
	if err != nil {
		b.Fatal(err)
	}
	at := 0
	for b.Loop() {
		at = (at*7 + 1013) % (len(order) - 50)
		for _, r := range v.Rows(order[at : at+50]) {
			_, _, _, _, _ = r.From(), r.Subject(), r.Date(), r.Preview(), r.Flags()
		}
	}
}

func BenchmarkSortDate(b *testing.B) {
	box := bigFolder(b)
	for b.Loop() {
		if _, err := fresh(box).Sort(ctx, By{Date, true}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSortFrom(b *testing.B) {
	box := bigFolder(b)
	for b.Loop() {
		if _, err := fresh(box).Sort(ctx, By{Key: From}, By{Date, true}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkThreadsFromNothing(b *testing.B) {
	box := bigFolder(b)
	for b.Loop() {
		v := fresh(box)
		f := thread.NewForest(thread.Options{})
		facts, err := v.facts(ctx, 0, v.Len())
		if err == nil {
			err = f.Update(facts, nil)
		}
		if err != nil {
			b.Fatal(err)
		}
		f.Tree(thread.Newest)
	}
}

func BenchmarkThreadsFromFile(b *testing.B) {
	box := bigFolder(b)
	for b.Loop() {
		box.trees.drop()
		if _, err := fresh(box).Threads(ctx, thread.Newest); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkQuery(b *testing.B, text string) {
	box := bigFolder(b)
	q, err := search.Parse(text)
	if err != nil {
		b.Fatal(err)
	}
	if q.NeedsBody() {
		if err := box.EnsureText(ctx, nil); err != nil {
			b.Fatal(err)
		}
	}
	n := 0
	for b.Loop() {
		set, err := fresh(box).Query(ctx, q)
		if err != nil {
			b.Fatal(err)
		}
		n = set.Count()
	}
	b.ReportMetric(float64(n), "found")
}

func BenchmarkQueryUnread(b *testing.B)  { benchmarkQuery(b, "is:unread") }
func BenchmarkQueryDate(b *testing.B)    { benchmarkQuery(b, "date:2017-08") }
func BenchmarkQuerySubject(b *testing.B) { benchmarkQuery(b, "subject:w7ac") }
func BenchmarkQueryFrom(b *testing.B)    { benchmarkQuery(b, "from:w123 is:unread") }
func BenchmarkQueryWord(b *testing.B)    { benchmarkQuery(b, "w7ac1") }
func BenchmarkQueryBody(b *testing.B)    { benchmarkQuery(b, `body:"w7ac1 w"`) }

// BenchmarkFirstHit is how long a person waits for the first line of a search of texts.
func BenchmarkFirstHit(b *testing.B) {
	box := bigFolder(b)
	if err := box.EnsureText(ctx, nil); err != nil {
		b.Fatal(err)
	}
	q, err := search.Parse("body:w7ac")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		err := fresh(box).Each(ctx, q, search.NewestArrived, 0, func(Row) bool { return false })
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEnsureText indexes all texts anew.
func BenchmarkEnsureText(b *testing.B) {
	bigFolder(b)
	if big.opt.ReadOnly {
		b.Skip("the Maildir is only read")
	}
	n := 0
	for b.Loop() {
		b.StopTimer()
		removeAll(big.root, "pneu.text*")
		s, err := Open(big.root, big.opt)
		if err != nil {
			b.Fatal(err)
		}
		box, err := s.Box("INBOX")
		if err != nil {
			b.Fatal(err)
		}
		n = box.View().Len()
		b.StartTimer()
		if err := box.EnsureText(ctx, nil); err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(max(n, 1)), "us/msg")
}

func BenchmarkNoteFlags(b *testing.B) { // of all, written down and acknowledged
	box := bigFolder(b)
	j, err := journal.Open(filepath.Join(b.TempDir(), "journal"))
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	uids := box.View().ix.AllUIDs(nil)
	uids = uids[:min(len(uids), 100000)]
	on := false
	for b.Loop() {
		add, remove := maildir.Flags("F"), maildir.Flags("")
		if on {
			add, remove = remove, add
		}
		on = !on
		batch := j.Begin("tui", "flag")
		if err := box.Note(ctx, batch, uids, add, remove); err != nil {
			b.Fatal(err)
		}
		batch.Commit()
	}
	b.StopTimer()
	box.SetFlags(ctx, uids, FlagChange{Remove: index.Flagged})
	box.Flush(ctx)
}

func BenchmarkStatusOf1000Folders(b *testing.B) {
	root := b.TempDir()
	s, err := Create(root, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for i := range 1000 {
		f, err := s.CreateFolder(fmt.Sprintf("f%d", i))
		if err == nil {
			_, err = f.Deliver(maildir.Delivery{Cur: true}, strings.NewReader("Subject: x\n\n"))
		}
		if err == nil {
			_, err = s.Status(ctx, f)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	time.Sleep(50 * time.Millisecond) // the directories' times are proof by then
	for range 2 {
		statusAll(b, s)
	}
	for b.Loop() {
		statusAll(b, s)
	}
}

func statusAll(b *testing.B, s *Store) {
	list, err := s.Folders()
	if err != nil {
		b.Fatal(err)
	}
	folders := make([]*maildir.Folder, len(list))
	for i := range list {
		folders[i] = list[i].Folder
	}
	_, errs := s.StatusAll(ctx, folders)
	for _, err := range errs {
		if err != nil {
			b.Fatal(err)
		}
	}
}
