package message

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"pneu/maildir/safe"
)

// corpus returns the folder of the shared mail corpus, which is no part of this repository.
func corpus(tb testing.TB) string {
	dir := os.Getenv("PNEU_CORPUS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpus")
	}
	if _, err := os.Stat(filepath.Join(dir, "INDEX.tsv")); err != nil {
		tb.Skip("no mail corpus: set PNEU_CORPUS to its folder")
	}
	return dir
}

type expectation struct {
	Message string `json:"message"`
	Report
}

// What two independent parsers, or the RFC read by hand, say of a message is what we say of it.
func TestCorpusExpectations(t *testing.T) {
	dir := corpus(t)
	files, err := filepath.Glob(filepath.Join(dir, "expect", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no expectations in %s: %v", dir, err)
	}
	agree := 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var want expectation
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if t.Run(want.Message, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join(dir, want.Message))
			if err != nil {
				t.Fatal(err)
			}
			compare(t, NewReport(Parse(raw)), want.Report)
		}) {
			agree++
		}
	}
	t.Logf("%d of %d expectations agree", agree, len(files))
}

func compare(t *testing.T, got, want Report) {
	t.Helper()
	if g, w := spaces(got.Subject), spaces(want.Subject); g != w {
		t.Errorf("subject %q, want %q", g, w)
	}
	addrs(t, "from", got.From, want.From)
	addrs(t, "to", got.To, want.To)
	if g, w := deref(got.Date), deref(want.Date); g != w {
		t.Errorf("date %s, want %s", g, w)
	}
	if g, w := deref(got.MessageID), deref(want.MessageID); g != w {
		t.Errorf("message_id %s, want %s", g, w)
	}
	for i := 0; i < len(got.Leaves) || i < len(want.Leaves); i++ {
		switch {
		case i >= len(got.Leaves):
			t.Errorf("leaf %d missing: %s", i, want.Leaves[i].Type)
			continue
		case i >= len(want.Leaves):
			t.Errorf("leaf %d too many: %s, %d bytes", i, got.Leaves[i].Type, got.Leaves[i].Size)
			continue
		}
		g, w := got.Leaves[i], want.Leaves[i]
		if g.Type != w.Type || deref(g.Charset) != deref(w.Charset) || deref(g.Filename) != deref(w.Filename) {
			t.Errorf("leaf %d is %s, charset %s, name %s; want %s, %s, %s", i,
				g.Type, deref(g.Charset), deref(g.Filename), w.Type, deref(w.Charset), deref(w.Filename))
		}
		if g.Size != w.Size || g.SHA256 != w.SHA256 {
			t.Errorf("leaf %d (%s) has %d bytes, sum %.8s; want %d, %.8s", i, g.Type, g.Size, g.SHA256, w.Size, w.SHA256)
		}
		if w.UTF8SHA256 != "" && g.UTF8SHA256 != w.UTF8SHA256 {
			t.Errorf("leaf %d (%s, %s) in UTF-8 has sum %.8s, want %.8s", i, g.Type, deref(g.Charset), g.UTF8SHA256, w.UTF8SHA256)
		}
	}
}

func addrs(t *testing.T, field string, got, want []Addr) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %q, want %q", field, got, want)
		return
	}
	for i, g := range got {
		if spaces(g.Name) != spaces(want[i].Name) || g.Addr != want[i].Addr {
			t.Errorf("%s %d: %q, want %q", field, i, g, want[i])
		}
	}
}

func spaces(s string) string { return strings.Join(strings.Fields(s), " ") }

func deref(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

// Every message goes through all there is in bounded time, whatever is in it.
func TestCorpusAll(t *testing.T) {
	dir := corpus(t)
	n := 0
	var slowest time.Duration
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".eml") {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		start := time.Now()
		m := Parse(raw)
		parsed := time.Since(start)
		checkTree(t, m)
		m.Header(0).Summary()
		for i := range m.Parts {
			printable(t, safe.Line(m.Header(i).Text("Subject")).String())
			printable(t, safe.Line(m.Parts[i].Filename).String())
			if name := safe.Filename(m.Parts[i].Filename); name == "" || name != filepath.Base(name) || name[0] == '-' || name[0] == '.' {
				t.Errorf("%q would be saved as %q", m.Parts[i].Filename, name)
			}
		}
		plain, html, _ := m.Display()
		for _, i := range []int{plain, html} {
			if i >= 0 {
				printable(t, strings.ReplaceAll(safe.Body(m.Text(i, 2<<20)).String(), "\n", ""))
			}
		}
		whole := time.Since(start)
		slowest = max(slowest, whole)
		for again := 0; whole > 200*time.Millisecond && again < 3; again++ { // the machine may have had other things to do
			start = time.Now()
			m := Parse(raw)
			m.Header(0).Summary()
			plain, html, _ := m.Display()
			for _, i := range []int{plain, html} {
				if i >= 0 {
					safe.Body(m.Text(i, 2<<20))
				}
			}
			whole = time.Since(start)
		}
		if whole > 200*time.Millisecond {
			t.Errorf("%s: parsed in %v, read in %v", path, parsed, whole)
		}
		if t.Failed() {
			t.Errorf("in %s", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d messages, the slowest %v", n, slowest)
}

// printable asserts that nothing in s would act on a terminal.
func printable(t *testing.T, s string) {
	t.Helper()
	for _, r := range s {
		if unicode.IsControl(r) || r == '\u202d' || r == '\u202e' {
			t.Errorf("%U reaches the terminal", r)
			return
		}
	}
}
