package smtp

import (
	"strconv"
	"strings"

	gosmtp "github.com/emersion/go-smtp"
)

// mail is MAIL FROM.
func (c *Conn) mail(arg string) {
	from, params, ok := parsePath(arg, "FROM:")
	if !ok {
		c.refuse(statusBadSender)
		return
	}
	var opts MailOptions
	if st := eachParam(params, func(key, value string, has bool) *Status { return c.mailParam(&opts, key, value, has) }); st != nil {
		c.refuse(st)
		return
	}
	if !opts.UTF8 && !ASCII(from) {
		c.refuse(statusNotUTF8)
		return
	}
	c.utf8 = opts.UTF8
	if err := c.session.Mail(from, &opts); err != nil {
		c.message = message{}
		c.session.Reset()
		c.refuse(asStatus(err))
		return
	}
	c.state = stateMail
	c.reply(statusSenderOK)
}

func (c *Conn) mailParam(o *MailOptions, key, value string, has bool) *Status {
	upper := strings.ToUpper(value)
	switch key {
	case "SIZE": // RFC 1870, 6.1: refused before a byte of it is sent
		n, err := strconv.ParseUint(value, 10, 63)
		if err != nil {
			if len(value) == 20 && strings.Trim(value, "0123456789") == "" {
				return statusTooBig
			}
			return statusSyntax
		}
		if int64(n) > c.srv.opt.MaxSize {
			return statusTooBig
		}
		o.Size = int64(n)
	case "BODY": // RFC 6152
		if upper != "7BIT" && upper != "8BITMIME" {
			return statusSyntax
		}
		o.Body = gosmtp.BodyType(upper)
	case "SMTPUTF8": // RFC 6531, 3.4
		if has {
			return statusSyntax
		}
		o.UTF8 = true
	case "RET": // RFC 3461, 4.3
		if upper != "FULL" && upper != "HDRS" {
			return statusSyntax
		}
		o.Return = gosmtp.DSNReturn(upper)
	case "ENVID": // RFC 3461, 4.4
		id, ok := decodeXtext(value)
		if !ok || id == "" || len(value) > 100 {
			return statusSyntax
		}
		o.EnvelopeID = id
	case "AUTH": // RFC 4954, 5
		if len(c.mechanisms()) == 0 {
			return statusBadParameter
		}
		who, ok := decodeXtext(value)
		if !ok || who == "" {
			return statusSyntax
		}
		if who == "<>" {
			who = ""
		}
		o.Auth = &who
	default:
		return statusBadParameter
	}
	return nil
}
