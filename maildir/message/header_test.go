package message

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestHeader(t *testing.T) {
	h := Header("Received: one\r\nReceived: two\r\n\tand more\r\nSubject :  a\r\n \r\n\t b \r\nFROM: Ada <ada@example.org>\n" +
		"From: Eve <eve@example.com>\nTo: b@example.net\nto: =?utf-8?q?Zo=C3=AB=2C_C?= <z@example.net>\nX-Empty:\nMessage-ID: <a b@example.org> x\n" +
		"References: <1@x>\n\t<2@x><3@x> junk <\nIn-Reply-To: <4@x> from you\n\nSubject: body\n")
	if got, want := h.Get("subject"), "a \t b"; squeeze(got) != squeeze(want) {
		t.Errorf("Get(subject) = %q", got)
	}
	if got := h.Values("received"); !slices.Equal(got, []string{"one", "two\tand more"}) {
		t.Errorf("Values(received) = %q", got)
	}
	if h.Get("X-Empty") != "" || !h.Has("x-empty") || h.Has("x-none") {
		t.Error("an empty field is there, a missing one is not")
	}
	if got, want := h.Addresses("From"), []Addr{{"Ada", "ada@example.org"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("From = %q, want %q", got, want)
	}
	if got, want := h.Addresses("To"), []Addr{{"", "b@example.net"}, {"Zoë, C", "z@example.net"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("To = %q, want %q", got, want)
	}
	if got := h.MessageID(); got != "ab@example.org" {
		t.Errorf("MessageID() = %q", got)
	}
	if got := h.References(); !slices.Equal(got, []string{"1@x", "2@x", "3@x", "4@x"}) {
		t.Errorf("References() = %q", got)
	}
	var names []string
	for name := range h.Fields() {
		names = append(names, name)
	}
	if got := strings.Join(names, " "); got != "Received Received Subject FROM From To to X-Empty Message-ID References In-Reply-To" {
		t.Errorf("Fields() = %s", got)
	}
}

// Raw eight-bit text is read in the charset that the body declares, if it is not UTF-8.
func TestRawHeader(t *testing.T) {
	h := Header("Subject: \xf0\xd2\xc9\xd7\xc5\xd4\nContent-Type: text/plain; charset=koi8-r\n\n")
	if got := h.Text("Subject"); got != "Привет" {
		t.Errorf("Text = %q", got)
	}
	if got := h.Summary().Subject; got != "Привет" {
		t.Errorf("Summary = %q", got)
	}
}

func TestSummary(t *testing.T) {
	m := read(t, "everything-in-one.eml")
	b := m.Raw
	want := m.Header(0).Summary()
	if want.Subject != "Grüße an alle" || want.MessageID != "mixed@example.org" || !want.HasAttachment ||
		len(want.From) != 1 || want.From[0].Name != "Ada, Countess" || len(want.To) != 2 || want.Date.Unix() != 1772528400 {
		t.Errorf("summary %+v", want)
	}
	for name, r := range map[string]io.Reader{
		"whole":    bytes.NewReader(b),
		"a byte":   iotest.OneByteReader(bytes.NewReader(b)),
		"data+EOF": iotest.DataErrReader(bytes.NewReader(b)),
	} {
		if got, err := ReadSummary(r); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	long := append([]byte("Received: "+strings.Repeat("x ", 20000)+"\n"), b...)
	if got, err := ReadSummary(bytes.NewReader(long)); err != nil || got.Subject != "" && got.Subject != want.Subject {
		t.Errorf("long: %+v, %v", got, err)
	}
	if _, err := ReadSummary(iotest.ErrReader(errors.New("disk"))); err == nil {
		t.Error("a read error is lost")
	}
	if _, err := ReadSummary(strings.NewReader("")); err == nil {
		t.Error("an empty file has no summary")
	}
}

func TestParams(t *testing.T) {
	tests := []struct{ name, in, typ, key, want string }{
		{"usual", `text/plain; charset="utf-8"`, "text/plain", "charset", "utf-8"},
		{"empty parameters", `text/html;;charset=utf-8;`, "text/html", "charset", "utf-8"},
		{"blanks and no quotes", `application/pdf; name=my long name.pdf; x=y`, "application/pdf", "name", "my long name.pdf"},
		{"semicolon forgotten", `text/plain; name="a b" charset=utf-8`, "text/plain", "charset", "utf-8"},
		{"comments", `text/plain (a; b="c"); charset (x) = us-ascii (Plain)`, "text/plain", "charset", "us-ascii"},
		{"blanks around the slash", `text / html; charset=utf-8`, "text/html", "charset", "utf-8"},
		{"quote not closed", `text/plain; name="a; charset=utf-8`, "text/plain", "charset", "utf-8"},
		{"escapes", `text/plain; name="a\"b\\c"`, "text/plain", "name", `a"b\c`},
		{"fold in quotes", "text/plain; name=\"a\r\n b\"", "text/plain", "name", "a b"},
		{"percent", `text/plain; name*=utf-8'de'gr%C3%BC%zz`, "text/plain", "name", "grü%zz"},
		{"continuations", `text/plain; name*1=b; name*0="a "; name*2*=%63`, "text/plain", "name", "a bc"},
		{"split character", `text/plain; name*0*=utf-8''gr%C3; name*1*=%BC`, "text/plain", "name", "grü"},
		{"gap", `text/plain; name*0=a; name*2=c`, "text/plain", "name", "a"},
		{"plain beside continued", `text/plain; name=plain; name*0=con; name*1=tinued`, "text/plain", "name", "continued"},
		{"twice", `text/plain; name=a; name=b`, "text/plain", "name", "a"},
		{"encoded word", `text/plain; name="=?utf-8?q?gr=C3=BC?="`, "text/plain", "name", "grü"},
		{"no charset in 2231", `text/plain; name*=%e9`, "text/plain", "name", "é"},
		{"no type", `charset=utf-8`, "", "charset", "utf-8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var ps params
			ps.reset([]byte(tt.in))
			if string(ps.value) != tt.typ {
				t.Errorf("value %q, want %q", ps.value, tt.typ)
			}
			if got, _ := ps.text(tt.key); got != tt.want {
				t.Errorf("%s = %q, want %q", tt.key, got, tt.want)
			}
		})
	}
}

func TestTransfer(t *testing.T) {
	tests := []struct{ name, encoding, in, want string }{
		{"base64", "base64", "aGVs\r\nbG8=\r\n", "hello"},
		{"no padding", "base64", "aGVsbG8", "hello"},
		{"foreign octets", "base64", "aG!Vs*b\x00G8=", "hello"},
		{"text after the padding", "base64", "aGVsbG8=\n-- \nlist footer here\n", "hello"},
		{"joined pieces", "base64", "aGVsbG8=\nIHdvcmxk\n", "hello world"},
		{"a digit too many", "base64", "aGVsb", "hel"},
		{"padding alone", "base64", "====", ""},
		{"quoted-printable", "quoted-printable", "caf=C3=A9 =\r\nau lait", "café au lait"},
		{"small digits", "quoted-printable", "=c3=a9", "é"},
		{"blanks at line ends", "quoted-printable", "a  \nb =  \nc\t\n", "a\nb c\n"},
		{"no escape", "quoted-printable", "a=ZZ b= c=4", "a=ZZ b= c=4"},
		{"soft end", "quoted-printable", "a=", "a"},
		{"uuencode", "x-uuencode", "x\nbegin 644 a\n#0V%T\n`\nend\n", "Cat"},
		{"no uuencode", "x-uuencode", "just text", "just text"},
		{"unknown", "x-what", "as it is", "as it is"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(decode(tt.encoding, []byte(tt.in))); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// DecodeTo works in pieces; a group of digits may be cut by one, and padding may end one.
func TestDecodeToPieces(t *testing.T) {
	for cut := range 5 {
		body := strings.Repeat("\n", cut) + strings.Repeat("aGVsbG8gd29ybGQh\n", 50000) + "aGk=\naGk=\nfooter text\n"
		m := Parse([]byte("Content-Transfer-Encoding: base64\n\n" + body))
		var b bytes.Buffer
		if err := m.DecodeTo(&b, 0); err != nil || b.String() != strings.Repeat("hello world!", 50000)+"hihi" || !bytes.Equal(m.Decode(0), b.Bytes()) {
			t.Errorf("cut %d: %d bytes, %v", cut, b.Len(), err)
		}
	}
}

func TestAddrString(t *testing.T) {
	for _, a := range []Addr{{"", "a@b.example"}, {"Ada, C", "a@b.example"}, {"Zoë", "z@b.example"}, {"=?x?=", "a@b.example"}} {
		if again := (Header("To: " + a.String() + "\n\n")).Addresses("to"); len(again) != 1 || again[0] != a {
			t.Errorf("%s is read as %q", a, again)
		}
	}
}
