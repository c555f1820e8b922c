package digest

import (
	"bytes"
	"strings"
	"testing"

	"pneu/maildir/message"
)

func TestHTML(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"words stay whole", "<p>W<b>or</b>d<wbr>s</p><p>next", "words next"},
		{"cells are apart", "<table><tr><td>a<td>b</table>", "a b"},
		{"references", "a&nbsp;b &amp;&lt;x&gt; &uuml;&#252;&#xfc; &copy2 &; &nosuch; AT&T &#0; &#x80;", "a b &<x> üüü ©2 &; &nosuch; at&t \ufffd €"},
		{"styles and scripts", "<style>p { a > b }</style>a<script>if (a</b>c) {}</SCRIPT >b<title>no</title>", "a b"},
		{"script never closed", "a<script>b", "a "},
		{"comments", "a<!-- <p>no</p> -->b<!DOCTYPE x><![if !mso]>c<!-->d<?xml x?>", "abcd"},
		{"comment never closed", "a<!-- b", "a"},
		{"quotes in tags", `<a title="x>y" href='>'>text</a><img alt="a picture" src=x><img src=y alt=word>`, "text a picture word"},
		{"no tags", "a < b <3 c<", "a < b <3 c<"},
		{"hidden", `<div style="display:none">preheader</div>x`, "preheader x"},
		{"soft hyphen", "Stra&shy;&#173;ße", "straße"},
		{"unclosed quote", `<a b="x>y<p>z`, "y z"},
		{"tag never closed", "a<p b", "a "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.TrimPrefix(string(Fold(nil, string(appendHTML(nil, []byte(tt.in))))), " ")
			if strings.TrimSpace(got) != strings.TrimSpace(tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// What comes of HTML is not longer than what went in, but for references, and takes time in proportion.
func FuzzHTML(f *testing.F) {
	f.Add([]byte("<p a='>\"<b alt=x>&amp;<!-- -->"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if out := appendHTML(nil, b); len(out) > 6*len(b)+16 {
			t.Errorf("%d bytes of %d", len(out), len(b))
		}
	})
}

func TestText(t *testing.T) {
	const head = "From: a@b.c\nSubject: not this\n"
	tests := []struct{ name, in, want string }{
		{"plain", head + "\nOne\ntwo\n", "one two"},
		{"alternatives are both read", head + "Content-Type: multipart/alternative; boundary=b\n\n--b\n\nplain\n--b\nContent-Type: text/html\n\n<p>rich\n--b--\n", "plain rich"},
		{"names of files", head + "Content-Type: application/pdf; name=\"Rechnung M\xc3\xa4rz.pdf\"\n\nJVBERi0=\n", "rechnung märz.pdf"},
		{"text that is a file", head + "Content-Type: text/x-patch; name=a.diff\nContent-Disposition: attachment\n\n+new line\n", "a.diff +new line"},
		{"message within", head + "Content-Type: message/rfc822\n\nFrom: Inner <i@x.y>\nSubject: Within\n\ntext\n", "inner <i@x.y> within text"},
		{"encoded message within", head + "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogZGVlcAoKdGV4dAo=\n", "deep text"},
		{"delivery status", head + "Content-Type: message/delivery-status\n\nAction: failed\n", "action: failed"},
		{"another charset", head + "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nf=FCr =\nalle\n", "für alle"},
		{"flowed, delsp", head + "Content-Type: text/plain; format=flowed; delsp=yes\n\nalge \nbraic \n-- \nme", "algebraic -- me"},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.TrimSpace(string(Fold(nil, Text(message.Parse([]byte(tt.in)))))); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTextIsBounded(t *testing.T) {
	part := "--b\n\n" + strings.Repeat("words without end \u00e4\n", 60000)
	raw := []byte("Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat(part, 3))
	if n := len(Text(message.Parse(raw))); n > MaxText || n < MaxText-maxPartText {
		t.Errorf("%d bytes", n)
	}
}

func TestPreview(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"passes over what is quoted", "\nAda wrote:\n> old\n\nNew  text\nhere.\n-- \nme\n", "New text here."},
		{"nothing but quotes", "> old\n", "> old"},
		{"signed", "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nText\n-----BEGIN PGP SIGNATURE-----\nabc\n", "Text"},
		{"encrypted", "-----BEGIN PGP MESSAGE-----\n\nhQ\n", ""},
		{"control characters", "a\x1b[1m\x00b \u202ec\n", "a[1mb c"},
		{"long", strings.Repeat("words ", 100), strings.Repeat("words ", 19) + "words w"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Decode(Make(nil, []byte("From: a@b.c\n\n"+tt.in)))
			if err != nil || d.Preview() != tt.want {
				t.Errorf("got %q, %v, want %q", d.Preview(), err, tt.want)
			}
		})
	}
}

func TestClass(t *testing.T) {
	file := func(ctype, more string) string {
		return "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: " + ctype + "\n" + more + "\nx\n--b--\n"
	}
	tests := []struct {
		name, in string
		want     Class
	}{
		{"plain", "Subject: a\n\nx\n", 0},
		{"file", file("application/pdf", ""), Attachment | LikelyAttachment},
		{"no file", file("text/plain", ""), LikelyAttachment},
		{"danger", file("application/octet-stream; name=a.JS", ""), Attachment | LikelyAttachment | Danger},
		{"signed", "Content-Type: multipart/signed; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: application/pgp-signature; name=s.asc\n\nx\n--b--\n", Signed},
		{"encrypted", "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nx\n", Attachment | LikelyAttachment | Encrypted},
		{"picture of the text", "Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>\n--b\nContent-Type: image/png\nContent-ID: <a>\n\nx\n--b--\n", HTMLOnly},
		{"invitation", "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n", Calendar},
		{"report", "Content-Type: multipart/report; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: message/delivery-status\n\nx\n--b--\n", Report},
		{"reply", "Subject: Re: a\n\nx\n", Reply},
		{"patch", "Subject: [RFC PATCH 1/2] a\n\nx\n", Patch},
		{"automatic", "Auto-Submitted: auto-replied\n\nx\n", Auto},
		{"not automatic", "Auto-Submitted: no\n\nx\n", 0},
		{"important", "Importance: High\n\nx\n", Important},
		{"odd", "Content-Type: multipart/mixed\n\nx\n", Odd | LikelyAttachment},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Decode(Make(nil, []byte(tt.in)))
			if err != nil || d.Class() != tt.want {
				t.Errorf("got %016b, %v, want %016b", d.Class(), err, tt.want)
			}
		})
	}
}

// Hostile messages give bounded digests that say so.
func TestTruncated(t *testing.T) {
	tests := []struct{ name, in string }{
		{"recipients", "To: " + strings.Repeat("a@b.c, ", 20000) + "\n\nx\n"},
		{"many To fields", strings.Repeat("To: somebody@example.org\n", 20000) + "\nx\n"},
		{"subject", "Subject: " + strings.Repeat("word ", 2000) + "\n\nx\n"},
		{"references", "References: " + strings.Repeat("<a@b>\n ", 50000) + "\n\nx\n"},
		{"parts", "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\nContent-Description: a file\n\nx\n", 5000)},
		{"fields of parts", "Content-Type: multipart/mixed; boundary=b\n\n--b\n" + strings.Repeat("Content-Description: a file\n", 5000) +
			"Content-ID: " + strings.Repeat("x", 5000) + "\n\nx\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := Make(nil, []byte(tt.in))
			d, err := Decode(b)
			if err != nil || !d.Truncated() || len(b) > MaxSize {
				t.Errorf("%d bytes, truncated %v, %v", len(b), d.Truncated(), err)
			}
			everything(d)
			if _, ok := d.AppendFields(nil, "From"); ok {
				t.Error("says that it has all fields")
			}
			if again := Make(nil, []byte(tt.in)); !bytes.Equal(b, again) {
				t.Error("made twice it differs")
			}
		})
	}
}
