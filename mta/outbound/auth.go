package outbound

import (
	"encoding/base64"
	"strings"

	"pneu/mta/sasl"
)

// auth logs in at a relay (RFC 4954). Every failure is temporary: the cure is
// in our own configuration, and the mail waits for it.
func (s *session) auth(relay *Relay) *failed {
	fail := func(enhanced, text string) *failed {
		return &failed{Result: *s.result(true, enhanced, "AUTH: "+text)}
	}
	mech, err := sasl.Choose(strings.Fields(s.ext["AUTH"]), relay.User, relay.Password, s.tls != "")
	if err != nil {
		text := err.Error()
		if s.tls == "" {
			text += "; without TLS only SCRAM is used"
		}
		return fail("4.7.0", text)
	}
	name, first, err := mech.Start()
	if err != nil {
		return fail("4.7.0", err.Error())
	}
	line := "AUTH " + name
	// RFC 4954, 4: an empty first response is "="; one too long for the line waits for the server's word.
	pending := ""
	if first != nil {
		b64 := encode(first)
		if b64 == "" {
			b64 = "="
		}
		if len(line)+1+len(b64)+2 <= 512 {
			line += " " + b64
		} else {
			pending = b64
		}
	}
	limit := s.c.opt.Timeouts.Hello
	rep, err := s.command(limit, line)
	for {
		if err != nil {
			return s.lost("AUTH", err)
		}
		switch rep.Code {
		case 235:
			if !sasl.Verified(mech) {
				s.dead = true
				return fail("4.7.0", "the relay did not prove that it knows the password")
			}
			return nil
		case 334:
		default:
			res := s.reply(rep)
			res.Temp, res.again = true, true
			res.Text = "AUTH: " + res.Text
			return &failed{Result: *res}
		}
		answer := pending
		if pending == "" {
			challenge, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rep.Text()))
			if err == nil {
				var b []byte
				b, err = mech.Next(challenge)
				answer = encode(b)
			}
			if err != nil {
				s.command(limit, "*") // RFC 4954, 4: cancel
				return fail("4.7.0", err.Error())
			}
		}
		pending = ""
		rep, err = s.command(limit, answer)
	}
}

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
