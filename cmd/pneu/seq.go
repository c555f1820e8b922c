package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/mta/sysexits"
)

// A sequence is the numbered list a session works on. It lies in one file a session: the
// current number and the paths, each ended by NUL.
type sequence struct {
	file  string
	cur   int // 1-based; 0 before any was shown
	paths []string
}

// sessionFile returns where this session's sequence is kept: $PNEU_SEQ (a path, or a
// name), else a file named after the controlling terminal.
func sessionFile() (string, error) {
	name := os.Getenv("PNEU_SEQ")
	if strings.ContainsRune(name, '/') {
		return name, nil
	}
	if name == "" {
		nr := controllingTTY()
		if nr == "" {
			return "", boot.Usage("no session to keep a sequence in: there is no terminal, and PNEU_SEQ is not set")
		}
		name = "tty-" + nr
	}
	return filepath.Join(stateDir(), "seq", name), nil
}

// controllingTTY returns the number of the process's terminal, or "" without one: field 7
// of /proc/self/stat (proc(5)), behind the program's name in parentheses.
func controllingTTY() string {
	b, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return ""
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 5 || f[4] == "0" {
		return ""
	}
	return f[4]
}

// sequence reads the session's sequence; it is empty if none was stored.
func (t *tool) sequence() (*sequence, error) {
	file, err := sessionFile()
	if err != nil {
		return nil, err
	}
	s := &sequence{file: file}
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	var text strings.Builder
	if err == nil {
		if st, serr := f.Stat(); serr == nil {
			text.Grow(int(st.Size()))
		}
		_, err = io.Copy(&text, f)
		f.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("read the sequence: %w", err)
	}
	parts := strings.Split(strings.TrimSuffix(text.String(), "\x00"), "\x00")
	if s.cur, err = strconv.Atoi(parts[0]); err != nil {
		return nil, sysexits.New(sysexits.Data, "the sequence in "+file+" is damaged: store another one (pneu seq -S)")
	}
	s.paths = parts[1:]
	return s, nil
}

// curDigits is how many the current number is written with: another can be put in its place.
const curDigits = 10

// A sequenceFile is a sequence that is being written: it takes the place of the one before
// when it is whole, or not at all.
type sequenceFile struct {
	name string
	f    *os.File
	w    *bufio.Writer
	err  error
}

func newSequence(name string) *sequenceFile { return &sequenceFile{name: name} }

// begin opens the file, and removes those that were left by runs that were killed.
func (s *sequenceFile) begin() {
	if s.f != nil || s.err != nil {
		return
	}
	dir, base := filepath.Split(s.name)
	if s.err = os.MkdirAll(filepath.Dir(s.name), 0o700); s.err != nil {
		return
	}
	entries, _ := os.ReadDir(filepath.Clean(dir))
	for _, e := range entries {
		pid, ok := strings.CutPrefix(e.Name(), base+".")
		if info, err := e.Info(); ok && atoi(pid) > 0 && err == nil && time.Since(info.ModTime()) > time.Hour {
			os.Remove(dir + e.Name())
		}
	}
	if s.f, s.err = os.OpenFile(fmt.Sprintf("%s.%d", s.name, os.Getpid()), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600); s.err == nil {
		s.w = bufio.NewWriterSize(s.f, 64<<10)
		_, s.err = fmt.Fprintf(s.w, "%0*d\x00", curDigits, 0)
	}
}

// add appends a message's path.
func (s *sequenceFile) add(path string) {
	s.begin()
	if s.err == nil {
		s.w.WriteString(path)
		s.err = s.w.WriteByte(0)
	}
}

// store has it take its place; drop forgets it.
func (s *sequenceFile) store() error {
	s.begin()
	return s.end(true)
}
func (s *sequenceFile) drop() { s.end(false) }

func (s *sequenceFile) end(keep bool) error {
	if s.f != nil {
		if s.err == nil {
			s.err = s.w.Flush()
		}
		if err := s.f.Close(); s.err == nil {
			s.err = err
		}
		if s.err == nil && keep {
			s.err = os.Rename(s.f.Name(), s.name)
		}
		if s.err != nil || !keep {
			os.Remove(s.f.Name())
		}
		s.f = nil
	}
	if s.err != nil {
		return sysexits.Wrap(sysexits.CantCreate, fmt.Errorf("store the sequence: %w", s.err))
	}
	return nil
}

// storeCurrent writes the current number into the file.
func (s *sequence) storeCurrent() error {
	f, err := os.OpenFile(s.file, os.O_RDWR, 0)
	if err == nil {
		head := make([]byte, curDigits+1)
		_, err = io.ReadFull(f, head)
		if err == nil && head[curDigits] == 0 && bytes.IndexByte(head, 0) == curDigits {
			_, err = f.WriteAt(fmt.Appendf(nil, "%0*d", curDigits, s.cur), 0)
			return errors.Join(err, f.Close())
		}
		f.Close()
	}
	// It is one of an earlier version.
	w := newSequence(s.file)
	for _, p := range s.paths {
		w.add(p)
	}
	if err := w.store(); err != nil {
		return err
	}
	return s.storeCurrent()
}

// resolve turns an expression into the numbers from and to.
func (s *sequence) resolve(expr string) (from, to int, err error) {
	if len(s.paths) == 0 {
		return 0, 0, boot.Usage(fmt.Sprintf("%s: no sequence stored (pneu seq -S stores one)", expr))
	}
	a, b, isRange := strings.Cut(expr, ":")
	if isRange && a == "" {
		a = "1"
	}
	if isRange && b == "" {
		b = "$"
	}
	if from, err = s.place(a); err != nil {
		return 0, 0, err
	}
	to = from
	if isRange {
		if to, err = s.place(b); err != nil {
			return 0, 0, err
		}
	}
	if to < from {
		return 0, 0, boot.Usage(expr + ": the range ends before it begins")
	}
	return from, to, nil
}

// numbers are those an expression stands for: "3=" is the thread of 3, as far as it is in
// the sequence, "3^" the message that 3 answers.
func (t *tool) numbers(s *sequence, expr string) ([]int, error) {
	p, relation := cutRelation(expr)
	from, to, err := s.resolve(p)
	if err != nil {
		return nil, err
	}
	var list []int
	if !relation {
		for n := from; n <= to; n++ {
			list = append(list, n)
		}
		return list, nil
	}
	var all []*msg
	for i, path := range s.paths {
		if m, err := t.find(path); err == nil { // what has gone has no relatives
			m.num = i + 1
			all = append(all, m)
		}
	}
	all = t.threaded(all, false)
	at := slices.IndexFunc(all, func(m *msg) bool { return m.num == from })
	if at < 0 {
		return []int{from}, nil // gone: the caller says so
	}
	if strings.HasSuffix(expr, "^") {
		for i := at - 1; i >= 0 && all[at].depth > 0; i-- {
			if all[i].depth < all[at].depth {
				return []int{all[i].num}, nil
			}
		}
		return nil, sysexits.New(sysexits.NoInput, expr+": what it answers is not in the sequence")
	}
	first := at
	for all[first].depth > 0 {
		first--
	}
	for i := first; i == first || i < len(all) && all[i].depth > 0; i++ {
		list = append(list, all[i].num)
	}
	return list, nil
}

func (s *sequence) place(p string) (int, error) {
	n := 0
	switch {
	case p == "$":
		n = len(s.paths)
	case p[0] == '.':
		n = max(s.cur, 1)
		if len(p) > 1 {
			d, err := strconv.Atoi(p[1:])
			if err != nil {
				return 0, boot.Usage(p + ": not a number")
			}
			n += d
		}
	default:
		n = atoi(p)
	}
	if n < 1 || n > len(s.paths) {
		return 0, sysexits.New(sysexits.NoInput, fmt.Sprintf("%s: the sequence has %s", p, plural(len(s.paths), "message")))
	}
	return n, nil
}

// remember makes number n the current message, where there is a sequence.
func (t *tool) remember(n int) {
	if s, err := t.sequence(); err == nil && n > 0 && n <= len(s.paths) && s.cur != n {
		s.cur = n
		if err := s.storeCurrent(); err != nil {
			t.note("%v", err)
		}
	}
}

func seqVerb() *cli.Command {
	return &cli.Command{
		Name: "seq", Usage: "store and print the numbered list of this session", ArgsUsage: "[MESSAGE...]",
		Flags: outputFlags(
			&cli.BoolFlag{Name: "store", Aliases: []string{"S"}, Usage: "store the messages as the session's sequence, and print them"},
			&cli.BoolFlag{Name: "current", Aliases: []string{"C"}, Usage: "make the first message named the current one"},
		),
		Action: verb(seq),
	}
}

func seq(t *tool) error {
	args := t.c.Args().Slice()
	if t.c.Bool("current") {
		if len(args) != 1 || !isSequence(args[0]) {
			return boot.Usage("-C wants one number")
		}
		return t.eachArg(args, func(r *ref) error {
			t.remember(int(r.num))
			return t.emitRef(r)
		})
	}
	if !t.c.Bool("store") {
		return t.eachRef(args, wholeSequence, t.emitRef)
	}
	file, err := sessionFile()
	if err != nil {
		return err
	}
	s := newSequence(file)
	defer s.drop()
	var list []ref
	if err := t.eachRef(args, wholeSequence, func(r *ref) error {
		list = append(list, *r)
		s.add(r.path)
		return nil
	}); err != nil {
		return err
	}
	if err := s.store(); err != nil {
		return err
	}
	for i := range list {
		if err := t.emitRef(&list[i]); err != nil {
			return err
		}
	}
	return nil
}
