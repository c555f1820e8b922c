package thread

import "pneu/maildir/message"

// BaseSubject returns the base subject of RFC 5256, 2.1, of a decoded subject, and
// whether what was removed says that it is a reply or forward.
func BaseSubject(s string) (base string, reply bool) { return message.BaseSubject(s) }
