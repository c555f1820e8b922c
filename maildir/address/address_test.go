package address

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseList(t *testing.T) {
	tests := []struct {
		name, in string
		want     []Address
	}{
		{"bare", "ada@example.org", []Address{{"", "ada@example.org", ""}}},
		{"angle", "Ada Lovelace <ada@example.org>", []Address{{"Ada Lovelace", "ada@example.org", ""}}},
		{"quoted name with comma", `"Lovelace, Ada" <ada@example.org>, b@example.net`,
			[]Address{{"Lovelace, Ada", "ada@example.org", ""}, {"", "b@example.net", ""}}},
		{"escapes in a name", `"Ada \"the first\" \\" <a@b.example>`, []Address{{`Ada "the first" \`, "a@b.example", ""}}},
		{"dot in a phrase", "Joe Q. Public <joe@example.com>", []Address{{"Joe Q. Public", "joe@example.com", ""}}},
		{"comments everywhere", "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
			[]Address{{"Pete", "pete@silly.test", ""}}},
		{"nested comment as a name", "ada@example.org (Ada (of) London)", []Address{{"Ada (of) London", "ada@example.org", ""}}},
		{"group", "A Group:Ed Jones <c@a.test>,joe@where.test;",
			[]Address{{"Ed Jones", "c@a.test", "A Group"}, {"", "joe@where.test", "A Group"}}},
		{"empty group", "undisclosed-recipients:;", nil},
		{"after a group", "g: a@x.example; b@x.example", []Address{{"", "a@x.example", "g"}, {"", "b@x.example", ""}}},
		{"route", "Mary <@a.test,@b.test:mary@example.net>", []Address{{"Mary", "mary@example.net", ""}}},
		{"blanks around dots", "jdoe@test  . example, a . b @ c.example",
			[]Address{{"", "jdoe@test.example", ""}, {"", "a.b@c.example", ""}}},
		{"empty elements", ", ,a@b.example,,", []Address{{"", "a@b.example", ""}}},
		{"semicolons", "a@b.example; c@d.example", []Address{{"", "a@b.example", ""}, {"", "c@d.example", ""}}},
		{"quoted local part", `"john doe"@example.org`, []Address{{"", `"john doe"@example.org`, ""}}},
		{"quotes without need", `<"john"@example.org>`, []Address{{"", "john@example.org", ""}}},
		{"domain literal", "a@[IPv6:2001:db8::1]", []Address{{"", "a@[IPv6:2001:db8::1]", ""}}},
		{"colon in a literal after a name", "A <a@[IPv6:::1]>, b@c.example",
			[]Address{{"A", "a@[IPv6:::1]", ""}, {"", "b@c.example", ""}}},
		{"name without brackets", "John Doe john@example.org", []Address{{"John Doe", "john@example.org", ""}}},
		{"name alone", "John Doe", []Address{{"John Doe", "", ""}}},
		{"local user", "root", []Address{{"", "root", ""}}},
		{"null address", "MAILER-DAEMON <>", []Address{{"MAILER-DAEMON", "", ""}}},
		{"bracket not closed", "Bob <b@example.net", []Address{{"Bob", "b@example.net", ""}}},
		{"bracket not closed before a comma", "<b@example.net, c@example.net",
			[]Address{{"", "b@example.net", ""}, {"", "c@example.net", ""}}},
		{"quote not closed", `"Unclosed <a@example.org>`, []Address{{"Unclosed", "a@example.org", ""}}},
		{"comma forgotten", "A <a@b.example> C <c@d.example>", []Address{{"A", "a@b.example", ""}, {"C", "c@d.example", ""}}},
		{"comma forgotten between bare ones", "a@b.example c@d.example  X e@f.example, g@h.example",
			[]Address{{"", "a@b.example", ""}, {"", "c@d.example", ""}, {"", "e@f.example", ""}, {"", "g@h.example", ""}}},
		{"encoded words stay", "=?utf-8?q?Doe=2C_J?= <j@b.example>", []Address{{"=?utf-8?q?Doe=2C_J?=", "j@b.example", ""}}},
		{"brackets in a name", "[JIRA] Bot <j@b.example>", []Address{{"[JIRA] Bot", "j@b.example", ""}}},
		{"fold in a quoted name", "\"Ada\r\n Lovelace\" <a@b.example>", []Address{{"Ada Lovelace", "a@b.example", ""}}},
		{"line end in a name", "\"Ada\rBcc: x@y\" <a@b.example>", []Address{{"Ada Bcc: x@y", "a@b.example", ""}}},
		{"UTF-8", "Dörte <dörte@sörensen.example>", []Address{{"Dörte", "dörte@sörensen.example", ""}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ParseList(tt.in); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("ParseList(%q)\n got %q\nwant %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestSplit(t *testing.T) {
	tests := []struct{ in, local, domain string }{
		{"a@b", "a", "b"},
		{"root", "root", ""},
		{`"a@b"@c`, `"a@b"`, "c"},
		{`"a\"@b"@c`, `"a\"@b"`, "c"},
		{"a@b@c", "a@b", "c"},
		{`"a@b`, `"a`, "b"},
		{"", "", ""},
	}
	for _, tt := range tests {
		if local, domain := Split(tt.in); local != tt.local || domain != tt.domain {
			t.Errorf("Split(%q) = %q, %q; want %q, %q", tt.in, local, domain, tt.local, tt.domain)
		}
	}
}

func TestValid(t *testing.T) {
	long := strings.Repeat("x", 65)
	tests := []struct {
		addr string
		utf8 bool
		ok   bool
	}{
		{"ada@example.org", false, true},
		{"a+b=c@example.org", false, true},
		{`"a b"@example.org`, false, true},
		{"ada@[192.0.2.1]", false, true},
		{"ada@[IPv6:2001:db8::1]", false, true},
		{"ada@localhost", false, true},
		{"ada@under_score.example", false, true},
		{"dörte@example.org", false, false},
		{"dörte@sörensen.example", true, true},
		{"d\xf6rte@example.org", true, false},
		{"", false, false},
		{"ada", false, false},
		{"@example.org", false, false},
		{"ada@", false, false},
		{"a b@example.org", false, false},
		{"a..b@example.org", false, false},
		{".a@example.org", false, false},
		{`"a"b"@example.org`, false, false},
		{`"a\"@example.org`, false, false},
		{"a@b@example.org", false, false},
		{"ada@example..org", false, false},
		{"ada@-example.org", false, false},
		{"ada@exa mple.org", false, false},
		{"ada@example.org\r\nRCPT TO:<x@y>", false, false},
		{"ada@[192.0.2.1", false, false},
		{"ada@[]", false, false},
		{long + "@example.org", false, false},
		{"a@" + strings.Repeat("x", 64) + ".example", false, false},
		{"a@" + strings.Repeat("abcdefgh.", 30) + "example", false, false},
		{"@a.test,@b.test:c@d.test", false, false},
	}
	for _, tt := range tests {
		if err := Valid(tt.addr, tt.utf8); (err == nil) != tt.ok {
			t.Errorf("Valid(%q, %v) = %v", tt.addr, tt.utf8, err)
		}
	}
}

func TestQuote(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"Ada Lovelace", "Ada Lovelace"},
		{"Lovelace, Ada", `"Lovelace, Ada"`},
		{"J. Doe", `"J. Doe"`},
		{`say "hi"\`, `"say \"hi\"\\"`},
		{" lead", `" lead"`},
		{"two  blanks", `"two  blanks"`},
		{"a\r\nBcc: x", `"a  Bcc: x"`},
		{"Dörte", "Dörte"},
	}
	for _, tt := range tests {
		if got := Quote(tt.in); got != tt.want {
			t.Errorf("Quote(%q) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

// Headers of a quarter of a megabyte are read before anyone is asked; none may take long.
func TestHostile(t *testing.T) {
	for _, unit := range []string{"<(", "<\\\"(", "<\"\\\"", "<@a:(", "\"\\\"", "<", "(", "[", "a@b ", "a@b<c> ", "\\\""} {
		s := strings.Repeat(unit, 1<<18/len(unit))
		start := time.Now()
		ParseList(s)
		if local, _ := Split("\"" + s); local == "" {
			t.Errorf("%q, repeated: nothing is local", unit)
		}
		if d := time.Since(start); d > 20*time.Second { // what takes the square of it takes minutes
			t.Errorf("%q, repeated: %v", unit, d)
		}
	}
}

// What was read can be written, and is read alike.
func FuzzParseList(f *testing.F) {
	for _, s := range []string{
		"Ada <ada@example.org>, b@c (C)", `"a, \"b" <"x y"@[1.2.3.4]>; c`, "g: a@b, <@r:c@d>;", "<a", `"`, "(", "a . b @ c", "=?utf-8?q?=2C?= <a@b>", "[x] y <z@",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, a := range ParseList(s) {
			if strings.ContainsAny(a.Name+a.Addr+a.Group, "\r\n\x00") {
				t.Fatalf("%q: line end in %q", s, a)
			}
			if a.Addr == "" && a.Name == "" {
				t.Fatalf("%q: empty address", s)
			}
			if Valid(a.Addr, true) != nil { // it cannot be written; its name can
				a.Addr = "x@example.org"
			}
			out := "<" + a.Addr + ">"
			if a.Name != "" {
				out = Quote(a.Name) + " " + out
			}
			again := ParseList(out)
			if len(again) != 1 || again[0].Name != a.Name || again[0].Addr != a.Addr {
				t.Fatalf("%q: %q written as %q is read as %q", s, a, out, again)
			}
		}
	})
}

func BenchmarkParseList(b *testing.B) {
	const in = `Ada Lovelace <ada@example.org>, "Babbage, Charles" <cb@example.net>, carol@example.com`
	b.ReportAllocs()
	for b.Loop() {
		ParseList(in)
	}
}

func TestStrayWords(t *testing.T) {
	tests := []struct{ in, stray string }{
		{"a@x", ""},
		{"bob, a@x", ""},
		{"a @ x . y", ""},
		{"Ada King <a@x>, Bob (the other) <b@y>", ""},
		{"a@x (Ada)", ""},
		{"Friends: a@x, bob;", ""},
		{"a@x b@y", ""},
		{"Ada <a@x> Bob <b@y>", ""},
		{"a@x bob", "bob"},
		{"a@x bob, c@y", "bob"},
		{"c@y, a@x bob carl", "bob carl"},
		{"a@x bob b@y", "bob"},
		{"bob a@x", "bob"},
		{"bob carl, a@x", "bob carl"},
		{"Ada <a@x> bob", "bob"},
		{"Friends: a@x bob;", "bob"},
	}
	for _, tt := range tests {
		list, stray := ParseRecipients(tt.in)
		if stray != tt.stray || !slices.Equal(list, ParseList(tt.in)) {
			t.Errorf("ParseRecipients(%q) = %+v, %q; want %q", tt.in, list, stray, tt.stray)
		}
	}
}
