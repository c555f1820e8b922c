package queue

import "strings"

// The limits of RFC 3461, 4.2 and 4.4.
const (
	maxORcpt = 500
	maxEnvID = 100
)

// ValidNotify reports whether s may stand behind NOTIFY= (RFC 3461, 4.1):
// NEVER alone, or up to three of the other words. Empty is valid too.
func ValidNotify(s string) bool {
	if s == "" || s == "NEVER" {
		return true
	}
	n := 0
	for w := range strings.SplitSeq(s, ",") {
		if n++; w != "SUCCESS" && w != "FAILURE" && w != "DELAY" || n > 3 {
			return false
		}
	}
	return true
}

// ValidRet reports whether s may stand behind RET= (RFC 3461, 4.3), or is empty.
func ValidRet(s string) bool { return s == "" || s == "FULL" || s == "HDRS" }

// ValidEnvID reports whether s may be sent as ENVID, in xtext (RFC 3461, 4.4).
func ValidEnvID(s string) bool { return len(s) <= maxEnvID && printable(s, false) }

// ValidORcpt reports whether s may be sent as ORCPT: a type and an address
// (RFC 3461, 4.2; RFC 6533, 3), or nothing.
func ValidORcpt(s string) bool {
	if s == "" {
		return true
	}
	kind, addr, ok := strings.Cut(s, ";")
	return ok && len(s) <= maxORcpt && kind != "" && addr != "" && printable(addr, strings.EqualFold(kind, "utf-8")) &&
		strings.Trim(strings.ToLower(kind), "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func printable(s string, utf8 bool) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] == 0x7f || s[i] >= 0x80 && !utf8 {
			return false
		}
	}
	return true
}

// badParam says which parameter of the envelope no SMTP client could have
// given; they go out to other servers and into reports.
func (e *Envelope) badParam() string {
	switch {
	case !ValidRet(e.Ret):
		return "ret is neither FULL nor HDRS"
	case !ValidEnvID(e.EnvID):
		return "envid is too long or not printable"
	}
	for _, r := range e.Recipients {
		if !ValidNotify(r.Notify) {
			return "notify holds another word than NEVER, SUCCESS, FAILURE, DELAY"
		} else if !ValidORcpt(r.ORcpt) {
			return "orcpt is no type and address"
		}
	}
	return ""
}
