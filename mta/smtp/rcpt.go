package smtp

import (
	"strings"

	gosmtp "github.com/emersion/go-smtp"
)

// rcpt is RCPT TO.
func (c *Conn) rcpt(arg string) {
	c.tried = true
	to, params, ok := parsePath(arg, "TO:")
	if !ok || to == "" {
		c.refuse(statusBadRecipient)
		return
	}
	if !c.utf8 && !ASCII(to) {
		c.refuse(statusNotUTF8)
		return
	}
	var opts RcptOptions
	if st := eachParam(params, func(key, value string, _ bool) *Status { return c.rcptParam(&opts, key, value) }); st != nil {
		c.refuse(st)
		return
	}
	if c.rcpts >= c.srv.opt.MaxRecipients {
		c.refuse(statusTooManyRcpts)
		return
	}
	if err := c.session.Rcpt(to, &opts); err != nil {
		c.refuse(asStatus(err))
		return
	}
	c.rcpts++
	c.state = stateRcpt
	c.reply(statusRecipientOK)
}

func (c *Conn) rcptParam(o *RcptOptions, key, value string) *Status {
	switch key {
	case "NOTIFY": // RFC 3461, 4.1
		for word := range strings.SplitSeq(strings.ToUpper(value), ",") {
			switch n := gosmtp.DSNNotify(word); n {
			case gosmtp.DSNNotifyNever, gosmtp.DSNNotifySuccess, gosmtp.DSNNotifyFailure, gosmtp.DSNNotifyDelayed:
				if len(o.Notify) > 0 && (n == gosmtp.DSNNotifyNever || o.Notify[0] == gosmtp.DSNNotifyNever) || len(o.Notify) > 2 {
					return statusSyntax // NEVER stands alone
				}
				o.Notify = append(o.Notify, n)
			default:
				return statusSyntax
			}
		}
	case "ORCPT": // RFC 3461, 4.2; RFC 6533, 3
		kind, text, ok := strings.Cut(value, ";")
		if !ok || len(value) > 500 {
			return statusSyntax
		}
		switch strings.ToUpper(kind) {
		case "RFC822":
			addr, ok := decodeXtext(text)
			if !ok || addr == "" {
				return statusSyntax
			}
			o.OriginalRecipientType, o.OriginalRecipient = gosmtp.DSNAddressTypeRFC822, addr
		case "UTF-8":
			if !c.utf8 && !ASCII(text) {
				return statusSyntax
			}
			addr, ok := decodeUnitext(text)
			if !ok || addr == "" {
				return statusSyntax
			}
			o.OriginalRecipientType, o.OriginalRecipient = gosmtp.DSNAddressTypeUTF8, addr
		default: // of another mail system, e.g. x400: kept for the reports that quote it
			addr, ok := decodeXtext(text)
			if !ok || addr == "" || kind == "" || strings.Trim(strings.ToLower(kind), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
				return statusSyntax
			}
			o.OriginalRecipientType, o.OriginalRecipient = gosmtp.DSNAddressType(kind), addr
		}
	default:
		return statusBadParameter
	}
	return nil
}
