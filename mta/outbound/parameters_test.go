package outbound

import (
	"testing"

	"pneu/mta/queue"
)

// The last guard before the wire: the envelope may come from a file that some
// other program wrote.
func TestParametersDoNotInject(t *testing.T) {
	s := &session{ext: map[string]string{"DSN": ""}}
	const mail, rcpt = "MAIL FROM:<a@me.test>", "RCPT TO:<x@b.test>"
	for _, tt := range []struct {
		name string
		env  queue.Envelope
		rc   queue.Recipient
		mail string
		rcpt string
	}{
		{"good", queue.Envelope{Ret: "FULL", EnvID: "a b+c"}, queue.Recipient{Notify: "DELAY,FAILURE", ORcpt: "utf-8;ü@b.test"},
			mail + " RET=FULL ENVID=a+20b+2Bc", rcpt + ` NOTIFY=DELAY,FAILURE ORCPT=utf-8;\x{FC}@b.test`},
		{"another command", queue.Envelope{Ret: "HDRS\r\nRSET", EnvID: "x\r\nRSET"}, queue.Recipient{Notify: "NEVER\r\nRSET", ORcpt: "rfc822;x\r\nRSET"},
			mail, rcpt},
		{"another parameter", queue.Envelope{Ret: "HDRS X=Y", EnvID: "x Y=Z"}, queue.Recipient{Notify: "NEVER X=Y", ORcpt: "rfc822 X=Y;z"},
			mail + " ENVID=x+20Y+3DZ", rcpt},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.env.Sender, tt.rc.Addr = "a@me.test", "x@b.test"
			a := &attempt{msg: Message{Envelope: tt.env}}
			if got := a.mail(s, nil); got != tt.mail {
				t.Errorf("%q, want %q", got, tt.mail)
			}
			if got := a.rcpt(s, tt.rc); got != tt.rcpt {
				t.Errorf("%q, want %q", got, tt.rcpt)
			}
		})
	}
}
