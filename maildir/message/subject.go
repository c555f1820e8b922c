package message

import "strings"

// maxSubject is how much of a subject is looked at: stripping takes the square of its length.
const maxSubject = 1000

// BaseSubject returns the base subject of RFC 5256, 2.1, of a decoded subject, and
// whether what was removed says that it is a reply or forward.
func BaseSubject(s string) (base string, reply bool) {
	if len(s) > maxSubject {
		s = strings.ToValidUTF8(s[:maxSubject], "")
	}
	if strings.ContainsAny(s, "\t\r\n") || strings.Contains(s, "  ") {
		s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' }), " ")
	}
	s = strings.Trim(s, " ")
	for {
		for { // step 2: subj-trailer
			t := strings.TrimRight(s, " ")
			if n := len(t) - len("(fwd)"); n >= 0 && strings.EqualFold(t[n:], "(fwd)") {
				t, reply = t[:n], true
			}
			if t == s {
				break
			}
			s = t
		}
		for { // steps 3 to 5: subj-leader, subj-blob
			before := s
			s = strings.TrimLeft(s, " ")
			if rest, ok := cutLeader(s); ok {
				s, reply = rest, true
			}
			if rest, ok := cutBlob(s); ok && rest != "" {
				s = rest
			}
			if s == before {
				break
			}
		}
		// Step 6.
		if len(s) >= 6 && strings.EqualFold(s[:5], "[fwd:") && s[len(s)-1] == ']' {
			s, reply = s[5:len(s)-1], true
			continue
		}
		return s, reply
	}
}

// cutBlob removes a subj-blob: "[...]" without brackets within, and the blanks after it.
func cutBlob(s string) (string, bool) {
	if s == "" || s[0] != '[' {
		return s, false
	}
	end := strings.IndexAny(s[1:], "[]")
	if end < 0 || s[1+end] != ']' {
		return s, false
	}
	return strings.TrimLeft(s[end+2:], " "), true
}

// cutLeader removes blobs followed by a subj-refwd: "re", "fw" or "fwd", perhaps a blob,
// and a colon.
func cutLeader(s string) (string, bool) {
	for {
		rest, ok := cutBlob(s)
		if !ok {
			break
		}
		s = rest
	}
	n := 0
	for _, w := range []string{"fwd", "fw", "re"} {
		if len(s) > len(w) && strings.EqualFold(s[:len(w)], w) {
			n = len(w)
			break
		}
	}
	if n == 0 {
		return s, false
	}
	s = strings.TrimLeft(s[n:], " ")
	if rest, ok := cutBlob(s); ok {
		s = rest
	}
	return strings.CutPrefix(s, ":")
}
