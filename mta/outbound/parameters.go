package outbound

import (
	"strconv"
	"strings"

	"pneu/mta/queue"
	"pneu/mta/smtp"
)

// mail builds the MAIL command with what the server understands.
func (a *attempt) mail(s *session, rcpts []queue.Recipient) string {
	_, utf8 := s.ext["SMTPUTF8"]
	from, _ := path(a.msg.Sender, utf8)
	var b strings.Builder
	b.WriteString("MAIL FROM:<" + from + ">")
	if _, ok := s.ext["SIZE"]; ok { // RFC 1870, 5
		b.WriteString(" SIZE=" + strconv.FormatInt(a.shape.size, 10))
	}
	if _, ok := s.ext["8BITMIME"]; ok && a.shape.eight { // RFC 6152, 2
		b.WriteString(" BODY=8BITMIME")
	}
	if utf8 && a.needsUTF8(rcpts) {
		b.WriteString(" SMTPUTF8")
	}
	if _, ok := s.ext["DSN"]; ok { // RFC 3461, 5.1 a
		if a.msg.Ret != "" && queue.ValidRet(a.msg.Ret) {
			b.WriteString(" RET=" + a.msg.Ret)
		}
		if a.msg.EnvID != "" && queue.ValidEnvID(a.msg.EnvID) {
			b.WriteString(" ENVID=" + smtp.EncodeXtext(a.msg.EnvID))
		}
	}
	return b.String()
}

func (a *attempt) needsUTF8(rcpts []queue.Recipient) bool {
	if !ascii(a.msg.Sender) || a.shape.eightHead {
		return true
	}
	for _, r := range rcpts {
		if !ascii(r.Addr) {
			return true
		}
	}
	return false
}

// rcpt builds a RCPT command. Whatever wrote the spool file, what is no parameter
// of RFC 3461 is left out: nothing in it may become a command.
func (a *attempt) rcpt(s *session, r queue.Recipient) string {
	_, utf8 := s.ext["SMTPUTF8"]
	to, _ := path(r.Addr, utf8)
	line := "RCPT TO:<" + to + ">"
	if _, ok := s.ext["DSN"]; !ok {
		return line
	}
	if r.Notify != "" && queue.ValidNotify(r.Notify) {
		line += " NOTIFY=" + r.Notify
	}
	if typ, orig, ok := strings.Cut(r.ORcpt, ";"); ok && queue.ValidORcpt(r.ORcpt) {
		enc := smtp.EncodeXtext
		if strings.EqualFold(typ, "utf-8") {
			enc = utf8xtext
		}
		line += " ORCPT=" + typ + ";" + enc(orig)
	}
	return line
}

// utf8xtext encodes an address in Unicode for a parameter in ASCII (RFC 6533,
// 3: utf-8-addr-xtext).
func utf8xtext(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < '!' || r > '~' || r == '+' || r == '=' || r == '\\' {
			b.WriteString(`\x{` + strings.ToUpper(strconv.FormatInt(int64(r), 16)) + "}")
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
