package message

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestRawFields(t *testing.T) {
	raw := []byte("From me\r\nA: 1\r\n 2\r\ngarbage\r\nSubject:  b\r\nContent-Type: message/rfc822\r\n\r\nFrom: x\r\n\r\nbody\r\n")
	var got []string
	for f := range HeaderOf(raw).RawFields() {
		if !bytes.HasPrefix(raw[f.Start:f.End], f.Name) {
			t.Errorf("field %q is not at its place", f.Name)
		}
		got = append(got, string(raw[f.Start:f.End]))
	}
	want := []string{"A: 1\r\n 2\r\n", "Subject:  b\r\n", "Content-Type: message/rfc822\r\n"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	m := Parse(raw)
	for f := range m.RawFields(1) {
		if s := string(raw[f.Start:f.End]); s != "From: x\r\n" {
			t.Errorf("field of the message within: %q", s)
		}
	}
}

func TestParamsRaw(t *testing.T) {
	first, list := Params([]byte(` Text/Plain; CHARSET="us\"x"; filename*0*=utf-8''a; format=flowed`))
	want := []Param{{"charset", `us"x`}, {"filename*0*", "utf-8''a"}, {"format", "flowed"}}
	if first != "Text/Plain" || !reflect.DeepEqual(list, want) {
		t.Errorf("got %q %q", first, list)
	}
}

// HeaderOf is ReadHeader without a reader.
func FuzzHeaderOf(f *testing.F) {
	f.Add([]byte("From: a\n\nb"))
	f.Add([]byte("\xef\xbb\xbfFrom x\r\rA: b\r\r"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ReadHeader(bytes.NewReader(b))
		if err == nil && !bytes.Equal(h, HeaderOf(b)) {
			t.Errorf("%q, want %q", HeaderOf(b), h)
		}
	})
}

// AppendText is Text.
func FuzzAppendText(f *testing.F) {
	for _, cs := range []string{"utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252", "utf-16", ""} {
		f.Add([]byte("Content-Type: text/plain; charset="+cs+"\nContent-Transfer-Encoding: quoted-printable\n\na=C3=A4 \n\xc3\xa4=\nb\r\n"), 3)
		f.Add([]byte("Content-Type: text/html; charset="+cs+"\n\na\xc3\xa4\xc3\xa4b"+strings.Repeat("\u20ac", 30)), 7)
	}
	f.Fuzz(func(t *testing.T, raw []byte, limit int) {
		m := Parse(raw)
		for i := range m.Parts {
			want := "> " + m.Text(i, limit)
			if got := string(m.AppendText([]byte("> "), i, limit)); got != want {
				t.Errorf("part %d: %q, want %q", i, got, want)
			}
		}
	})
}
