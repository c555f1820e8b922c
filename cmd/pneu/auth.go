package main

import (
	"strings"

	"pneu/maildir/digest"
)

// An auth is what the topmost Authentication-Results field says (RFC 8601): results are its
// words, empty where it is silent. By is who says so; anybody can write such a field, so it
// is worth as much as that name.
type auth struct {
	DKIM  string `json:"dkim"`
	SPF   string `json:"spf"`
	DMARC string `json:"dmarc"`
	ARC   string `json:"arc"`
	By    string `json:"by"`
}

// authOf reads the field.
func authOf(field string) *auth {
	infos := cutResults(field)
	a := &auth{}
	if words := strings.Fields(infos[0]); len(words) > 0 {
		a.By = strings.ToLower(strings.Trim(words[0], `"`))
	}
	for _, info := range infos[1:] {
		method, rest, ok := strings.Cut(info, "=")
		words := strings.Fields(rest)
		if !ok || len(words) == 0 {
			continue
		}
		method, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(method)), "/")
		result := strings.ToLower(words[0])
		var at *string
		switch strings.TrimSpace(method) {
		case "dkim":
			at = &a.DKIM
		case "spf":
			at = &a.SPF
		case "dmarc":
			at = &a.DMARC
		case "arc":
			at = &a.ARC
		default:
			continue
		}
		if !isResult(result) {
			continue
		}
		if *at == "" || result == "pass" { // of several signatures one that holds is enough
			*at = result
		}
	}
	return a
}

// isResult reports whether s is a word of RFC 8601, 2.7.
func isResult(s string) bool {
	switch s {
	case "pass", "fail", "softfail", "neutral", "none", "policy", "temperror", "permerror":
		return true
	}
	return false
}

// cutResults cuts the field at its semicolons, without comments; quoted ones are text.
func cutResults(s string) []string {
	var out []string
	var b strings.Builder
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+1 < len(s) && (quoted || depth > 0):
			i++
			if depth == 0 {
				b.WriteByte(s[i])
			}
			continue
		case c == '"' && depth == 0:
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
			continue
		case c == ')' && depth > 0:
			depth--
			b.WriteByte(' ')
			continue
		case c == ';' && depth == 0:
			out = append(out, b.String())
			b.Reset()
			continue
		}
		if depth == 0 {
			b.WriteByte(c)
		}
	}
	return append(out, b.String())
}

// nature is what the structure and the text tell of a message: whether it is signed or encrypted
// (which nobody has verified), and a guess of its language.
func nature(d digest.Digest) (crypto, lang string) {
	switch c := d.Class(); {
	case c&digest.Encrypted != 0:
		crypto = "encrypted"
	case c&digest.Signed != 0:
		crypto = "signed"
	}
	return crypto, d.Lang()
}
