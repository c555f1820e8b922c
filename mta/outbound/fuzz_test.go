package outbound

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pneu/mta/dns"
	"pneu/mta/queue"
)

// canned is a connection whose other side says what it says, whatever it hears.
type canned struct {
	r     io.Reader
	heard bytes.Buffer
}

func (c *canned) Read(p []byte) (int, error)       { return c.r.Read(p) }
func (c *canned) Write(p []byte) (int, error)      { return c.heard.Write(p) }
func (c *canned) Close() error                     { return nil }
func (c *canned) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *canned) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *canned) SetDeadline(time.Time) error      { return nil }
func (c *canned) SetReadDeadline(time.Time) error  { return nil }
func (c *canned) SetWriteDeadline(time.Time) error { return nil }

type direct struct{}

func (direct) MX(context.Context, string) ([]dns.MX, error) { return []dns.MX{{Host: "mx.test"}}, nil }
func (direct) Addrs(context.Context, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
}

// Whatever a server says: every recipient has one result, none is both
// delivered and not, delivered is only what was sent whole and acknowledged,
// and nothing from an address or the message becomes a command.
func FuzzServer(f *testing.F) {
	f.Add("220 hi\r\n250-mx\r\n250-PIPELINING\r\n250 SIZE 100\r\n250 ok\r\n250 ok\r\n550 no\r\n354 go\r\n250 done\r\n221 bye\r\n", "b@b.test")
	f.Add("220 hi\r\n500 what\r\n250 mx\r\n250 ok\r\n452 many\r\n250 ok\r\n354 go\r\n250 done\r\n250 ok\r\n250 ok\r\n354 go\r\n250 done\r\n221 bye\r\n", "ü@b.test")
	f.Add("220 hi\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n", "x> <y@b.test")
	f.Fuzz(func(t *testing.T, says, addr string) {
		var conns []*canned
		c := New(Options{Hostname: "me.test", Resolver: direct{}, Dial: func(context.Context, string, string) (net.Conn, error) {
			conn := &canned{r: strings.NewReader(says)}
			conns = append(conns, conn)
			return conn, nil
		}})
		const body = "A: b\n\n.\nRCPT TO:<evil@b.test>\nend"
		rcpts := []queue.Recipient{{N: 1, Addr: addr}, {N: 2, Addr: "c@b.test"}}
		results := c.Deliver(context.Background(), Destination{Domain: "b.test"}, Message{Envelope: queue.Envelope{Sender: "a@me.test"}, Body: strings.NewReader(body)}, rcpts)
		c.Wait()
		var heard string
		for _, conn := range conns {
			said := conn.heard.String()
			if at := strings.Index(said, "STARTTLS\r\n\x16"); at >= 0 { // what follows is random bytes
				said = said[:at+len("STARTTLS\r\n")]
			}
			heard += said
		}
		const sent = "A: b\r\n\r\n..\r\nRCPT TO:<evil@b.test>\r\nend\r\n.\r\n"
		for i, r := range results {
			if r.Rcpt != rcpts[i].N || r.OK && (r.Temp || r.Code/100 != 2) || !r.OK && r.Text == "" && r.Code == 0 {
				t.Errorf("result %+v", r)
			}
			if r.OK && (!strings.Contains(heard, sent) || !strings.Contains(says, "354")) {
				t.Errorf("delivered, but the server heard %q", heard)
			}
		}
		for _, line := range strings.Split(strings.ReplaceAll(heard, sent, ""), "\r\n") {
			verb, _, _ := strings.Cut(line, " ")
			if line != "" && line != "." && !strings.Contains(" EHLO HELO STARTTLS MAIL RCPT DATA RSET QUIT ", " "+verb+" ") && line[0] != 0x16 && !strings.ContainsRune(line, 0) {
				if strings.HasPrefix(sent, line) || strings.Contains(sent, line) { // a message cut short
					continue
				}
				t.Errorf("the server heard %q", line)
			}
		}
	})
}
