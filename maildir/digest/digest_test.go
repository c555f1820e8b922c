package digest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pneu/maildir/message"
)

// corpus calls f for each message of the shared mail corpus, which is no part of this repository, and of the few here.
func corpus(tb testing.TB, f func(path string, raw []byte)) {
	dir := os.Getenv("PNEU_CORPUS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpus")
	}
	n := 0
	for _, dir := range []string{dir, "testdata"} {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".eml") {
				return nil
			}
			raw, err := os.ReadFile(path)
			if err == nil {
				f(path, raw)
				n++
			}
			return err
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	tb.Logf("%d messages", n)
}

// check compares a digest with what package message says of the same bytes.
func check(t *testing.T, raw []byte) Digest {
	t.Helper()
	m := message.Parse(raw)
	b := Make([]byte("before"), raw)
	if string(b[:6]) != "before" {
		t.Fatal("Make does not append")
	}
	b = b[6:]
	d, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, Append(nil, m)) {
		t.Error("a second digest differs")
	}
	if len(b) > MaxSize {
		t.Errorf("%d bytes", len(b))
	}
	if d.Size() != int64(len(raw)) {
		t.Errorf("size %d, want %d", d.Size(), len(raw))
	}
	lf, crlf := bytes.Count(raw, []byte("\n")), bytes.Count(raw, []byte("\r\n"))
	if want := int64(len(raw) + lf - crlf); d.WireSize() != want {
		t.Errorf("wire size %d, want %d", d.WireSize(), want)
	}
	if want := max(lf, crOnly(raw)); d.Lines() != want {
		t.Errorf("%d lines, want %d", d.Lines(), want)
	}
	if d.Truncated() {
		return d
	}
	want, err := message.ReadSummary(bytes.NewReader(raw))
	if got := d.Summary(); err == nil && !same(got, want) {
		t.Errorf("summary\n%#v\nwant\n%#v", got, want)
	}
	if bcc := message.HeaderOf(raw).Addresses("Bcc"); !reflect.DeepEqual(d.Bcc(), bcc) {
		t.Errorf("bcc %q, want %q", d.Bcc(), bcc)
	}
	base, reply := message.BaseSubject(want.Subject)
	if d.BaseSubject() != HashSubject(base) || (d.Class()&Reply != 0) != reply {
		t.Errorf("base subject %q: %x, reply %v", base, d.BaseSubject(), d.Class()&Reply)
	}
	if (d.Class()&List != 0) != (want.List != "") {
		t.Error("class List")
	}
	checkParts(t, m, d)
	checkFields(t, m, d)
	return d
}

func crOnly(raw []byte) int {
	if bytes.IndexByte(raw, '\n') >= 0 {
		return 0
	}
	return bytes.Count(raw, []byte("\r"))
}

// same compares summaries; dates by what they are rather than how they are held.
func same(a, b message.Summary) bool {
	if !a.Date.Equal(b.Date) || a.Date.Format("-0700") != b.Date.Format("-0700") {
		return false
	}
	a.Date = b.Date
	if len(a.References) == 0 && len(b.References) == 0 {
		a.References, b.References = nil, nil
	}
	return reflect.DeepEqual(a, b)
}

func checkParts(t *testing.T, m *message.Message, d Digest) {
	t.Helper()
	if d.NumParts() != len(m.Parts) {
		t.Errorf("%d parts, want %d", d.NumParts(), len(m.Parts))
		return
	}
	for i, p := range d.Parts() {
		if p.Part != m.Parts[i] {
			t.Errorf("part %d\n%+v, want\n%+v", i, p.Part, m.Parts[i])
		}
		body := m.Body(i)
		bare := 0
		for j, c := range body {
			if at := p.BodyStart + j; c == '\n' && (at == 0 || m.Raw[at-1] != '\r') {
				bare++
			}
		}
		if p.WireSize() != len(body)+bare {
			t.Errorf("part %d is %d octets on the wire, want %d", i, p.WireSize(), len(body)+bare)
		}
		if i > 0 {
			for f := range m.RawFields(i) {
				if fieldOf(f.Name) == fieldType {
					if got := p.Field("Content-Type"); !bytes.Equal(got, bytes.Trim(f.Value, " \t\r\n")) {
						t.Errorf("part %d: %q, want %q", i, got, f.Value)
					}
					break
				}
			}
		}
	}
	_, _, files := m.Display()
	got := d.Attachments()
	if len(got) != len(files) {
		t.Errorf("attachments %v, want %v", got, files)
		return
	}
	for k, i := range files {
		p := &m.Parts[i]
		if a := got[k]; a.Part != i || a.Type != p.ContentType() || a.Name != p.Filename {
			t.Errorf("attachment %+v, want part %d", a, i)
		}
	}
}

func checkFields(t *testing.T, m *message.Message, d Digest) {
	t.Helper()
	h := message.HeaderOf(m.Raw)
	var want, subset []byte
	var names []string
	for f := range h.RawFields() {
		line := h[f.Start:f.End]
		if id := fieldOf(f.Name); id != fieldNone && id != fieldAuth && id != fieldTo {
			subset = append(subset, line...)
			names = append(names, strings.ToUpper(string(f.Name)))
		}
		if id := fieldOf(f.Name); id != fieldNone && id != fieldAuth {
			want = append(append(append(want, f.Name...), 0), bytes.Trim(f.Value, " \t\r\n")...)
		}
	}
	var got []byte
	for name, value := range d.Fields() {
		if fieldOf(name) != fieldAuth {
			got = append(append(append(got, name...), 0), value...)
		}
	}
	if !bytes.Equal(got, want) {
		t.Errorf("fields %q, want %q", got, want)
	}
	if got, ok := d.AppendFields(nil, names...); !ok || !bytes.Equal(got, subset) {
		t.Errorf("fields %q, want %q", got, subset)
	}
}

func TestCorpus(t *testing.T) {
	var total, most, n, truncated int
	var texts Texter
	seen := 0
	corpus(t, func(path string, raw []byte) {
		if seen++; raceEnabled && seen%8 != 0 {
			return
		}
		d := check(t, raw)
		if t.Failed() {
			t.Fatalf("in %s", path)
		}
		n++
		total += len(d.Bytes())
		most = max(most, len(d.Bytes()))
		if d.Truncated() {
			truncated++
			t.Logf("truncated: %s, %d bytes", path, len(d.Bytes()))
		}
		head := Head(nil, d)
		if bytes.Count(head, []byte{0}) != 7 {
			t.Errorf("%s: head %q", path, head)
		}
		m := message.Parse(raw)
		text := Text(m)
		if !bytes.Equal(texts.Folded(nil, m), Fold(nil, text)) {
			t.Errorf("%s: Folded is not Fold of Text", path)
		}
		if len(text) > MaxText {
			t.Errorf("%s: text of %d bytes", path, len(text))
		}
	})
	if n > 0 {
		t.Logf("on average %d bytes, at most %d; %d truncated", total/n, most, truncated)
	}
}

func TestDecode(t *testing.T) {
	b := Make(nil, []byte("From: a@b.c\n\nx\n"))
	if _, err := Decode(b); err != nil {
		t.Error(err)
	}
	if _, err := Decode(append([]byte{Version + 1}, b[1:]...)); !errors.Is(err, ErrVersion) {
		t.Error(err)
	}
	for n := range b {
		if _, err := Decode(b[:n]); !errors.Is(err, ErrFormat) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	everything(Digest{})
}

// everything asks a digest all there is.
func everything(d Digest) int {
	n := len(fmt.Sprint(d.Summary(), d.Bcc(), d.Sender(), d.Class(), d.Truncated(), d.FromName(), string(d.FromAddrBytes()), d.Preview(), d.Lang(),
		d.BaseSubject(), d.Attachments(), d.Lines(), d.Size(), d.WireSize(), d.Unsubscribe(), d.Auth(), d.NumParts()))
	for _, p := range d.Parts() {
		n += len(fmt.Sprint(p.Part, p.WireSize(), p.Field("Content-Type"), p.Field("Subject")))
	}
	for name, value := range d.Fields() {
		n += len(name) + len(value)
	}
	for name, addr := range d.Mailboxes() {
		n += len(name) + len(addr)
	}
	return n + len(Head(nil, d))
}

// Whatever the bytes are, reading them does not panic and makes no more than they are.
func FuzzDecode(f *testing.F) {
	corpus(f, func(path string, raw []byte) {
		if len(raw) < 2000 {
			f.Add(Make(nil, raw))
		}
	})
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, err := Decode(b); err == nil {
			if n := everything(d); n > 100*len(b)+10000 {
				t.Errorf("%d bytes made of %d", n, len(b))
			}
		}
	})
}

func FuzzMake(f *testing.F) {
	corpus(f, func(path string, raw []byte) {
		if len(raw) < 3000 {
			f.Add(raw)
		}
	})
	f.Fuzz(func(t *testing.T, raw []byte) { check(t, raw) })
}
