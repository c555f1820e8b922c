package smtp

import (
	"strings"
	"testing"
)

func TestParsePath(t *testing.T) {
	const bad = "bad"
	tests := []struct{ in, want string }{
		{"<a@b>", "a@b"},
		{"<>", ""},
		{"<postmaster>", "postmaster"},
		{"<a.b+c@d-e.example>", "a.b+c@d-e.example"},
		{"<@r:a@b>", "a@b"},
		{"<@r,@s.example:a@b>", "a@b"},
		{"<@[192.0.2.1]:a@b>", "a@b"},
		{"<a%c@b>", "a%c@b"},
		{"<c!a@b>", "c!a@b"},
		{`<"a b"@c>`, `"a b"@c`},
		{`<"a"@c>`, "a@c"},
		{`<"\a\.b"@c>`, "a.b@c"},
		{`<"a@b"@c>`, `"a@b"@c`},
		{`<"a\"b\\"@c>`, `"a\"b\\"@c`},
		{`<"a>b"@c>`, `"a>b"@c`},
		{`<""@c>`, `""@c`},
		{"<a..b@c>", "a..b@c"},
		{"<a@[192.0.2.1]>", "a@[192.0.2.1]"},
		{"<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]"},
		{"<é@exämple.org>", "é@exämple.org"},
		{"<a@b_c.org>", "a@b_c.org"},
		{"", bad},
		{"a@b", bad},
		{"<a@b", bad},
		{"<a>b", "a"},
		{"<@>", bad},
		{"<@b>", bad},
		{"<a@>", bad},
		{"<a@b@c>", bad},
		{"<a b@c>", bad},
		{"<a@b c>", bad},
		{"<<a@b>>", bad},
		{"<.@b>", bad},
		{"<a@b..c>", bad},
		{"<a@.b>", bad},
		{"<a@b.>", bad},
		{"<a@-b>", bad},
		{"<@r:>", bad},
		{"<@r@s:a@b>", bad},
		{"<@r,:a@b>", bad},
		{"<@r,s:a@b>", bad},
		{`<"a@b>`, bad},
		{`<"a"b@c>`, bad},
		{"<\"a\x01\"@c>", bad},
		{"<\"a\\\xc3\xa9\"@c>", bad},
		{"<a@[192.0.2.256]>", bad},
		{"<a@[2001:db8::1]>", bad},
		{"<a@[IPv6:192.0.2.1]>", bad},
		{"<a@[IPv6:fe80::1%eth0]>", bad},
		{"<a@[x:y]>", bad},
		{"<a@[]>", bad},
		{"<\xff@b>", bad},
		{"<a@\xff>", bad},
		{"<" + strings.Repeat("a", 256) + "@b>", bad},
		{"<a@" + strings.Repeat("a", 64) + ">", bad},
		{"<a@" + strings.Repeat("a.", 128) + "a>", bad},
	}
	for _, tt := range tests {
		got, _, ok := ParsePath(tt.in)
		if !ok {
			got = bad
		}
		if got != tt.want {
			t.Errorf("ParsePath(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestSplitAddress(t *testing.T) {
	tests := []struct{ in, local, domain string }{
		{"a@b", "a", "b"},
		{"postmaster", "postmaster", ""},
		{`"a@b"@c`, "a@b", "c"},
		{`"a\"@b\\"@c`, `a"@b\`, "c"},
		{`"a"`, "a", ""},
		{"", "", ""},
	}
	for _, tt := range tests {
		if l, d := SplitAddress(tt.in); l != tt.local || d != tt.domain {
			t.Errorf("SplitAddress(%q) = %q, %q; want %q, %q", tt.in, l, d, tt.local, tt.domain)
		}
	}
}

// A path that was read has one canonical spelling, which reads as itself.
func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"<a@b>", `<"a b"@c>x`, "<@r,@s:a@b> SIZE=1", "<@[IPv6:::1]:a@[192.0.2.1]>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		addr, rest, ok := ParsePath(s)
		if !ok {
			return
		}
		if !strings.HasSuffix(s, ">"+rest) {
			t.Fatalf("ParsePath(%q): rest %q", s, rest)
		}
		if again, rest, ok := ParsePath("<" + addr + ">"); !ok || again != addr || rest != "" {
			t.Fatalf("ParsePath(%q) = %q, which reads as %q, %q, %v", s, addr, again, rest, ok)
		}
		for _, c := range []byte(addr) {
			if c < ' ' || c == 0x7f {
				t.Fatalf("control byte in %q", addr)
			}
		}
		if _, domain := SplitAddress(addr); strings.ContainsAny(domain, "@\"<> ") {
			t.Fatalf("%q has domain %q", addr, domain)
		}
	})
}

func TestXtext(t *testing.T) {
	for _, tt := range []struct {
		in, want string
		ok       bool
	}{
		{"a+2Bb", "a+b", true}, {"a+20b", "a b", true}, {"", "", true},
		{"a+0Ab", "", false}, {"a+", "", false}, {"a+2", "", false}, {"a+zz", "", false}, {"a=b", "", false}, {"a b", "", false}, {"+FF", "", false},
	} {
		got, ok := decodeXtext(tt.in)
		if ok != tt.ok || got != tt.want {
			t.Errorf("decodeXtext(%q) = %q, %v; want %q, %v", tt.in, got, ok, tt.want, tt.ok)
		}
		if ok {
			if back, ok := decodeXtext(EncodeXtext(got)); !ok || back != got {
				t.Errorf("%q encoded as %q", got, EncodeXtext(got))
			}
		}
	}
}

func TestUnitext(t *testing.T) {
	for _, tt := range []struct {
		in, want string
		ok       bool
	}{
		{`\x{3B2}@b`, "β@b", true}, {"β@b", "β@b", true}, {`a\x{2B}b`, "a+b", true}, {"", "", true},
		{`\x{A}`, "", false}, {`\x{D800}`, "", false}, {`\x{3B2`, "", false}, {`\y`, "", false}, {"a+b", "", false}, {`\x{FFFFFFFFF}`, "", false}, {`\x{85}`, "", false},
	} {
		if got, ok := decodeUnitext(tt.in); ok != tt.ok || ok && got != tt.want {
			t.Errorf("decodeUnitext(%q) = %q, %v; want %q, %v", tt.in, got, ok, tt.want, tt.ok)
		}
	}
}
