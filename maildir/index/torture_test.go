package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pneu/maildir"
)

// tortureEnv tells TestTortureChild "NUMBER MILLISECONDS ROOT REPORT".
const tortureEnv = "INDEX_TORTURE"

// tormentor does what programs do with two folders, for a while.
type tormentor struct {
	number int
	until  time.Time
	x      [2]*Index
	r      *rand.Rand
	made   []string // ids of messages put into a folder
	gone   []string // ids of messages expunged
}

func (m *tormentor) open(t *testing.T, folders [2]*maildir.Folder) {
	for i, f := range folders {
		x, err := Open(f, Options{})
		if err != nil {
			t.Fatal(err)
		}
		m.x[i] = x
	}
	m.r = rand.New(rand.NewPCG(uint64(m.number), 11))
}

func (m *tormentor) id() string { return fmt.Sprintf("ours%d-%d", m.number, len(m.made)) }

// run acts until time is up. seen is told of every view.
func (m *tormentor) run(seen func(folder int, v *View) error) error {
	ctx := context.Background()
	for n := 0; time.Now().Before(m.until); n++ {
		k := m.r.IntN(2)
		x, to := m.x[k], m.x[1-k]
		v, err := x.Sync(ctx)
		if err != nil {
			return fmt.Errorf("sync: %w", err)
		}
		if err := seen(k, v); err != nil {
			return err
		}
		if n%15 == 0 || v.Len() == 0 {
			id := m.id()
			m.made = append(m.made, id)
			d := maildir.Delivery{}
			if m.r.IntN(2) == 0 {
				d.Flags = "F"
			}
			if _, _, err := x.Append(ctx, d, strings.NewReader(letterOf(id))); err != nil {
				return fmt.Errorf("append: %w", err)
			}
			continue
		}
		var uids []UID
		for range 1 + m.r.IntN(4) {
			uids = append(uids, v.UID(m.r.IntN(v.Len())))
		}
		slices.Sort(uids)
		uids = slices.Compact(uids)
		switch c := m.r.IntN(30); {
		case c == 0:
			// What is expunged is asked while the file is open.
			id, err := m.subject(x, uids[0])
			if errors.Is(err, maildir.ErrGone) {
				continue
			}
			if err != nil {
				return err
			}
			gone, err := x.Expunge(ctx, uids[:1])
			if err != nil {
				return fmt.Errorf("expunge: %w", err)
			}
			if len(gone) == 1 {
				m.gone = append(m.gone, id)
			}
		case c < 8:
			if _, err := x.MoveTo(ctx, to, uids); err != nil && !errors.Is(err, maildir.ErrGone) {
				return fmt.Errorf("move: %w", err)
			}
		case c < 10:
			if _, err := x.TakeNew(ctx); err != nil {
				return fmt.Errorf("take: %w", err)
			}
		case c < 12:
			if _, err := m.subject(x, uids[0]); err != nil && !errors.Is(err, maildir.ErrGone) {
				return err
			}
		default:
			all := []Flags{0, Seen, Flagged | Replied, Trashed, Passed}
			change := FlagChange{Add: all[m.r.IntN(5)], Remove: all[m.r.IntN(5)]}
			if m.r.IntN(10) == 0 {
				change.AddKeywords = []string{fmt.Sprint("k", m.r.IntN(3))}
			}
			if _, err := x.SetFlags(ctx, uids, change); err != nil {
				return fmt.Errorf("flags: %w", err)
			}
		}
	}
	for _, x := range m.x {
		if err := x.Close(); err != nil {
			return err
		}
	}
	return nil
}

func (m *tormentor) subject(x *Index, uid UID) (string, error) {
	f, _, err := x.OpenMessage(context.Background(), uid)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	return subjectOf(b), err
}

func subjectOf(b []byte) string {
	_, rest, _ := bytes.Cut(b, []byte("Subject: "))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return string(line)
}

// TestTortureChild is a process of TestTorture.
func TestTortureChild(t *testing.T) {
	job := os.Getenv(tortureEnv)
	if job == "" {
		t.Skip("is run by TestTorture")
	}
	var m tormentor
	var ms int
	var root, report string
	if _, err := fmt.Sscanf(job, "%d %d %q %q", &m.number, &ms, &root, &report); err != nil {
		t.Fatal(err)
	}
	m.until = time.Now().Add(time.Duration(ms) * time.Millisecond)
	folders, err := tortureFolders(root)
	if err != nil {
		t.Fatal(err)
	}
	m.open(t, folders)
	if err := m.run(func(int, *View) error { return nil }); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, id := range m.made {
		fmt.Fprintln(&out, "+"+id)
	}
	for _, id := range m.gone {
		fmt.Fprintln(&out, "-"+id)
	}
	if err := os.WriteFile(report, []byte(out.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func tortureFolders(root string) (f [2]*maildir.Folder, err error) {
	s, err := maildir.Open(root)
	if err != nil {
		return f, err
	}
	if f[0], err = s.Folder("INBOX"); err != nil {
		return f, err
	}
	f[1], err = s.Folder("Other")
	return f, err
}

// hostile renames, delivers and removes as other programs do, without asking.
func hostile(folders [2]*maildir.Folder, until time.Time) (made, gone []string) {
	r := rand.New(rand.NewPCG(3, 3))
	for n := 0; time.Now().Before(until); n++ {
		dir := folders[r.IntN(2)].Path()
		if n%40 == 0 {
			id := fmt.Sprintf("theirs-%d", n)
			name := fmt.Sprintf("17%08d.1.their\nhost", n)
			if os.WriteFile(dir+"/tmp/"+name, []byte(letterOf(id)), 0o600) == nil && os.Rename(dir+"/tmp/"+name, dir+"/new/"+name) == nil {
				made = append(made, id)
			}
		}
		sub := []string{"new", "cur", "cur"}[r.IntN(3)]
		list, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil || len(list) == 0 {
			continue
		}
		for range 4 {
			name := list[r.IntN(len(list))].Name()
			base, _, _ := strings.Cut(name, ":2,")
			path := dir + "/" + sub + "/" + name
			if r.IntN(60) == 0 {
				// It goes aside first: what is removed is then known for certain.
				aside := dir + "/tmp/gone"
				if os.Rename(path, aside) == nil {
					b, _ := os.ReadFile(aside)
					gone = append(gone, subjectOf(b))
					os.Remove(aside)
				}
				continue
			}
			to := dir
			if r.IntN(20) == 0 {
				to = folders[r.IntN(2)].Path() // the base kept, as people do by hand
			}
			os.Rename(path, to+"/cur/"+base+[]string{":2,", ":2,S", ":2,FS", ":2,Sq"}[r.IntN(4)])
		}
	}
	return made, gone
}

// Two indexes of ours, a process, and a program that respects nothing, on two
// folders: no message is lost, none is seen twice, a UID always means the same
// message and is never given again.
func TestTorture(t *testing.T) {
	t.Parallel()
	in, other := account(t)
	folders := [2]*maildir.Folder{in, other}
	want := map[string]int{}
	for i := range 40 {
		base := fmt.Sprintf("16%08d.M%dP1.h", i, i)
		put(t, folders[i%2], "cur/"+base+":2,")
		want[base]++
	}
	for _, f := range folders {
		x := mustOpen(t, f, Options{})
		syncIndex(t, x)
		x.Close()
	}
	d := 1500 * time.Millisecond
	if testing.Short() {
		d = 400 * time.Millisecond
	}
	until := time.Now().Add(d)
	child := exec.Command(os.Args[0], "-test.run=^TestTortureChild$")
	report := filepath.Join(t.TempDir(), "report")
	child.Env = append(os.Environ(), fmt.Sprintf("%s=9 %d %q %q", tortureEnv, d.Milliseconds(), in.Store().Root(), report))
	var complaint bytes.Buffer
	child.Stdout, child.Stderr = &complaint, &complaint
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	type history struct {
		next   UID
		modseq uint64
		bases  map[UID]string
		gone   map[UID]bool
	}
	type result struct {
		made, gone []string
		err        error
	}
	results := make(chan result, 3)
	for i := range 2 {
		m := &tormentor{number: i, until: until}
		m.open(t, folders)
		go func() {
			var past [2]history
			for k := range past {
				past[k] = history{bases: map[UID]string{}, gone: map[UID]bool{}}
			}
			err := m.run(func(k int, v *View) error {
				h := &past[k]
				s := v.State()
				if s.UIDNext < h.next || s.HighestModSeq < h.modseq {
					return fmt.Errorf("UIDNEXT %d after %d, MODSEQ %d after %d", s.UIDNext, h.next, s.HighestModSeq, h.modseq)
				}
				here := map[UID]bool{}
				names := map[string]UID{}
				for row := range v.Len() {
					uid, base := v.UID(row), v.Base(row)
					here[uid] = true
					if was, twice := names[base]; twice {
						return fmt.Errorf("%q is UID %d and %d", base, was, uid)
					}
					names[base] = uid
					was, known := h.bases[uid]
					switch {
					case h.gone[uid]:
						return fmt.Errorf("UID %d was gone and is back as %q", uid, base)
					case !known && uid < h.next:
						return fmt.Errorf("UID %d appears below %d", uid, h.next)
					case known && was != base:
						return fmt.Errorf("UID %d was %q and is %q", uid, was, base)
					}
					h.bases[uid] = base
				}
				for uid := range h.bases {
					if !here[uid] {
						h.gone[uid] = true
					}
				}
				h.next, h.modseq = s.UIDNext, s.HighestModSeq
				return nil
			})
			results <- result{m.made, m.gone, err}
		}()
	}
	go func() {
		made, gone := hostile(folders, until)
		results <- result{made, gone, nil}
	}()
	for range 3 {
		r := <-results
		if r.err != nil {
			t.Error(r.err)
		}
		for _, id := range r.made {
			want[id]++
		}
		for _, id := range r.gone {
			want[id]--
		}
	}
	if err := child.Wait(); err != nil {
		t.Errorf("%v: %s", err, complaint.String())
	}
	for line := range strings.FieldsSeq(string(mustRead(t, report))) {
		if line[0] == '+' {
			want[line[1:]]++
		} else {
			want[line[1:]]--
		}
	}
	got := map[string]int{}
	for _, f := range folders {
		x := mustOpen(t, f, Options{})
		syncIndex(t, x)
		if err := x.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		v := syncIndex(t, x)
		if v.State().Pending > 0 {
			t.Errorf("%s: %d pending", f.Name(), v.State().Pending)
		}
		files := onDisk(t, f)
		if len(files) != v.Len() {
			t.Errorf("%s: %d files, %d rows", f.Name(), len(files), v.Len())
		}
		for row := range v.Len() {
			e := v.Entry(row)
			b, err := os.ReadFile(f.File(e))
			if err != nil {
				t.Error(err)
				continue
			}
			if FlagsOf(e.Flags()) != v.Flags(row) {
				t.Errorf("%q has flags %q", e.File, v.Flags(row).Maildir())
			}
			id := subjectOf(b)
			if string(b) != letterOf(id) {
				t.Errorf("message %q was changed", id)
			}
			got[id]++
		}
	}
	for id, n := range want {
		// Two who removed one message may both say so.
		if n > 0 && got[id] != n || n <= 0 && got[id] != 0 {
			t.Errorf("message %s is there %d times, want %d", id, got[id], n)
		}
		delete(got, id)
	}
	if len(got) > 0 {
		t.Errorf("messages of nobody: %v", got)
	}
	t.Logf("%d messages", len(want))
}
