package maildir

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tortureEnv makes the test binary one of the processes of TestTorture:
// "ROLE NUMBER MILLISECONDS ROOT".
const tortureEnv = "MAILDIR_TORTURE"

func TestMain(m *testing.M) {
	job := os.Getenv(tortureEnv)
	if job == "" {
		os.Exit(m.Run())
	}
	var t torturer
	var ms int
	if _, err := fmt.Sscanf(job, "%s %d %d %q", &t.role, &t.number, &ms, &t.root); err != nil {
		panic(err)
	}
	t.until = time.Now().Add(time.Duration(ms) * time.Millisecond)
	t.out = bufio.NewWriter(os.Stdout)
	if err := t.run(); err != nil {
		fmt.Fprintln(os.Stderr, t.role, t.number, err)
		os.Exit(1)
	}
	t.out.Flush()
}

// tortureText is what message id must say for ever.
func tortureText(id string) string {
	return "Subject: " + id + "\r\n\n" + strings.Repeat(id+"\n", 1+len(id)*7%50)
}

func tortureID(text []byte) string {
	id, _, _ := bytes.Cut(bytes.TrimPrefix(text, []byte("Subject: ")), []byte("\r\n"))
	return string(id)
}

type torturer struct {
	role, root string
	number     int
	until      time.Time
	out        *bufio.Writer
	folders    [2]*Folder
	r          *rand.Rand
	ids        int
}

func (t *torturer) id() string { t.ids++; return fmt.Sprintf("%s%d-%d", t.role, t.number, t.ids) }

func (t *torturer) run() error {
	t.r = rand.New(rand.NewPCG(uint64(t.number), 7))
	s, err := Open(t.root)
	if err != nil {
		return err
	}
	for i, n := range []string{inbox, "Other"} {
		if t.folders[i], err = s.Folder(n); err != nil {
			return err
		}
	}
	act := t.polite
	if t.role == "hostile" {
		act = t.hostile
	}
	for n := 0; time.Now().Before(t.until); n++ {
		// No more than a few hundred messages: the more often they meet.
		if err := act(n); err != nil {
			return fmt.Errorf("step %d: %w", n, err)
		}
	}
	return nil
}

// polite does what our programs do. A message may be gone from where it was
// listed, for the others move it; nothing else may go wrong.
func (t *torturer) polite(n int) error {
	k := t.r.IntN(2)
	f, to := t.folders[k], t.folders[1-k]
	if n%40 == 0 {
		id := t.id()
		d := Delivery{}
		switch t.r.IntN(3) {
		case 0:
			d.Flags = "F"
		case 1:
			d.Name = "1700000000." + id + ".h"
		}
		if _, err := f.Deliver(d, strings.NewReader(tortureText(id))); err != nil {
			return err
		}
		fmt.Fprintln(t.out, id)
		return nil
	}
	list, err := f.List()
	if err != nil || len(list) == 0 {
		return err
	}
	e := list[t.r.IntN(len(list))]
	switch c := t.r.IntN(40); {
	case c == 0:
		// Which message is copied is asked of the copy's source while it is open.
		var file *os.File
		if file, e, err = f.Open(e); err != nil {
			break
		}
		text, rerr := io.ReadAll(file)
		file.Close()
		if rerr != nil {
			return rerr
		}
		if _, err = f.Copy(e, to); err == nil {
			fmt.Fprintln(t.out, tortureID(text))
		}
	case c < 20:
		_, err = f.Move(e, to)
	default:
		letters := []Flags{"", "S", "FR", "T", "Sa"}
		_, err = f.SetFlags(e, letters[t.r.IntN(5)], letters[t.r.IntN(5)])
	}
	if errors.Is(err, ErrGone) {
		return nil
	}
	return err
}

// hostile renames as other programs do: no look before, no look after.
func (t *torturer) hostile(n int) error {
	dir := t.folders[t.r.IntN(2)].Path()
	if n%60 == 0 {
		id := t.id()
		name := fmt.Sprintf("17%08d.%d.their\nhost", n, t.number)
		if err := os.WriteFile(dir+"/tmp/"+name, []byte(tortureText(id)), 0o600); err != nil {
			return err
		}
		if err := os.Rename(dir+"/tmp/"+name, dir+"/new/"+name); err != nil {
			return err
		}
		fmt.Fprintln(t.out, id)
	}
	sub := []string{"new", "cur", "cur"}[t.r.IntN(3)]
	list, err := os.ReadDir(filepath.Join(dir, sub))
	if err != nil || len(list) == 0 {
		return err
	}
	for range 4 {
		name := list[t.r.IntN(len(list))].Name()
		base, _, _ := strings.Cut(name, ":2,")
		to := dir
		if t.r.IntN(10) == 0 {
			to = t.folders[t.r.IntN(2)].Path() // the base kept, as procmail users do by hand
		}
		os.Rename(dir+"/"+sub+"/"+name, to+"/cur/"+base+[]string{":2,", ":2,S", ":2,FS", ""}[t.r.IntN(4)])
	}
	return nil
}

// Two processes of ours and one of theirs on two folders: no message is lost,
// none is changed, none is doubled but by copying.
func TestTorture(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	first, _ := s.Folder(inbox)
	folders := []*Folder{first, newFolder(t, s, "Other")}
	want := map[string]int{}
	for i := range 40 {
		id := fmt.Sprintf("first-%d", i)
		put(t, folders[i%2], fmt.Sprintf("cur/16%08d.M%dP1.h,U=%d:2,", i, i, i), tortureText(id))
		want[id]++
	}
	ms := 1500
	if testing.Short() {
		ms = 300
	}
	type process struct {
		cmd         *exec.Cmd
		out, errors bytes.Buffer
	}
	processes := []*process{}
	for i, role := range []string{"ours", "ours", "hostile"} {
		p := &process{cmd: exec.Command(os.Args[0])}
		p.cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %d %q", tortureEnv, role, i, ms, s.Root()))
		p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.errors
		if err := p.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		processes = append(processes, p)
	}
	for _, p := range processes {
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, p.errors.String())
		}
		for id := range strings.FieldsSeq(p.out.String()) {
			want[id]++
		}
	}
	got := map[string]int{}
	for _, text := range contents(t, folders...) {
		id := tortureID([]byte(text))
		if text != tortureText(id) {
			t.Errorf("message %q was changed to %q", id, text)
		}
		got[id]++
	}
	for id, n := range want {
		if got[id] != n {
			t.Errorf("message %s is there %d times, want %d", id, got[id], n)
		}
		delete(got, id)
	}
	if len(got) > 0 {
		t.Errorf("messages of nobody: %v", got)
	}
	for _, f := range folders {
		for _, n := range tree(t, f) {
			if strings.HasPrefix(n, "tmp/") {
				t.Errorf("left over: %q", n)
			}
		}
	}
	t.Logf("%d messages", len(want))
}
