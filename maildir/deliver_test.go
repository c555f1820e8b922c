package maildir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"
)

var errBroken = errors.New("broken by the test")

// killed is what a step panics with that a kill -9 did not let happen.
type killed struct{}

// steps is the file layer of a delivery with a witness: it records each step,
// breaks or kills one, and knows what a power cut would leave.
type steps struct {
	disk
	t       *testing.T
	f       *Folder
	want    string // the whole message
	ordered bool
	trace   []string
	breakAt int // step that fails, -1 none
	killAt  int // step before which the process dies
	noFlush bool
	partial bool // a broken write writes half

	written, safe int    // bytes written, and bytes that are on disk
	name          string // visible name
	nameSafe      bool   // the name would outlive a power cut
}

func (s *steps) step(name string) error {
	s.look()
	n := len(s.trace)
	if n == s.killAt {
		panic(killed{})
	}
	s.trace = append(s.trace, name)
	if n == s.breakAt {
		return errBroken
	}
	return nil
}

// look asserts the promise: whatever is visible is the whole message.
func (s *steps) look() {
	s.t.Helper()
	for _, isNew := range []bool{true, false} {
		list, err := os.ReadDir(s.f.dir(isNew))
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range list {
			b, err := os.ReadFile(s.f.dir(isNew) + "/" + e.Name())
			if err != nil || string(b) != s.want {
				s.t.Errorf("after %v: %s is visible with %d bytes of %d", s.trace, e.Name(), len(b), len(s.want))
			}
		}
	}
}

type stepFile struct {
	diskFile
	s *steps
}

func (s *steps) Create(path string) (file, error) {
	if err := s.step("create"); err != nil {
		return nil, err
	}
	f, err := s.disk.Create(path)
	if err != nil {
		return nil, err
	}
	return stepFile{f.(diskFile), s}, nil
}

func (s *steps) Rename(from, to string) error {
	if err := s.step("rename"); err != nil {
		return err
	}
	// From here on a power cut may leave the name: its content must be safe.
	if s.safe != s.written || s.written == 0 {
		s.t.Errorf("after %v: %d of %d bytes are safe at the rename", s.trace, s.safe, s.written)
	}
	err := s.disk.Rename(from, to)
	if err == nil {
		s.name, s.nameSafe = to, false
	}
	return err
}

func (s *steps) Sync(path string) error {
	if err := s.step("sync again"); err != nil {
		return err
	}
	s.nameSafe = s.nameSafe || s.ordered
	return s.disk.Sync(path)
}

func (s *steps) SyncDir(path string) error {
	if err := s.step("syncdir"); err != nil {
		return err
	}
	s.nameSafe = s.nameSafe || filepath.Dir(s.name) == path
	return s.disk.SyncDir(path)
}

func (s *steps) Remove(path string) error { return s.disk.Remove(path) }
func (s *steps) Ordered(string) bool      { return s.ordered }

func (f stepFile) Write(p []byte) (int, error) {
	err := f.s.step("write")
	if err != nil && !f.s.partial {
		return 0, err
	}
	if err != nil {
		p = p[:len(p)/2]
	}
	n, werr := f.diskFile.Write(p)
	f.s.written += n
	return n, errors.Join(err, werr)
}

func (f stepFile) SetTime(t time.Time) error {
	if err := f.s.step("time"); err != nil {
		return err
	}
	return f.diskFile.SetTime(t)
}

func (f stepFile) Flush() error {
	if err := f.s.step("flush"); err != nil {
		return err
	}
	if f.s.noFlush {
		return errors.ErrUnsupported
	}
	if f.s.ordered { // elsewhere the blocks' addresses would not be safe
		f.s.safe = f.s.written
	}
	return f.diskFile.Flush()
}

func (f stepFile) Sync() error {
	if err := f.s.step("sync"); err != nil {
		return err
	}
	f.s.safe = f.s.written
	f.s.nameSafe = f.s.nameSafe || f.s.ordered && f.s.name != ""
	return f.diskFile.Sync()
}

// watched returns an INBOX over a step recorder.
func stepped(t *testing.T) (*Folder, *steps) {
	f := newInbox(t)
	s := &steps{t: t, f: f, want: letter + strings.Repeat("0123456789\n", 20000), ordered: true, breakAt: -1, killAt: -1}
	f.store.files = s
	return f, s
}

// Rule 2: the sequences of SPOOL.md, step by step.
func TestRule02Sequences(t *testing.T) {
	tests := []struct {
		name             string
		ordered, noFlush bool
		d                Delivery
		want             string
	}{
		{"C", true, false, Delivery{}, "create write flush rename sync"},
		{"C with a time", true, false, Delivery{Time: time.Unix(1e9, 0)}, "create write time flush rename sync"},
		{"C into cur", true, false, Delivery{Flags: "S"}, "create write flush rename sync"},
		{"C derived", true, false, Delivery{Name: "1.Qa.h"}, "create write flush rename sync"},
		{"strict is A", true, false, Delivery{Strict: true}, "create write sync rename syncdir"},
		{"unknown file system is A", false, false, Delivery{}, "create write sync rename syncdir"},
		{"no sync_file_range is A", true, true, Delivery{}, "create write flush sync rename syncdir"},
		{"A derived", false, false, Delivery{Name: "1.Qa.h"}, "create write sync rename syncdir"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, s := stepped(t)
			s.ordered, s.noFlush = tt.ordered, tt.noFlush
			e, err := f.Deliver(tt.d, strings.NewReader(s.want))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(slices.Compact(s.trace), " "); got != tt.want {
				t.Errorf("steps %q, want %q", got, tt.want)
			}
			if s.safe != len(s.want) || !s.nameSafe {
				t.Errorf("a power cut would lose it: %d bytes safe, name safe: %v", s.safe, s.nameSafe)
			}
			s.look()
			if got := tree(t, f); len(got) != 1 || got[0] != names([]Entry{e})[0] {
				t.Errorf("tree %q, entry %v", got, e)
			}
		})
	}
}

// every runs fn for each step of each kind of delivery.
func every(t *testing.T, fn func(t *testing.T, f *Folder, s *steps, d Delivery, step int)) {
	for _, ordered := range []bool{true, false} {
		for _, d := range []Delivery{{}, {Strict: true}, {Flags: "S", Time: time.Unix(1e9, 0)}, {Name: "1700000000.QaR1.host"}} {
			f, s := stepped(t)
			s.ordered = ordered
			if _, err := f.Deliver(d, strings.NewReader(s.want)); err != nil {
				t.Fatal(err)
			}
			for step := range len(s.trace) {
				t.Run(fmt.Sprintf("ordered=%v/name=%q/flags=%q/strict=%v/%d-%s", ordered, d.Name, d.Flags, d.Strict, step, s.trace[step]), func(t *testing.T) {
					f, s := stepped(t)
					s.ordered = ordered
					fn(t, f, s, d, step)
				})
			}
		}
	}
}

// Each step fails once: the error is told, nothing is left behind.
func TestDeliverBrokenAtEachStep(t *testing.T) {
	every(t, func(t *testing.T, f *Folder, s *steps, d Delivery, step int) {
		s.breakAt, s.partial = step, true
		_, err := f.Deliver(d, strings.NewReader(s.want))
		if !errors.Is(err, errBroken) {
			t.Fatalf("error %v, want the broken step's", err)
		}
		s.look()
		if left := tree(t, f); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
}

// kill -9 before each step: nothing partial is visible, and the next attempt of
// a derived name leaves exactly one message, durable.
func TestDeliverKilledAtEachStep(t *testing.T) {
	every(t, func(t *testing.T, f *Folder, s *steps, d Delivery, step int) {
		s.killAt = step
		func() {
			defer func() {
				if r := recover(); r != nil && r != (killed{}) {
					panic(r)
				}
			}()
			f.Deliver(d, strings.NewReader(s.want))
			t.Error("it was not killed")
		}()
		s.look()
		visible := len(s.name) > 0
		s.killAt, s.trace, s.written, s.safe = -1, nil, 0, 0
		e, err := f.Deliver(d, strings.NewReader(s.want))
		if err != nil {
			t.Fatal(err)
		}
		if !s.nameSafe {
			t.Errorf("the second attempt returned before the name was safe: %v", s.trace)
		}
		list, err := f.List()
		if err != nil {
			t.Fatal(err)
		}
		if d.Name != "" && (len(list) != 1 || list[0] != e) {
			t.Errorf("%d messages of one derived name: %v", len(list), list)
		}
		if d.Name != "" && visible && slices.Contains(s.trace, "write") {
			t.Errorf("written again though visible: %v", s.trace)
		}
	})
}

func TestDeliverErrors(t *testing.T) {
	tests := []struct {
		name string
		d    Delivery
		r    io.Reader
		want error
	}{
		{"empty", Delivery{}, strings.NewReader(""), ErrEmpty},
		{"reader fails", Delivery{}, io.MultiReader(strings.NewReader(letter), iotest.ErrReader(errBroken)), errBroken},
		{"derived name with a slash", Delivery{Name: "../x"}, strings.NewReader(letter), ErrName},
		{"derived name with info", Delivery{Name: "x:2,S"}, strings.NewReader(letter), ErrName},
		{"derived name with a field", Delivery{Name: "x,S=1"}, strings.NewReader(letter), ErrName},
		{"derived name with a newline", Delivery{Name: "x\ny"}, strings.NewReader(letter), ErrName},
		{"derived name with a dot", Delivery{Name: ".x"}, strings.NewReader(letter), ErrName},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newInbox(t)
			if _, err := f.Deliver(tt.d, tt.r); !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
			if left := tree(t, f); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// Rules 2, 3, 21: name, sizes, time, place.
func TestRule03DeliveredNames(t *testing.T) {
	tests := []struct {
		name, text string
		d          Delivery
		fields     string
		cur        bool
	}{
		{"LF", "a\nb\n", Delivery{}, ",S=4,W=6", false},
		{"CRLF", "a\r\nb\r\n", Delivery{}, ",S=6,W=6", false},
		{"mixed", "a\r\nb\n\n\r\n", Delivery{}, ",S=8,W=10", false},
		{"a lone CR", "a\rb\n", Delivery{}, ",S=4,W=5", false},
		{"flags go to cur", "a\n", Delivery{Flags: "SF"}, ",S=2,W=3:2,FS", true},
		{"cur without flags", "a\n", Delivery{Cur: true}, ",S=2,W=3:2,", true},
		{"derived", "a\n", Delivery{Name: "1.Qx.h"}, "1.Qx.h,S=2,W=3", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newInbox(t)
			tt.d.Time = time.Unix(1234567890, 123456789)
			e, err := f.Deliver(tt.d, iotest.OneByteReader(strings.NewReader(tt.text)))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(e.File, tt.fields) || e.New == tt.cur {
				t.Errorf("entry %+v, want it to end in %q", e, tt.fields)
			}
			st, err := os.Stat(f.File(e))
			if err != nil {
				t.Fatal(err)
			}
			if !st.ModTime().Equal(tt.d.Time) || st.Mode() != 0o600 {
				t.Errorf("time %v mode %v", st.ModTime(), st.Mode())
			}
			if tt.d.Name == "" && e.Time().Unix() != 1234567890 {
				t.Errorf("arrival %v", e.Time())
			}
		})
	}
}

// A repeated delivery is recognised wherever the first one has got to.
func TestDerivedNameRecognised(t *testing.T) {
	tests := []struct {
		name string
		move func(f *Folder, e Entry) string // returns where it went
	}{
		{"in new", func(f *Folder, e Entry) string { return "new/" + e.File }},
		{"in cur", func(f *Folder, e Entry) string { return "cur/" + e.File }},
		{"read", func(f *Folder, e Entry) string { return "cur/" + e.File + ":2,S" }},
		{"keywords", func(f *Folder, e Entry) string { return "cur/" + e.File + ":2,FRSacx" }},
		{"taken by mbsync", func(f *Folder, e Entry) string { return "cur/" + e.File + ",U=17:2,S" }},
		{"flags in new", func(f *Folder, e Entry) string { return "new/" + e.File + ":2,S" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newInbox(t)
			d := Delivery{Name: "1700000000.Q01KQR0001.host"}
			deliver(t, f, Delivery{Name: "1700000000.Q01KQR00010.host"}, letter) // of another recipient
			e := deliver(t, f, d, letter)
			to := tt.move(f, e)
			if err := os.Rename(f.File(e), filepath.Join(f.Path(), to)); err != nil {
				t.Fatal(err)
			}
			again := deliver(t, f, d, "Received: again\n"+letter)
			if got := names([]Entry{again}); got[0] != to {
				t.Errorf("second delivery returned %q, want %q", got, to)
			}
			if got := tree(t, f); len(got) != 2 {
				t.Errorf("tree %q", got)
			}
		})
	}
}

func TestDerivedNameFromManyGoroutines(t *testing.T) {
	for _, first := range []bool{false, true} {
		f := newInbox(t)
		for round := range 20 {
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					g, err := At(f.Path()) // as another process would
					if err == nil {
						_, err = g.Deliver(Delivery{Name: fmt.Sprintf("17.Q%dR1.h", round), First: first},
							strings.NewReader(letter))
					}
					if err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if got := tree(t, f); len(got) != round+1 {
				t.Fatalf("round %d: %q", round, got)
			}
		}
	}
}

func TestDeliverWithoutFolder(t *testing.T) {
	f := newInbox(t)
	os.Remove(f.Path() + "/tmp") // a backup that drops empty directories
	deliver(t, f, Delivery{}, letter)
	os.RemoveAll(f.Path())
	if _, err := f.Deliver(Delivery{}, strings.NewReader(letter)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func BenchmarkDeliver(b *testing.B) {
	f := newInbox(b)
	text := letter + strings.Repeat("0123456789\n", 700)
	for _, strict := range []bool{false, true} {
		b.Run(fmt.Sprintf("strict=%v", strict), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				deliver(b, f, Delivery{Strict: strict}, text)
			}
		})
	}
}

// Rule 22: W= is the size with CRLF, however the lines of the file end, and however the
// message comes in.
func TestRule22DeliveredSize(t *testing.T) {
	f := newInbox(t)
	for _, text := range []string{"A: b\n\nx\ny\n", "A: b\r\n\r\nx\r\ny\r\n", "A: b\n\r\nx\ny\r\n", "A: b\r\r\n\n\rx"} {
		want := int64(len(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")))
		for _, r := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text)), iotest.HalfReader(strings.NewReader(text))} {
			e, err := f.Deliver(Delivery{}, r)
			if err != nil {
				t.Fatal(err)
			}
			if w, _ := e.WireSize(); w != want {
				t.Errorf("%q: %d, want %d", text, w, want)
			}
		}
	}
}
