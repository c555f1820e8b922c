package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unsafe"

	"pneu/cmd/internal/boot"
	"pneu/maildir/index"
	"pneu/mta/sysexits"
)

// What a verb takes when nothing is named and stdin is a terminal.
type fallback int

const (
	wholeSequence fallback = iota
	current
)

// maxRecord bounds one record of the input.
const maxRecord = 1 << 20

// each calls f for every message named by args; without any, for those named on stdin,
// or of the session's sequence. An error of f ends the walk; what is wrong with one
// message is reported and the others go on.
func (t *tool) each(args []string, fb fallback, f func(*msg) error) error {
	return t.eachRef(args, fb, func(r *ref) error { return f(r.msg()) })
}

// eachRef is each for verbs that work on refs. What r points to is good for the one call.
func (t *tool) eachRef(args []string, fb fallback, f func(r *ref) error) error {
	if t.slow {
		p := t.progress(strings.TrimPrefix(t.name, "pneu "))
		t.bar = p
		defer p.end()
		do, done := f, 0
		f = func(r *ref) error {
			done++
			p.count(done)
			return do(r)
		}
	}
	work := f
	f = func(r *ref) error {
		if err := t.interrupted(); err != nil {
			return err
		}
		return work(r)
	}
	if len(args) > 0 {
		t.asked = true
		return t.eachArg(args, f)
	}
	file, isFile := t.in.(*os.File)
	if isFile && isTerminal(file) {
		s, err := t.sequence()
		if err != nil {
			return err
		}
		if len(s.paths) == 0 {
			return boot.Usage("no messages named, and no sequence stored (pneu seq -S stores one)")
		}
		if fb == current {
			return t.eachArg([]string{"."}, f)
		}
		return t.eachArg([]string{"1:$"}, f)
	}
	if isFile {
		if st, err := file.Stat(); err != nil || st.Mode()&os.ModeCharDevice != 0 {
			return boot.Usage("no messages named: give paths or numbers, or pipe paths in")
		}
	}
	return t.eachRecord(patient{t}, f)
}

// eachArg resolves arguments: numbers of the sequence, paths, or "-" for a message on stdin.
func (t *tool) eachArg(args []string, f func(*ref) error) error {
	for _, a := range args {
		if a == "-" {
			raw, err := io.ReadAll(t.reading(t.in))
			if err != nil {
				return err
			}
			if len(raw) == 0 {
				return sysexits.New(sysexits.Data, "standard input holds no message")
			}
			if err := f(&ref{path: "-", m: &msg{path: "-", raw: raw}}); err != nil {
				return err
			}
			continue
		}
		if !isSequence(a) {
			if err := t.path(a, 0, f); err != nil {
				return err
			}
			continue
		}
		s, err := t.sequence()
		if err != nil {
			return err
		}
		numbers, err := t.numbers(s, a)
		if err != nil {
			return err
		}
		for _, n := range numbers {
			if err := t.path(s.paths[n-1], n, f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tool) path(path string, num int, f func(*ref) error) error {
	r := &t.given // one for all: most go as they came
	var err error
	if *r, err = t.refAt(path); err != nil {
		t.fail(path, err)
		return nil
	}
	if num > 0 {
		r.num = int32(num)
		if r.m != nil {
			r.m.num = num
		}
	}
	return f(r)
}

// eachRecord reads paths in one of three forms, told by the first record: ended by NUL,
// JSON objects with a field "path", or lines.
func (t *tool) eachRecord(r io.Reader, f func(*ref) error) error {
	br := bufio.NewReaderSize(r, 256<<10)
	first, err := br.Peek(1)
	for err == nil && first[0] == '\n' {
		br.Discard(1)
		first, err = br.Peek(1)
	}
	if err == io.EOF {
		return nil
	}
	if err != nil {
		return unread(sysexits.IO, err)
	}
	if first[0] == '{' {
		return t.eachJSON(br, f)
	}
	end, record, err := firstRecord(br)
	for {
		if err != nil && err != io.EOF {
			return unread(sysexits.Data, err)
		}
		if ferr := t.record(string(record), end, f); ferr != nil {
			return ferr
		}
		if err == io.EOF {
			return nil
		}
		if ferr := t.buffered(br, end, f); ferr != nil {
			return ferr
		}
		record, err = readRecord(br, end)
	}
}

// record works on one path as it was read.
func (t *tool) record(path string, end byte, f func(*ref) error) error {
	if path = trimmed(path, end); path == "" {
		return nil
	}
	return t.path(path, 0, f)
}

func trimmed(path string, end byte) string {
	if end == '\n' {
		path = strings.TrimSuffix(path, "\r")
		path = strings.TrimLeft(path, " ") // mblaze marks the depth in a thread so
	}
	return path
}

// buffered works on the records that have come whole already, many at a time: they are parts
// of one string, which is the buffer itself if their paths are not kept.
func (t *tool) buffered(br *bufio.Reader, end byte, f func(*ref) error) error {
	b, _ := br.Peek(br.Buffered())
	b = b[:bytes.LastIndexByte(b, end)+1]
	br.Discard(len(b))
	block := ""
	if t.lean {
		block = unsafe.String(unsafe.SliceData(b), len(b)) // until br is read again
	} else {
		block = string(b)
	}
	for len(block) > 0 {
		t.paths = t.paths[:0]
		for len(block) > 0 && len(t.paths) < 256 {
			n := strings.IndexByte(block, end)
			if path := trimmed(block[:n], end); path != "" {
				t.paths = append(t.paths, path)
			}
			block = block[n+1:]
		}
		for rest := t.paths; len(rest) > 0; {
			n, err := t.run(rest, f)
			if err != nil {
				return err
			}
			rest = rest[n:]
		}
	}
	return nil
}

// run works on the paths at the beginning of a list that are in one directory, and returns
// how many those are.
func (t *tool) run(paths []string, f func(*ref) error) (n int, err error) {
	dir := paths[0][:strings.LastIndexByte(paths[0], '/')+1]
	t.files = t.files[:0]
	for n < len(paths) && strings.HasPrefix(paths[n], dir) { // a name with a slash is in no index
		t.files = append(t.files, paths[n][len(dir):])
		n++
	}
	b, v := t.folderOf(dir)
	if v == nil {
		for _, path := range paths[:n] {
			if err := t.path(t.kept(path), 0, f); err != nil {
				return n, err
			}
		}
		return n, nil
	}
	if t.finder == nil {
		t.finder = &index.Finder{}
	}
	t.found = t.finder.LookupAll(v.Index(), t.found[:0], t.files, t.lane.isNew)
	for i, path := range paths[:n] {
		if t.found[i].Match != index.Same {
			if err := t.path(t.kept(path), 0, f); err != nil {
				return n, err
			}
			continue
		}
		t.given = ref{b: b, v: v, n: t.found[i].Row}
		if !t.lean {
			t.given.path = path
		}
		if err := f(&t.given); err != nil {
			return n, err
		}
	}
	return n, nil
}

// kept is a path of a block that may be kept.
func (t *tool) kept(path string) string {
	if t.lean {
		return strings.Clone(path)
	}
	return path
}

var errLong = errors.New("a record is longer than 1 MB: these are no paths")

// firstRecord reads up to the first NUL, which makes it the end of records, or line end. A
// line end may be part of a name if a NUL follows in what has come already.
func firstRecord(br *bufio.Reader) (end byte, record []byte, err error) {
	seen, _ := br.Peek(br.Buffered())
	end = '\n'
	if bytes.IndexByte(seen, 0) >= 0 {
		end = 0
	}
	record, err = readRecord(br, end)
	return end, record, err
}

func readRecord(br *bufio.Reader, end byte) ([]byte, error) {
	var record []byte
	for {
		part, err := br.ReadSlice(end)
		record = append(record, part...)
		if len(record) > maxRecord {
			return nil, errLong
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		return bytes.TrimSuffix(record, []byte{end}), err
	}
}

// A given is what is read of a record in JSON.
type given struct {
	Path *string `json:"path"`
	Dest string  `json:"dest"`
}

// with hands on where a dry run would have put the message.
func (g given) with(f func(*ref) error) func(*ref) error {
	if g.Dest == "" {
		return f
	}
	return func(r *ref) error {
		r.msg().dest = g.Dest
		return f(r)
	}
}

func (t *tool) eachJSON(br *bufio.Reader, f func(*ref) error) error {
	line := 0
	for {
		record, err := readRecord(br, '\n')
		line++
		at := line
		if string(bytes.TrimRight(record, "\r ")) == "{" && err == nil {
			var n int
			record, n, err = laidOut(br, record)
			line += n
		}
		if len(bytes.TrimSpace(record)) > 0 {
			var r given
			if jerr := json.Unmarshal(record, &r); jerr != nil || r.Path == nil {
				t.fail(fmt.Sprintf("standard input, line %d", at), errors.New("no JSON object with a path"))
			} else if ferr := t.path(*r.Path, 0, r.with(f)); ferr != nil {
				return ferr
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return unread(sysexits.Data, err)
		}
	}
}

// laidOut reads the rest of an object that is laid out for people, as jq does without -c:
// up to the brace at the margin.
func laidOut(br *bufio.Reader, record []byte) (object []byte, lines int, err error) {
	for err == nil {
		var more []byte
		more, err = readRecord(br, '\n')
		lines++
		if record = append(append(record, '\n'), more...); len(record) > maxRecord {
			return nil, lines, errors.New("an object is longer than 1 MB: it tells of no message")
		}
		if len(more) > 0 && more[0] == '}' {
			break
		}
	}
	return record, lines, err
}

// all gathers the messages for the verbs that cannot stream.
func (t *tool) all(args []string, fb fallback) ([]*msg, error) {
	var list []*msg
	err := t.each(args, fb, func(m *msg) error {
		list = append(list, m)
		return nil
	})
	return list, err
}

// isSequence reports whether an argument is an expression like 3, 1:5, 4:, ., $, .+1, 3=, 3^.
func isSequence(a string) bool {
	if a == "" || strings.Trim(a, "0123456789.$:+-=^") != "" {
		return false
	}
	if p, ok := cutRelation(a); ok {
		return isPlace(p)
	}
	a, b, isRange := strings.Cut(a, ":")
	return (isPlace(a) || isRange && a == "") && (!isRange || b == "" || isPlace(b))
}

// cutRelation cuts the sign for a relative of a message: = for its thread, ^ for what it answers.
func cutRelation(a string) (place string, ok bool) {
	if n := len(a) - 1; n > 0 && (a[n] == '=' || a[n] == '^') {
		return a[:n], true
	}
	return a, false
}

func isPlace(s string) bool {
	if s == "$" || s == "." {
		return true
	}
	if strings.HasPrefix(s, ".+") || strings.HasPrefix(s, ".-") {
		s = s[2:]
	}
	return s != "" && strings.Trim(s, "0123456789") == ""
}
