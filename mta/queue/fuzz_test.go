package queue

import (
	"bytes"
	"os"
	"reflect"
	"testing"
	"time"
)

func sample() []byte {
	e := &Envelope{
		ID: "1KQ3V8ZJ4T7C03f", Arrived: time.UnixMicro(1e15), Expires: time.UnixMicro(2e15), Sender: "a b@x", Auth: "a",
		Client: "192.0.2.7 mx", Ret: "HDRS", EnvID: "x%", UTF8: true, Kind: "dsn", Parent: "1KQ3V8ZJ4T7C13f", Covers: []Cover{{1, Failed}, {2, Done}},
		Recipients: []Recipient{{1, "b@y", Pending, "NEVER", "rfc822;b@y"}, {2, `"<>"@y`, Done, "", ""}},
	}
	return append(firstLine(commitWord, 2, 0, stateTried), append(appendHead(nil, e), 'x', '\n')...)
}

// FuzzHead: any bytes give a head or a reason; and a head that was read is
// written and read alike.
func FuzzHead(f *testing.F) {
	b := sample()
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Add(b[:20])
	f.Add(firstLine(openWord, 0, 0, stateNew))
	f.Add([]byte("PNEU1 COMMIT len=0000000000 crc=00000000 state=Q\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseHead(b)
		if err != nil {
			return
		}
		if h.end > int64(len(b)) || len(h.marks) != len(h.env.Recipients) {
			t.Fatalf("end %d of %d, %d marks, %d recipients", h.end, len(b), len(h.marks), len(h.env.Recipients))
		}
		for i, at := range h.marks {
			if at >= h.end || Mark(b[at]) != h.env.Recipients[i].Mark {
				t.Fatalf("mark %d is not at %d", i, at)
			}
		}
		if y := h.env.Arrived.UTC().Year(); y < 1 || y > 9999 {
			return
		}
		if y := h.env.Expires.UTC().Year(); y < 1 || y > 9999 {
			return
		}
		again, err := parseHead(append(firstLine(commitWord, h.size, h.crc, h.state), appendHead(nil, &h.env)...))
		if err != nil {
			t.Fatalf("rewritten: %v", err)
		}
		again.env.Arrived, again.env.Expires = h.env.Arrived, h.env.Expires // cut to microseconds
		if !reflect.DeepEqual(again.env, h.env) {
			t.Fatalf("rewritten: %+v, want %+v", again.env, h.env)
		}
	})
}

// FuzzFile: whatever lies in q/, Lock gives the message it was, or leaves the
// bytes in bad/, or (not committed) removes it.
func FuzzFile(f *testing.F) {
	f.Add(uint16(0), []byte("x"), uint16(0))
	f.Add(uint16(49), []byte("qid ../../x"), uint16(3))
	f.Add(uint16(60), []byte("OPEN"), uint16(500))
	dir := f.TempDir() + "/s"
	if err := Create(dir); err != nil {
		f.Fatal(err)
	}
	s, err := Open(Options{Dir: dir})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, at uint16, patch []byte, cut uint16) {
		id := put(t, s, "Subject: x\n\nbody\n", "b@y", "c@z")
		name := s.path(inQueue, id)
		whole, _ := os.ReadFile(name)
		b := over(bytes.Clone(whole), int(at)%len(whole), patch)
		if len(b) > int(cut) {
			b = b[:len(b)-int(cut)]
		}
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(name)
		old := time.Now().Add(-time.Hour)
		os.Chtimes(name, old, old)
		if v, err := s.Read(id); err == nil {
			v.Close()
		}
		if m, err := s.Lock(id); err == nil {
			got := make([]byte, 17)
			m.Body().ReadAt(got, 0)
			if m.Size != 17 || string(got) != "Subject: x\n\nbody\n" || len(m.Recipients) != 2 || m.Recipients[0].Addr != "b@y" {
				t.Errorf("damage passes: %+v %q", m.Envelope, got)
			}
			m.Close()
			return
		}
		kept, err := os.ReadFile(s.path(inBad, id))
		if err == nil {
			os.Remove(s.path(inBad, id))
			os.Remove(s.path(inBad, id) + ".why")
		}
		if !bytes.Equal(kept, b) && !bytes.HasPrefix(b, []byte("PNEU1 OPEN")) && len(b) >= len("PNEU1 OPEN") {
			t.Errorf("damaged bytes are not kept: %q", b)
		}
	})
}

// FuzzEvent: a history's line is one line, and what was written is read alike;
// anything else is a note.
func FuzzEvent(f *testing.F) {
	f.Add("deferred", 2, "mx.example.net", 451, "later\r\nx")
	f.Add("x y", -1, "\x00\x1b[2J\u202e", 0, `"`)
	f.Fuzz(func(t *testing.T, kind string, rcpt int, host string, code int, text string) {
		ev := Event{Time: time.UnixMicro(1e15), Kind: kind, Rcpt: rcpt, Host: host, Code: code, Text: text}
		line := ev.String()
		for i := range len(line) {
			if line[i] < ' ' || line[i] > '~' {
				t.Fatalf("control byte in %q", line)
			}
		}
		got := ParseEvent(line)
		if !word(kind) {
			ev.Kind = "note"
		}
		if len(text) <= 2000 && len(host) <= 2000 && (got.Kind != ev.Kind || got.Rcpt != ev.Rcpt || got.Host != ev.Host || got.Code != ev.Code || got.Text != ev.Text) {
			t.Fatalf("%q is read as %+v", line, got)
		}
		ParseEvent(text) // must not panic
		parseHealth(text)
		parseLocks(text)
	})
}
