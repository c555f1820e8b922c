package htmltext

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"

	"pneu/maildir/safe"
)

var update = flag.Bool("update", false, "write the expected files anew")

// Every testdata/*.html is rendered at three widths and compared with its .txt.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.html")
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, w := range []int{60, 80, 100} {
				r := Render(string(src), Options{Width: w})
				fmt.Fprintf(&b, "==== %d columns: %d links, %d pictures blocked, %d trackers, %d hidden, footer at %d\n%s",
					w, len(r.Links), r.Blocked.Images, r.Blocked.Trackers, r.Blocked.Hidden, r.Footer, r.Text)
				for i, line := range strings.Split(r.Text, "\n") {
					if safe.Width(line) > w && !strings.Contains(file, "pre") {
						t.Errorf("at %d columns line %d is %d wide: %q", w, i+1, safe.Width(line), line)
					}
				}
				if w == 80 {
					for i, l := range r.Links {
						fmt.Fprintf(&b, "[%d] %s\n", i+1, l.URL)
					}
				}
			}
			want := strings.TrimSuffix(file, ".html") + ".txt"
			if *update {
				if err := os.WriteFile(want, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			exp, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(exp) {
				t.Errorf("got\n%s\nwant\n%s", b.String(), exp)
			}
		})
	}
}

func TestRender(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"text alone", "a  b\n c", "a b c\n"},
		{"entities", "&lt;b&gt; &amp;amp; &nbsp;x&#8217;s", "<b> &amp;  x\u2019s\n"},
		{"margins collapse", "<p>a</p><div><p>b</p></div>c", "a\n\nb\n\nc\n"},
		{"blocks without margins", "<div>a</div><div>b</div>c<br>d", "a\nb\nc\nd\n"},
		{"Outlook's paragraphs", "<p class=MsoNormal>a</p><p class=MsoNormal>b</p>", "a\nb\n"},
		{"head, style, script", "<head><title>t</title><style>s</style></head><script>x</script><!-- c --><!--[if mso]>o<![endif]-->a", "a\n"},
		{"hidden", "<div style='display:none'>x</div><span style='font-size: 0px'>y</span><p style='MAX-HEIGHT:0;overflow:hidden'>z</p>a", "a\n"},
		{"white on white", "<body bgcolor=white><font color='#FFFFFF'>x</font><div style='background:#000;color:#fff'>b</div>a", "b\na\n"},
		{"white on unknown", "<font color=white>a</font>", "a\n"},
		{"a button Outlook does not see", "<a style='mso-hide:all' href='https://a.example/'>Buy</a>", "Buy [1]\n"},
		{"nested lists", "<ol><li>a<ul><li>b<li>c</ul><li value=7>d<li>e</ol>", "1. a\n   - b\n   - c\n7. d\n8. e\n"},
		{"letters", "<ol type=a start=3><li>a<li>b</ol>", "c. a\nd. b\n"},
		{"list item with paragraphs", "<ul><li><p>a</p><p>b</p></li><li></li><li>c</ul>", "* a\n\n  b\n\n* c\n"},
		{"quote", "<blockquote>a<p>b</blockquote>c", "> a\n>\n> b\n\nc\n"},
		{"Gmail's indent", "<blockquote style='margin:0 0 0 40px;border:none;padding:0px'>a</blockquote>", "    a\n"},
		{"Outlook's answer", "hi<div id=divRplyFwdMsg><b>From:</b> x</div><div>old</div>", "hi\n> From: x\n> old\n"},
		{"Yahoo's answer", "hi<div class='yahoo_quoted'><div>old</div></div>", "hi\n> old\n"},
		{"pre", "<pre>\na  b\n\tc</pre>", "a  b\n        c\n"},
		{"image", "<img alt='A cat' src='https://x/'><img src='https://x/' width=1 height=1><img src=cid:1>", "[A cat][picture]\n"},
		{"links", "<a href='https://a.example/1'>one</a>, <a href='https://b.example/'>two</a>, <a href='https://a.example/1'>one again</a>", "one [1], two [2], one again [1]\n"},
		{"link that is its text", "<a href='https://a.example/'>a.example</a> <a href='mailto:a@b.example'>a@b.example</a>", "a.example a@b.example\n"},
		{"lying link", "<a href='http://evil.example/paypal.com'>www.paypal.com</a>", "www.paypal.com [1 \u2192 evil.example]\n"},
		{"link around a block", "<a href='https://a.example/1'><div>one</div><div>two</div></a>", "one\ntwo [1]\n"},
		{"link of a picture", "<a href='https://www.shop.example/1'><img src='https://x/'></a>", "(shop.example) [1]\n"},
		{"no link", "<a href='javascript:x'>a</a><a href='#b'>b</a><a name=c></a><a href='https://a.example/'></a>", "ab\n"},
		{"layout table", "<table><tr><td><table><tr><td>a<td>b</table></td></tr></table>", "a\nb\n"},
		{"layout by role", "<table role=presentation><tr><td>a<td>1<tr><td>b<td>2</table>", "a\n1\nb\n2\n"},
		{"data table", "<table><tr><td>apples<td>12<tr><td>pears<td>7</table>", "apples  12\npears    7\n"},
		{"table with a head", "<table><tr><th>x<th>y<tr><td>1<td>word</table>", "x  y\n-  ----\n1  word\n"},
		{"colspan", "<table border=1><tr><td colspan=2>all of it<tr><td>a<td>b</table>", "all of it\na  b\n"},
		{"controls", "a&#27;[31mb\x00c\x07&#x9b;&#x202e;d\u200be\u00adf", "a\u241b[31mb\u2400c\u2407\u203adef\n"},
		{"unclosed", "<div><table><tr><td><b>a", "a\n"},
		{"closed too often", "</div></p></table>a</b>", "a\n"},
		{"a long word", strings.Repeat("x", 25), strings.Repeat("x", 20) + "\nxxxxx\n"},
		{"wide letters", strings.Repeat("\u6f22", 15), strings.Repeat("\u6f22", 10) + "\n" + strings.Repeat("\u6f22", 5) + "\n"},
		{"closing mark", strings.Repeat("\u6f22", 10) + "\u3002\u5b57", strings.Repeat("\u6f22", 9) + "\n\u6f22\u3002\u5b57\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := 60
			if strings.Contains(tt.name, "w") && (tt.name == "a long word" || tt.name == "wide letters") || tt.name == "closing mark" {
				w = 20
			}
			if got := Render(tt.in, Options{Width: w}).Text; got != tt.want {
				t.Errorf("got\n%q\nwant\n%q", got, tt.want)
			}
		})
	}
}

func TestBlocked(t *testing.T) {
	const in = `<div style="display:none">pre<img src="https://t.example/0"></div>
		<img src="http://t.example/1.gif" width="1" height="1"><img src="//t.example/2" style="width:1px"><img src="https://p.example/p.jpg" alt="p"><img src="data:x" alt="d">`
	r := Render(in, Options{})
	if r.Blocked != (Blocked{Images: 4, Trackers: 3, Hidden: 1}) {
		t.Errorf("%+v", r.Blocked)
	}
	if r.Text != "[p][d]\n" {
		t.Errorf("%q", r.Text)
	}
	if r := Render(in, Options{ShowHidden: true}); !strings.Contains(r.Text, "pre") {
		t.Errorf("asked for hidden text: %q", r.Text)
	}
}

func TestLinks(t *testing.T) {
	tests := []struct{ href, text, url, via, mismatch string }{
		{"https://www.google.com/url?q=https://a.example/x&sa=1", "x", "https://a.example/x", "google.com", ""},
		{"https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fa.example%2F&data=1", "x", "https://a.example/", "eur01.safelinks.protection.outlook.com", ""},
		{"https://urldefense.com/v3/__https://a.example/x__;!!abc$", "x", "https://a.example/x", "urldefense.com", ""},
		{"https://urldefense.proofpoint.com/v2/url?u=https-3A__a.example_x&d=1", "x", "https://a.example/x", "urldefense.proofpoint.com", ""},
		{"https://a.example/login?return=https://b.example/", "x", "https://a.example/login?return=https://b.example/", "", ""},
		{"https://evil.example/", "https://bank.com/login", "https://evil.example/", "", "evil.example"},
		{"https://evil.test/", "https://bank.test/", "https://evil.test/", "", "evil.test"},
		{"https://bank.com@evil.example/", "bank.com", "https://bank.com@evil.example/", "", "evil.example"},
		{"https://login.bank.com/", "www.bank.com", "https://login.bank.com/", "", ""},
		{"https://bank.com.evil.co.uk/", "bank.com", "https://bank.com.evil.co.uk/", "", "evil.co.uk"},
		{"http://192.0.2.1/", "bank.com", "http://192.0.2.1/", "", "192.0.2.1"},
		{"https://a.example/", "see report.pdf, e.g. here", "https://a.example/", "", ""},
		{"HTTPS://a.example/\n\t x\u202e", "x", "https://a.example/x", "", ""},
		{"https://b\u00fccher.de/", "bank.com", "https://b\u00fccher.de/", "", "xn--bcher-kva.de"},
	}
	for _, tt := range tests {
		r := Render(`<a href="`+html.EscapeString(tt.href)+`">`+tt.text+`</a>`, Options{})
		if len(r.Links) != 1 {
			t.Errorf("%s: %d links", tt.href, len(r.Links))
			continue
		}
		if l := r.Links[0]; l.URL != tt.url || l.Via != tt.via || l.Mismatch != tt.mismatch {
			t.Errorf("%s: %+v", tt.href, l)
		}
	}
}

func TestPrefer(t *testing.T) {
	long := Render("<p>"+strings.Repeat("much more text ", 50), Options{})
	tests := []struct {
		plain string
		want  bool
	}{
		{"", true}, {"See the HTML.", true}, {strings.Repeat("much more text ", 48), false},
		{strings.Repeat("text ", 40) + "View this email in your browser: ...", true},
	}
	for _, tt := range tests {
		if got := Prefer(tt.plain, long); got != tt.want {
			t.Errorf("%.30q: %v", tt.plain, got)
		}
	}
	if Prefer("", Result{}) {
		t.Error("an empty text/html is preferred")
	}
}

// The worst shapes take no more than their length.
func TestHostile(t *testing.T) {
	const size = 1 << 18 // what takes the square of it takes minutes
	rep := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for name, in := range map[string]string{
		"div": rep("<div>"), "closed div": strings.Repeat("<div>", size/11) + strings.Repeat("</div>", size/11),
		"b": rep("<b>"), "table": rep("<table><tr><td>"), "blockquote": rep("<blockquote>x"), "ul": rep("<ul><li>x"), "br": rep("<br>"), "p": rep("<p>x"),
		"wrong ends": strings.Repeat("<div>", size/12) + strings.Repeat("</td>", size/12), "wrong inline ends": strings.Repeat("<i>", size/8) + strings.Repeat("</u><u>", size/16),
		"spans": strings.Repeat("<span style='color:red'>", size/24), "one word": rep("x"), "wide word": rep("\u6f22"), "marks": "e" + rep("\u0301"), "blanks": rep(" &nbsp;"),
		"cells": "<table border=1><tr>" + rep("<td>x"), "rows": "<table border=1>" + rep("<tr><td>x<td>y"), "links": rep("<a href='https://a.example/'>x"),
		"attributes": "<a " + rep("href=x ") + ">x", "hidden": rep("<div style='display:none'>x"), "entities": rep("&#27;"), "comment": "<!--" + rep("-"), "lt": rep("<"),
		"long pre": "<pre>" + rep("x"), "tabs": "<pre>" + rep("\t"), "nested links": rep("<a href='https://a.example/'><table><td>x"), "head": rep("<h1>x"),
		"quotes": rep("<div id=divRplyFwdMsg>x"), "option": rep("<select><option>x"), "dl": rep("<dl><dd>x"),
	} {
		begin := time.Now()
		r := Render(in, Options{})
		if d := time.Since(begin); d > 20*time.Second {
			t.Errorf("%s: %v", name, d)
		}
		if err := sound(r.Text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	deep := strings.Repeat("<div>", 5000) + "the end" + strings.Repeat("</div>", 5000)
	if got := Render(deep, Options{}).Text; got != "the end\n" {
		t.Errorf("5000 levels: %q", got)
	}
	if r := Render(rep("word ")+"last", Options{Limit: 1000}); !r.Truncated || len(r.Text) > 1100 {
		t.Errorf("limit: %d bytes", len(r.Text))
	}
}

// sound returns what is wrong with rendered text.
func sound(s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("not UTF-8")
	}
	for i, r := range s {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || dropped(r) && r != '\u200d' && r != '\u200c' {
			return fmt.Errorf("%U at %d", r, i)
		}
	}
	return nil
}

func FuzzRender(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.html")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b), uint8(80))
	}
	f.Add("<a href='https://x'>\x1b]0;x\x07</a><td></tr><table><td>", uint8(3))
	f.Fuzz(func(t *testing.T, s string, w uint8) {
		r := Render(s, Options{Width: int(w), ShowHidden: w%2 == 0})
		if err := sound(r.Text); err != nil {
			t.Fatalf("%v in %q", err, r.Text)
		}
		for _, l := range r.Links {
			if strings.ContainsAny(l.URL+l.Text+l.Via+l.Mismatch, "\x1b\n\r\x00\x07\u009b") {
				t.Fatalf("link %+v", l)
			}
		}
	})
}

// Plain markup loses no word and changes no order.
func FuzzWords(f *testing.F) {
	f.Add("one two three four", []byte{1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, words string, how []byte) {
		tags := []string{"p", "div", "b", "ul", "li", "blockquote", "table", "tr", "td", "h1", "span", "pre", "center", "th"}
		var in strings.Builder
		var want []string
		for i, w := range strings.FieldsFunc(words, func(r rune) bool { return r > 'z' || r < '0' || strings.ContainsRune(":;<=>?@[\\]^_`", r) }) {
			if i < len(how) {
				tag := tags[int(how[i])%len(tags)]
				if how[i] >= 128 {
					tag = "/" + tag
				}
				in.WriteString("<" + tag + ">")
			}
			in.WriteString(w + " ")
			want = append(want, w)
		}
		got := Render(in.String(), Options{Width: 100}).Text
		marks := strings.NewReplacer(">", " ", "*", " ", "-", " ", "+", " ")
		if g := strings.Join(strings.Fields(marks.Replace(got)), ""); g != strings.Join(want, "") {
			t.Fatalf("%q became %q", in.String(), got)
		}
	})
}

func BenchmarkRender(b *testing.B) {
	src, err := os.ReadFile("testdata/newsletter.html")
	if err != nil {
		b.Fatal(err)
	}
	s := strings.Repeat(string(src), 50)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		Render(s, Options{})
	}
}
