package who

import (
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"pneu/maildir/address"
	"pneu/maildir/safe"
)

// maxName is how much of a display name is looked at; the rest is past the edge of any list.
const maxName = 1000

// From returns how a sender is shown: by name, or by address where there is none. With warn something about it is
// made to deceive, and the real address comes first:
//
//	m5@evil.example "security@paypal.com"
//
// So it is if the name holds another address or domain than the real one, or a word of two scripts that no language
// writes together, or if the domain can be taken for another one: then it is shown in its ASCII form.
func From(name, addr string) (t safe.Text, warn bool) {
	name = strings.TrimSpace(safe.Line(cut(name)).String())
	local, host := address.Split(strings.TrimSpace(safe.Line(cut(addr)).String()))
	shown := local
	if host != "" {
		d, odd := Domain(host)
		shown, warn = local+"@"+d, odd
	}
	warn = warn || mixedWord(local)
	switch {
	case name == "":
		return safe.Line(shown), warn
	case warn || claims(name, local, host) || mixedWord(name):
		return safe.Line(strings.TrimSpace(shown + ` "` + name + `"`)), true
	}
	return safe.Line(name), false
}

func cut(s string) string {
	if len(s) > maxName {
		return s[:maxName]
	}
	return s
}

// Domain returns how a domain is shown: as it is, unless a label of it can be taken for another one. Then all of it
// is in ASCII, and odd is true.
func Domain(d string) (shown string, odd bool) {
	if isASCII(d) {
		return d, false
	}
	labels := strings.FieldsFunc(d, func(r rune) bool { return r == '.' || r == '\u3002' || r == '\uff0e' || r == '\uff61' })
	for _, l := range labels {
		odd = odd || mixed(l) || disguised(l, labels[len(labels)-1])
	}
	if !odd {
		return d, false
	}
	a, err := d, error(nil)
	if len(d) <= maxHost {
		a, err = idna.Punycode.ToASCII(strings.Join(labels, "."))
	}
	if err != nil || !isASCII(a) {
		a = strings.Map(func(r rune) rune {
			if r >= 0x80 {
				return '?'
			}
			return r
		}, d)
	}
	return a, true
}

// claims reports whether a display name holds another address, or a domain of another owner, than local@host.
func claims(name, local, host string) bool {
	// Full-width and other compatible forms of dots, at signs and letters look the same.
	name = norm.NFKC.String(name)
	name = strings.ReplaceAll(strings.ReplaceAll(name, "\u3002", "."), "\uff61", ".")
	if !strings.ContainsAny(name, ".@") {
		return false
	}
	owner := Registrable(strings.ToLower(host))
	for _, w := range strings.FieldsFunc(name, separates) {
		d := Named(w)
		if d != "" && d != owner {
			return true
		}
		l, h := address.Split(strings.Trim(w, `.,:;!?'`))
		if d != "" && l != "" && h != "" && (!strings.EqualFold(h, host) || plain(l) != plain(local)) {
			return true
		}
	}
	return false
}

// separates reports whether r may stand before or behind an address in a name.
func separates(r rune) bool {
	return r == ' ' || r == '\u00a0' || r == '\u3000' || strings.ContainsRune(`<>()[]{}",;|`, r)
}

// plain is a local part without its subaddress: ada+lists writes as ada.
func plain(local string) string {
	local, _, _ = strings.Cut(strings.ToLower(local), "+")
	return local
}
