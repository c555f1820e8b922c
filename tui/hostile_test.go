package tui

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"

	"pneu/maildir/message"
	"pneu/tui/look"
	"pneu/tui/queueview"
	"pneu/tui/reader"
	"pneu/tui/term"
)

// hostile are pieces that terminals act on, or that hide what is there.
var hostile = []string{
	"\x1b]0;owned\x07", "\x1b]52;c;ZXZpbA==\x07", "\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "\x1b[2J", "\x1b[6n", "\x1b[?1049h",
	"\x1bP+q544e\x1b\\", "\x1b_Gf=100;AAAA\x1b\\", "\x1b]", "\x1bc", "\u009b31m", "\u009d0;x\u009c", "\u0090q\u009c",
	"\x07", "\x08\x08\x08", "\x7f", "over\rwritten", "nul\x00nul", "\v\f", "\u202egpj.exe\u202c", "\u2066iso\u2069", "\u200e\u200f\u061c",
	"z\u200bw\u200cj\u200d\u2060\ufeff\u00ad\u034f", "\U000e0041\U000e0042", "a" + strings.Repeat("\u0301", 200), "\xc0\xaf\xed\xa0\x80\xff\xfe", "\xe2\x82",
	strings.Repeat("x", 100_000), strings.Repeat("<div>", 600),
}

func hostileMail(t testing.TB, dir string) {
	for i, h := range hostile {
		name := func(kind int) string { return fmt.Sprintf("new/%d.M%dP%d.evil", clock.Unix()-int64(i), i, kind) }
		line := strings.NewReplacer("\n", " ").Replace(h)
		word := "=?utf-8?B?" + b64(h+"\r\nBcc: x@evil.example") + "?="
		put(t, dir, name(1), "From: \""+line+"\" <a@evil.example>\nTo: "+line+"\nSubject: "+line+"\nDate: Sat, 21 Nov 2026 09:00:00 +0000\n\nbody "+h+"\n> quoted "+h+"\nhttps://evil.example/"+h+"\n")
		put(t, dir, name(2), "From: "+word+" <a@evil.example>\nTo: "+word+" <b@evil.example>\nSubject: "+word+"\nDate: Sat, 21 Nov 2026 08:00:00 +0000\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html; charset=utf-8\n\n<p>"+h+"</p><a href=\"https://x/"+h+"\" title='"+h+"'>"+h+"</a>&#27;]0;x&#7;&#155;31m<img alt='"+h+"' src=x>\n--b\nContent-Type: application/"+line+"; name=\""+line+"\"\nContent-Disposition: attachment; filename=\""+line+".pdf\"\n\nx\n--b--\n")
	}
	deliver(t, filepath.Join(dir, ".Drafts"), nil)
	deliver(t, filepath.Join(dir, ".x\x1b]0;owned\x07y"), []letter{{at: "Mon 02 Nov 10:00", from: "a@x", subject: "s", body: "b", flags: "S"}})
}

// An oracle is a terminal that reports everything but text and the sequences a frame is made of.
type oracle struct {
	t    testing.TB
	e    *vt.Emulator
	what string
}

func newOracle(t testing.TB, w, h int) *oracle {
	o := &oracle{t: t, e: vt.NewEmulator(w, h)}
	bad := func(kind string) { t.Errorf("%s: %s reached the terminal", o.what, kind) }
	for cmd := range 2100 {
		o.e.RegisterOscHandler(cmd, func([]byte) bool { bad(fmt.Sprintf("OSC %d", cmd)); return true })
	}
	o.e.RegisterApcHandler(func([]byte) bool { bad("APC"); return true })
	o.e.RegisterPmHandler(func([]byte) bool { bad("PM"); return true })
	o.e.RegisterSosHandler(func([]byte) bool { bad("SOS"); return true })
	for c := byte(0x40); c < 0x7f; c++ {
		if c != 'm' {
			for _, prefix := range []byte{0, '?', '>', '='} {
				o.e.RegisterCsiHandler(ansi.Command(prefix, 0, c), func(ansi.Params) bool { bad(fmt.Sprintf("CSI %c%c", prefix, c)); return true })
			}
		}
		o.e.RegisterDcsHandler(int(c), func(ansi.Params, []byte) bool { bad("DCS"); return true })
	}
	o.e.SetCallbacks(vt.Callbacks{Bell: func() { bad("BEL") }, Title: func(string) { bad("title") }, AltScreen: func(bool) { bad("alternate screen") }})
	return o
}

// frame checks one frame: its bytes, and what an emulator makes of it.
func (o *oracle) frame(what, frame string) {
	o.t.Helper()
	o.what = what
	for i, line := range strings.Split(frame, "\n") {
		if s := leak(line); s != "" {
			o.t.Errorf("%s, line %d: %s", what, i, s)
		}
	}
	_, _ = o.e.WriteString(strings.ReplaceAll(frame, "\n", "\r\n"))
}

var ownSGR = regexp.MustCompile(`^\x1b\[0(;[1247])*(;3[1-6])?m`)

// leak says what in a line is neither text nor a sequence of ours; "" if nothing is.
//
// Isolates that are balanced within the line may stand in running text: languages written from right to left need
// them, and they cannot reach beyond the line.
func leak(s string) string {
	isolated := 0
	for _, r := range s {
		switch {
		case r >= 0x2066 && r <= 0x2068:
			isolated++
		case r == 0x2069:
			isolated--
		}
		if isolated < 0 {
			break
		}
	}
	if isolated != 0 {
		return fmt.Sprintf("isolates not balanced in %.60q", s)
	}
	for s != "" {
		if m := ownSGR.FindString(s); m != "" {
			s = s[len(m):]
			continue
		}
		for i, r := range s {
			if i > 0 && r == 0x1b {
				s = s[i:]
				break
			}
			switch {
			case r < 0x20, r >= 0x7f && r < 0xa0:
				return fmt.Sprintf("control %U in %.60q", r, s)
			case r == unicode.ReplacementChar && strings.HasPrefix(s[i:], "\xff"), r >= 0x202a && r <= 0x202e, r == 0x2028, r == 0x2029, r >= 0xe0000 && r < 0xe0080:
				return fmt.Sprintf("%U in %.60q", r, s)
			}
			if i+len(string(r)) >= len(s) {
				s = ""
			}
		}
	}
	return ""
}

func TestNothingHostileReachesTheTerminal(t *testing.T) {
	for _, size := range []term.Size{{W: 80, H: 24}, {W: 120, H: 40}, {W: 200, H: 50}} {
		r := newRig(t, rigOptions{w: size.W, h: size.H, mail: hostileMail, queue: hostileQueue()})
		o := newOracle(t, size.W, size.H)
		see := func(what string) { t.Helper(); o.frame(fmt.Sprintf("%v %s", size, what), r.a.View()) }
		see("list")
		for i := range 2 * len(hostile) {
			r.keys("j")
			if slower == 1 || i%5 == 0 { // the race detector need not see them all
				see(fmt.Sprintf("list %d", i))
			}
		}
		if size.W != 80 {
			continue
		}
		r.typed("gg")
		r.keys("enter")
		for i := range 2 * len(hostile) {
			what := fmt.Sprintf("message %d", i)
			see(what)
			r.typed("zqHzh")
			see(what + " with header")
			r.keys("space")
			see(what + " further on")
			r.typed("o")
			see(what + " links")
			r.keys("esc", "v")
			see(what + " parts")
			r.keys("q")
			if r.a.screen != readerScreen {
				r.keys("enter")
			}
			if i%9 == 0 {
				r.keys("r")
				see(what + " reply")
				r.keys("esc")
			}
			r.keys("J")
		}
		r.keys("q")
		r.typed("gq")
		for range 4 {
			see("queue")
			r.keys("j")
		}
		r.keys("q")
		r.typed("c")
		see("folders")
		r.keys("esc")
		r.typed("g/")
		r.typed("from:evil")
		for range 3 {
			see("search")
			r.keys("pgdown")
		}
		r.keys("ctrl+u")
		r.typed("body OR x OR /./")
		for range 12 {
			see("lines of what was found")
			r.keys("pgdown")
		}
		r.send(term.Pasted(strings.Join(hostile[:20], "")))
		see("search for what is hostile")
		r.keys("esc")
		r.a.fail(fmt.Errorf("535 %s", strings.Join(hostile, " ")))
		see("error")
		r.typed("gL")
		see("log")
		r.keys("esc")
		r.send(term.Pasted(strings.Join(hostile, "")))
		see("paste")
		r.typed("m")
		r.send(term.Pasted(strings.Join(hostile[:20], "")))
		see("paste into a field")
		r.keys("tab", "tab", "tab", "tab")
		r.send(term.Pasted(strings.Join(hostile[:20], "\n")))
		see("paste into the text")
	}
}

// TestCorpus shows every message of the corpus, which lies beside the repository.
func TestCorpus(t *testing.T) {
	root := filepath.Join("..", "..", "shared", "corpus")
	if _, err := os.Stat(root); err != nil {
		t.Skip("no corpus beside the repository")
	}
	theme := look.NewTheme(look.Options{})
	o := newOracle(t, 80, 24)
	n := 0
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".eml" && !strings.Contains(path, "threads") {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if n++; slower > 1 && n%10 != 0 {
			return nil // the race detector need not see them all
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m := message.Parse(raw)
		rd := reader.New(theme, func() time.Time { return clock })
		rd.SetSize(80, 24)
		h := m.Header(0)
		rd.Open(look.T(h.Text("Subject")), []reader.Item{{ID: 1, From: look.T(h.Text("From")), To: look.T(h.Text("To")), Load: func() ([]byte, error) { return raw, nil }}}, 1)
		rd.Toggle(func(s *reader.Show) { s.Quotes, s.Headers, s.Hidden = true, true, true })
		for _, w := range rd.Wants() {
			rd.Put(w.Do())
		}
		runtime.ReadMemStats(&after)
		work := after.TotalAlloc - before.TotalAlloc
		screens := 0
		for more := true; more; more = rd.Scroll(24) {
			if screens++; screens <= 2 {
				o.frame(path, strings.Join(rd.Lines(), "\n"))
				continue
			}
			for _, line := range rd.Lines() { // the emulator has seen enough
				if s := leak(line); s != "" {
					t.Errorf("%s: %s", path, s)
				}
			}
		}
		if work > 64<<20+100*uint64(len(raw)) { // what is shown of a message is bounded
			t.Errorf("%s, of %d bytes, took %d MB", path, len(raw), work>>20)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d messages", n)
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func hostileQueue() []queueview.Item {
	var items []queueview.Item
	for i, h := range hostile {
		items = append(items, queueview.Item{ID: fmt.Sprint(i) + h, From: h, Subject: h, State: "deferred", Arrived: clock,
			Recipients: []queueview.Recipient{{To: h, State: "deferred", Last: &queueview.Attempt{Host: h, IP: h, TLS: h, Code: 451, Enhanced: h, Text: h, Time: clock}}}})
	}
	return items
}
