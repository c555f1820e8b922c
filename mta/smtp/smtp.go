// Package smtp holds both sides of an SMTP conversation (RFC 5321).
//
// The server side ([Server]) reads commands, keeps their order and writes replies. It decides
// nothing about mail: whom to serve and what to keep is said by a [Session] that the caller
// supplies. Its promises:
//
//   - a line ends with CRLF and with nothing else, so that no other program can see another end of a message than we do;
//   - limits on lines, recipients, bytes, commands, errors and time hold before anything is stored;
//   - replies to pipelined commands leave in one write;
//   - nothing a stranger sent, and no cause of a failure, is repeated in a reply.
//
// The client side is what package outbound needs to talk to other servers: [ReadReply] and
// [DotWriter].
//
// Sessions have the shape that github.com/emersion/go-smtp gave them, with its option types, so
// that policy written for one fits the other. Extensions: PIPELINING, SIZE, 8BITMIME, SMTPUTF8,
// ENHANCEDSTATUSCODES, CHUNKING (without BINARYMIME), DSN, STARTTLS, AUTH.
package smtp

import (
	gosmtp "github.com/emersion/go-smtp"
)

// Types that cross the border to policy; they are go-smtp's.
type (
	// EnhancedCode is an enhanced status code, as 5.1.1 (RFC 3463).
	EnhancedCode = gosmtp.EnhancedCode
	// MailOptions are the parameters of MAIL FROM.
	MailOptions = gosmtp.MailOptions
	// RcptOptions are the parameters of RCPT TO.
	RcptOptions = gosmtp.RcptOptions
	// SMTPError is a reply as go-smtp spells it; sessions may return it in place of a [Status].
	SMTPError = gosmtp.SMTPError
)
