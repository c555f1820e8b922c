package main

import (
	"testing"

	"pneu/maildir/message"
)

func TestAuth(t *testing.T) {
	tests := []struct {
		field string
		want  auth
	}{
		{"Authentication-Results: mx.example.org; spf=pass smtp.mailfrom=a@b; dkim=fail (bad; sig) header.d=x;\n dkim=pass header.d=b; dmarc=pass", auth{"pass", "pass", "pass", "", "mx.example.org"}},
		{"Authentication-Results: MX.example.org 1; none", auth{By: "mx.example.org"}},
		{"Authentication-Results: \"a;b\"; arc/1=pass; spf = softfail", auth{SPF: "softfail", ARC: "pass", By: "a;b"}},
		{"Authentication-Results: x; dkim=<b>; spf=yes; dmarc", auth{By: "x"}},
		{"Authentication-Results: (a (nested) one) x (y); dmarc=fail", auth{DMARC: "fail", By: "x"}},
		{"Authentication-Results: top; spf=fail\nAuthentication-Results: forged; spf=pass", auth{SPF: "fail", By: "top"}},
		{"Authentication-Results:", auth{}},
		{"Authentication-Results: x (", auth{By: "x"}},
	}
	for _, tt := range tests {
		got := authOf(message.Header(tt.field + "\n").Get("Authentication-Results"))
		if *got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.field, got, tt.want)
		}
	}
}

// Whatever stands in the field, only words of RFC 8601 come out as results.
func FuzzAuth(f *testing.F) {
	f.Add("mx.example.org; spf=pass (\\) x; y) smtp=a; dkim=\"pass\"; arc=fail")
	f.Add("\"a;b\" 1;;=;x=")
	f.Fuzz(func(t *testing.T, field string) {
		a := authOf(field)
		for _, r := range []string{a.DKIM, a.SPF, a.DMARC, a.ARC} {
			if r != "" && !isResult(r) {
				t.Errorf("%q: the result %q", field, r)
			}
		}
	})
}
