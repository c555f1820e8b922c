package who

import (
	"strings"
	"testing"
	"unicode"

	"pneu/maildir/address"
	"pneu/maildir/safe"
)

func TestFrom(t *testing.T) {
	tests := []struct {
		test, name, addr, want string
		warn                   bool
	}{
		{"name", "Ada Lovelace", "ada@example.org", "Ada Lovelace", false},
		{"no name", "", "ada@example.org", "ada@example.org", false},
		{"nothing", "", "", "", false},
		{"name alone", "MAILER-DAEMON", "", "MAILER-DAEMON", false},
		{"local user", "Ada", "ada", "Ada", false},
		{"own address", "ada@example.org", "Ada@Example.org", "ada@example.org", false},
		{"own subaddress", "Ada (ada@example.org)", "ada+lists@example.org", "Ada (ada@example.org)", false},
		{"own domain", "Example.org", "no-reply@mail.example.org", "Example.org", false},
		{"titles", "J. R. Doe, M.Sc. Ph.D.", "j@example.org", "J. R. Doe, M.Sc. Ph.D.", false},
		{"file", "README.md", "bot@example.org", "README.md", false},
		{"at, no address", "Ada @ work", "ada@example.org", "Ada @ work", false},

		{"other address", "security@paypal.com", "m5@evil.example", `m5@evil.example "security@paypal.com"`, true},
		{"in brackets", "Support <help@bank.com>", "x@evil.example", `x@evil.example "Support <help@bank.com>"`, true},
		{"other domain", "PayPal.com", "x@evil.example", `x@evil.example "PayPal.com"`, true},
		{"domain in a link", "https://www.paypal.com/login", "x@evil.example", `x@evil.example "https://www.paypal.com/login"`, true},
		{"other mailbox of the same host", "boss@gmail.com", "evil@gmail.com", `evil@gmail.com "boss@gmail.com"`, true},
		{"domain below another", "paypal.com", "x@paypal.com.evil.net", `x@paypal.com.evil.net "paypal.com"`, true},
		{"one letter", "x.com", "x@evil.example", `x@evil.example "x.com"`, true},
		{"full width", "ｓｅｃｕｒｉｔｙ＠ｐａｙｐａｌ．ｃｏｍ", "m5@evil.example", `m5@evil.example "ｓｅｃｕｒｉｔｙ＠ｐａｙｐａｌ．ｃｏｍ"`, true},
		{"ideographic stop", "paypal。com", "m5@evil.example", `m5@evil.example "paypal。com"`, true},
		{"zero width within", "pay\u200bpal.com", "m5@evil.example", `m5@evil.example "paypal.com"`, true},
		{"no address but one in the name", "a@paypal.com", "", `"a@paypal.com"`, true},
		{"controls", "a\x1b[2J@paypal.com", "m5\x1b@evil.example", `m5@evil.example "a[2J@paypal.com"`, true},

		{"Cyrillic in a Latin word", "Pаypal", "x@evil.example", `x@evil.example "Pаypal"`, true},
		{"Cyrillic beside Latin", "Иван Smith", "i@example.org", "Иван Smith", false},
		{"Japanese", "田中タナカ Tanaka", "t@example.org", "田中タナカ Tanaka", false},
		{"accents", "Dörte Ångström", "d@example.org", "Dörte Ångström", false},
		{"decomposed", "Do\u0308rte", "d@example.org", "Do\u0308rte", false},
		{"mixed domain", "Ada", "ada@pаypal.com", `ada@xn--pypal-4ve.com "Ada"`, true},
		{"mixed domain, no name", "", "ada@pаypal.com", "ada@xn--pypal-4ve.com", true},
		{"mixed local part", "Ada", "аda@example.org", `аda@example.org "Ada"`, true},
		{"disguised domain", "Apple", "x@аррӏе.com", `x@xn--80ak6aa92e.com "Apple"`, true},
		{"honest domain", "", "i@почта.рф", "i@почта.рф", false},
		{"honest short domain", "", "i@сор.рф", "i@сор.рф", false},
		{"Latin letters of Europe", "", "d@sörensen.example", "d@sörensen.example", false},
	}
	for _, tt := range tests {
		t.Run(tt.test, func(t *testing.T) {
			got, warn := From(tt.name, tt.addr)
			if got.String() != tt.want || warn != tt.warn {
				t.Errorf("From(%q, %q) = %q, %v; want %q, %v", tt.name, tt.addr, got, warn, tt.want, tt.warn)
			}
		})
	}
}

// Nothing unclean comes out; with a warning the address is in front of the name, and a domain that was odd is not so
// any more.
func FuzzFrom(f *testing.F) {
	f.Add("security@paypal.com", "m5@evil.example")
	f.Add("Pаypal", "x@аррӏе.com")
	f.Add("\u202eＡ．ｃｏｍ", "\"a b\"@[IPv6:::1]")
	f.Fuzz(func(t *testing.T, name, addr string) {
		got, warn := From(name, addr)
		for _, r := range got.String() {
			if unicode.IsControl(r) {
				t.Fatalf("From(%q, %q) = %q", name, addr, got)
			}
		}
		local, _ := address.Split(strings.TrimSpace(safe.Line(addr).String()))
		if n := strings.TrimSpace(safe.Line(name).String()); warn && len(name)+len(addr) < maxName &&
			(!strings.HasPrefix(got.String(), strings.TrimSpace(local)) || n != "" && !strings.HasSuffix(got.String(), `"`+n+`"`)) {
			t.Fatalf("From(%q, %q) = %q: not address and name", name, addr, got)
		}
		if d, odd := Domain(addr); odd {
			if again, odd := Domain(d); odd || again != d {
				t.Fatalf("Domain(%q) = %q, and of that %q", addr, d, again)
			}
		}
	})
}

func BenchmarkFrom(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		From("Ada Lovelace", "ada@example.org")
	}
}
