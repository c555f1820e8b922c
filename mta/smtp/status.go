package smtp

import (
	"errors"
	"strings"
)

// A Status is a reply: a code, a text fit for strangers, and the cause, which only the log sees.
type Status struct {
	Code     int
	Enhanced EnhancedCode // zero for none
	Text     string       // may have several lines
	Cause    error
}

// Error describes the status for the log, with its cause.
func (s *Status) Error() string {
	text := Reply{Code: s.Code, Enhanced: s.Enhanced, Lines: []string{s.Text}}.String()
	if s.Cause != nil {
		text += ": " + s.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (s *Status) Unwrap() error { return s.Cause }

// NewStatus returns a status without a cause.
func NewStatus(code int, enhanced EnhancedCode, text string) *Status {
	return &Status{Code: code, Enhanced: enhanced, Text: text}
}

// Because returns s with a cause.
func (s *Status) Because(err error) *Status {
	t := *s
	t.Cause = err
	return &t
}

// Replies of the engine itself. None repeats what the peer sent.
var (
	statusOK            = NewStatus(250, EnhancedCode{2, 0, 0}, "OK")
	statusBye           = NewStatus(221, EnhancedCode{2, 0, 0}, "Bye")
	statusStart         = NewStatus(354, EnhancedCode{}, "End data with <CR><LF>.<CR><LF>")
	statusSenderOK      = NewStatus(250, EnhancedCode{2, 1, 0}, "Sender OK")
	statusRecipientOK   = NewStatus(250, EnhancedCode{2, 1, 5}, "Recipient OK")
	statusAccepted      = NewStatus(250, EnhancedCode{2, 0, 0}, "Message accepted")
	statusTryLater      = NewStatus(451, EnhancedCode{4, 3, 0}, "Local trouble, try again later")
	statusClosing       = NewStatus(421, EnhancedCode{4, 3, 2}, "Service closing, try again later")
	statusTimeout       = NewStatus(421, EnhancedCode{4, 4, 2}, "Timeout, closing")
	statusBusy          = NewStatus(421, EnhancedCode{4, 7, 0}, "Too many connections, try again later")
	statusTooManyErrors = NewStatus(421, EnhancedCode{4, 7, 0}, "Too many errors, closing")
	statusTooMuchTalk   = NewStatus(421, EnhancedCode{4, 7, 0}, "Too many commands without a message, closing")
	statusNotMail       = NewStatus(421, EnhancedCode{4, 7, 0}, "This is a mail server, closing")
	statusInternal      = NewStatus(421, EnhancedCode{4, 3, 0}, "Internal trouble, try again later")
	statusUnknown       = NewStatus(500, EnhancedCode{5, 5, 1}, "Command not recognised")
	statusUnprintable   = NewStatus(500, EnhancedCode{5, 5, 2}, "Control characters in command")
	statusLineEnd       = NewStatus(500, EnhancedCode{5, 5, 2}, "Lines must end with CRLF and hold no other CR or LF, closing")
	statusLineLength    = NewStatus(500, EnhancedCode{5, 5, 6}, "Line too long")
	statusSyntax        = NewStatus(501, EnhancedCode{5, 5, 4}, "Syntax error in parameters")
	statusNoParams      = NewStatus(501, EnhancedCode{5, 5, 4}, "No parameters allowed")
	statusNoExpn        = NewStatus(502, EnhancedCode{5, 5, 1}, "EXPN is not available")
	statusVrfy          = NewStatus(252, EnhancedCode{2, 5, 2}, "Cannot verify, but will take mail for this address if it is ours")
	statusSequence      = NewStatus(503, EnhancedCode{5, 5, 1}, "Bad sequence of commands")
	statusHelloFirst    = NewStatus(503, EnhancedCode{5, 5, 1}, "Say hello first")
	statusNoRecipients  = NewStatus(554, EnhancedCode{5, 5, 1}, "No valid recipients")
	statusBadSender     = NewStatus(501, EnhancedCode{5, 1, 7}, "Syntax error in sender address")
	statusBadRecipient  = NewStatus(501, EnhancedCode{5, 1, 3}, "Syntax error in recipient address")
	statusNotUTF8       = NewStatus(553, EnhancedCode{5, 6, 7}, "Address needs SMTPUTF8")
	statusTooManyRcpts  = NewStatus(452, EnhancedCode{4, 5, 3}, "Too many recipients, send the rest separately")
	statusTooBig        = NewStatus(552, EnhancedCode{5, 3, 4}, "Message too big")
	statusBareInData    = NewStatus(550, EnhancedCode{5, 6, 0}, "Message holds a CR or LF that is not part of CRLF, closing")
	statusTLSReady      = NewStatus(220, EnhancedCode{2, 0, 0}, "Ready to start TLS")
	statusTLSActive     = NewStatus(503, EnhancedCode{5, 5, 1}, "TLS is active already")
	statusInjected      = NewStatus(554, EnhancedCode{5, 5, 1}, "Data after STARTTLS, closing")
	statusAuthTLS       = NewStatus(538, EnhancedCode{5, 7, 11}, "Encryption required, use STARTTLS first")
	statusAuthDone      = NewStatus(503, EnhancedCode{5, 5, 1}, "Authenticated already")
	statusAuthOK        = NewStatus(235, EnhancedCode{2, 7, 0}, "Authenticated")
	statusAuthFailed    = NewStatus(535, EnhancedCode{5, 7, 8}, "Authentication failed")
	statusAuthMechanism = NewStatus(504, EnhancedCode{5, 5, 4}, "Mechanism not available")
	statusAuthCancelled = NewStatus(501, EnhancedCode{5, 7, 0}, "Authentication cancelled")
	statusAuthSyntax    = NewStatus(501, EnhancedCode{5, 5, 2}, "Malformed authentication message")
	statusAuthLater     = NewStatus(454, EnhancedCode{4, 7, 0}, "Temporary authentication failure")
	statusAuthThrottled = NewStatus(454, EnhancedCode{4, 7, 0}, "Too many failed logins from your address, try again later")
	statusAuthTooMany   = NewStatus(421, EnhancedCode{4, 7, 0}, "Too many failed attempts, closing")
)

// badParameter is for an ESMTP parameter we never offered (RFC 5321, 4.1.1.11).
var statusBadParameter = NewStatus(555, EnhancedCode{5, 5, 4}, "Parameter not recognised")

// asStatus turns a session's error into a reply. What is not a reply is a temporary trouble:
// unknown means try again.
func asStatus(err error) *Status {
	if st, ok := errors.AsType[*Status](err); ok {
		return st
	}
	if se, ok := errors.AsType[*SMTPError](err); ok {
		st := NewStatus(se.Code, se.EnhancedCode, se.Message)
		switch {
		case se.EnhancedCode[0] < 0: // go-smtp's NoEnhancedCode
			st.Enhanced = EnhancedCode{}
		case se.EnhancedCode == EnhancedCode{} && se.Code/100 != 3: // EnhancedCodeNotSet
			st.Enhanced = EnhancedCode{se.Code / 100, 0, 0}
		}
		return st
	}
	return statusTryLater.Because(err)
}

// append adds the reply's bytes to b. Text from policy is held to what RFC 5321, 4.2 allows in a
// line, whatever it was made of.
func (s *Status) append(b []byte) []byte {
	code := s.Code
	if code < 200 || code > 599 {
		code = 451
	}
	for text, more := s.Text, true; more; {
		var line string
		line, text, more = strings.Cut(text, "\n")
		b = append(b, byte('0'+code/100), byte('0'+code/10%10), byte('0'+code%10))
		if more {
			b = append(b, '-')
		} else {
			b = append(b, ' ')
		}
		if s.Enhanced != (EnhancedCode{}) && s.Enhanced[0] == code/100 {
			b = append(b, enhancedString(s.Enhanced)...)
			b = append(b, ' ')
		}
		n := 0
		for i := 0; i < len(line) && n < maxReplyText; i++ {
			if c := line[i]; c >= ' ' && c < 0x7f {
				b = append(b, c)
				n++
			} else if c != '\r' {
				b = append(b, '?')
				n++
			}
		}
		b = append(b, '\r', '\n')
	}
	return b
}

// maxReplyText keeps a line below the 512 bytes of RFC 5321, 4.5.3.1.5, code and enhanced code
// included.
const maxReplyText = 480
