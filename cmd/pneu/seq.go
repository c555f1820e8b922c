package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

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
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the sequence: %w", err)
	}
	parts := strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
	if s.cur, err = strconv.Atoi(parts[0]); err != nil {
		return nil, sysexits.New(sysexits.Data, "the sequence in "+file+" is damaged: store another one (pneu seq -S)")
	}
	s.paths = parts[1:]
	return s, nil
}

// store writes the sequence, whole or not at all.
func (s *sequence) store() error {
	var b strings.Builder
	b.WriteString(strconv.Itoa(s.cur))
	b.WriteByte(0)
	for _, p := range s.paths {
		b.WriteString(p)
		b.WriteByte(0)
	}
	err := os.MkdirAll(filepath.Dir(s.file), 0o700)
	if err == nil {
		tmp := fmt.Sprintf("%s.%d", s.file, os.Getpid())
		if err = os.WriteFile(tmp, []byte(b.String()), 0o600); err == nil {
			err = os.Rename(tmp, s.file)
		}
		if err != nil {
			os.Remove(tmp)
		}
	}
	if err != nil {
		return sysexits.Wrap(sysexits.CantCreate, fmt.Errorf("store the sequence: %w", err))
	}
	return nil
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
		if err := s.store(); err != nil {
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
	s := &sequence{file: file}
	var list []ref
	if err := t.eachRef(args, wholeSequence, func(r *ref) error {
		list = append(list, *r)
		s.paths = append(s.paths, r.path)
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
