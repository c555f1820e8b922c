package tui

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"pneu/tui/look"
	"pneu/tui/queueview"
	"pneu/tui/term"
)

func trialQueue() []queueview.Item {
	at := func(s string) time.Time {
		t, err := time.Parse("2006-01-02 15:04:05", "2026-11-"+s)
		if err != nil {
			panic(err)
		}
		return t
	}
	return []queueview.Item{
		{ID: "7KQ2M1", State: "deferred", From: "me@example.org", Subject: "Re: offer", Size: 18000, Arrived: at("21 07:41:00"), Expires: at("26 07:41:00"), Next: at("21 09:56:00"), Attempts: 3,
			Recipients: []queueview.Recipient{
				{To: "ops@example.net", State: "deferred", Attempts: 3, Next: at("21 09:56:00"), Last: &queueview.Attempt{Time: at("21 08:40:44"), Host: "mx2.example.net", IP: "192.0.2.9", TLS: "TLS1.3", Code: 451, Enhanced: "4.7.1", Text: "greylisted"}},
				{To: "ada@example.org", State: "done", Attempts: 1, Last: &queueview.Attempt{Time: at("21 07:41:02"), Host: "mx.example.org", IP: "2001:db8::7", TLS: "TLS1.3", Code: 250, Enhanced: "2.0.0", Text: "Ok 9F1"}},
			}},
		{ID: "7KQ2N4", State: "held", From: "me@example.org", Subject: "Photos", Size: 2000, Arrived: at("21 09:44:56"), Recipients: []queueview.Recipient{{To: "zoe@uni.example", State: "pending"}}},
		{ID: "7KQ1Z9", State: "failed", From: "me@example.org", Subject: "hello", Size: 900, Arrived: at("20 09:00:00"), Attempts: 1,
			Recipients: []queueview.Recipient{{To: "bob@old.example", State: "failed", Attempts: 1, Last: &queueview.Attempt{Time: at("20 09:00:01"), Host: "mx.old.example", IP: "192.0.2.1", Code: 550, Enhanced: "5.1.1", Text: "no such user"}}}},
	}
}

func TestGoldenScreens(t *testing.T) {
	tests := []struct {
		name   string
		opt    rigOptions
		do     func(*rig)
		styles bool
	}{
		{name: "list-80x24", styles: true},
		{name: "list-120x40", opt: rigOptions{w: 120, h: 40, queue: trialQueue()}},
		{name: "list-200x50", opt: rigOptions{w: 200, h: 50, queue: trialQueue()}, do: func(r *rig) { r.keys("j", "j") }},
		{name: "list-50x20", opt: rigOptions{w: 50, h: 20}},
		{name: "list-30x6", opt: rigOptions{w: 30, h: 6}},
		{name: "list-80x10", opt: rigOptions{w: 80, h: 10}},
		{name: "list-ascii-mono", opt: rigOptions{theme: look.Options{ASCII: true, Mono: true}}, styles: true},
		{name: "list-light", opt: rigOptions{theme: look.Options{Light: true}}, styles: true, do: func(r *rig) { r.keys("t", "t") }},
		{name: "list-selected", do: func(r *rig) { r.keys("j", "t", "V", "j", "j") }},
		{name: "list-unfolded", do: func(r *rig) { r.keys("j", "j", "z", "a") }},
		{name: "which-key", do: func(r *rig) { r.keys("z"); r.until("unfold all") }},
		{name: "reader-80x24", do: func(r *rig) { r.keys("j", "j", "enter") }, styles: true},
		{name: "reader-one", do: func(r *rig) { r.keys("enter") }},
		{name: "reader-headers", do: func(r *rig) { r.keys("j", "enter", "H") }},
		{name: "reader-120x40", opt: rigOptions{w: 120, h: 40}, do: func(r *rig) { r.keys("j", "j", "enter") }},
		{name: "parts", do: func(r *rig) { r.keys("j", "j", "enter", "v") }},
		{name: "links", do: func(r *rig) { r.keys("j", "j", "enter", "o") }},
		{name: "compose", do: func(r *rig) { r.keys("enter", "r"); r.typed("Looks good, see attached."); r.later(time.Second) }},
		{name: "compose-completion", do: func(r *rig) { r.keys("m"); r.typed("zo") }},
		{name: "queue", opt: rigOptions{queue: trialQueue()}, do: func(r *rig) { r.keys("g", "q") }, styles: true},
		{name: "queue-empty", do: func(r *rig) { r.keys("g", "q") }},
		{name: "help", do: func(r *rig) { r.keys("?") }},
		{name: "palette", do: func(r *rig) { r.keys(":"); r.typed("mo") }},
		{name: "picker", do: func(r *rig) { r.keys("c"); r.typed("ar") }},
		{name: "limit", do: func(r *rig) { r.keys("\\"); r.typed("from:ada") }},
		{name: "no-match", do: func(r *rig) { r.keys("\\"); r.typed("from:nobody"); r.keys("enter") }},
		{name: "empty-folder", opt: rigOptions{folder: "Trash"}},
		{name: "keywords", do: func(r *rig) {
			r.typed(":keywords work later")
			r.keys("enter", "j", "j")
			r.typed(":keywords work $Important $MDNSent")
			r.keys("enter", "g", "g")
			r.typed("+")
			r.keys("down", "space")
		}},
		{name: "keywords-read", do: func(r *rig) { r.typed(":keywords work later"); r.keys("enter", "enter") }},
		{name: "keywords-50x20", opt: rigOptions{w: 50, h: 20}, do: func(r *rig) { r.typed(":keywords work later"); r.keys("enter") }},
		{name: "search-120x40", opt: rigOptions{w: 120, h: 40}, do: func(r *rig) { r.search("re OR ada"); r.keys("tab", "j", "j") }},
		{name: "search-80x24", do: func(r *rig) { r.search("re OR ada") }},
		{name: "refine-80x24", do: func(r *rig) { r.search("re OR ada"); r.keys("tab", "j") }},
		{name: "refine-40x12", opt: rigOptions{w: 40, h: 12}, do: func(r *rig) { r.search("re OR ada"); r.keys("tab") }},
		{name: "archived", do: func(r *rig) { r.keys("j", "j", "a") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, tt.opt)
			if tt.do != nil {
				tt.do(r)
			}
			r.settle()
			r.golden(tt.name, tt.styles)
		})
	}
}

// search looks through all folders; how long it took is not the same each time.
func (r *rig) search(q string) {
	r.t.Helper()
	r.typed("g/")
	r.typed(q)
	r.a.search.SetTook(time.Millisecond)
}

// TestLinesFit checks every size for lines that are too long or too short.
func TestLinesFit(t *testing.T) {
	r := newRig(t, rigOptions{queue: trialQueue()})
	check := func(what string) {
		t.Helper()
		for _, s := range []term.Size{{W: 200, H: 50}, {W: 160, H: 30}, {W: 120, H: 40}, {W: 100, H: 12}, {W: 80, H: 24}, {W: 61, H: 13}, {W: 59, H: 11}, {W: 40, H: 8}, {W: 39, H: 8}, {W: 10, H: 3}, {W: 1, H: 1}} {
			r.send(s)
			lines := r.a.Lines()
			if len(lines) != s.H {
				t.Errorf("%s at %v: %d lines", what, s, len(lines))
			}
			for i, l := range lines {
				if w := cells(l); w != s.W {
					t.Errorf("%s at %v, line %d: %d cells: %q", what, s, i, w, l)
				}
			}
		}
		r.send(term.Size{W: 80, H: 24})
		r.settle()
	}
	check("list")
	r.keys("j", "j", "enter")
	check("reader")
	r.keys("v")
	check("parts")
	r.keys("q", "o")
	check("links")
	r.keys("esc", "?")
	check("help")
	r.keys("esc", ":")
	check("palette")
	r.keys("esc")
	r.typed(":keywords work")
	r.keys("enter")
	check("keywords")
	r.typed("+")
	check("list of keywords")
	r.keys("esc", "g", "q")
	check("queue")
	r.keys("q")
	r.typed("g/")
	check("empty search")
	r.typed("re")
	check("search")
	r.keys("tab")
	check("refine")
	r.keys("esc", "r")
	check("compose")
	r.keys("ctrl+a")
	check("prompt")
}

func TestFolderThatCannotBeRead(t *testing.T) {
	r := newRig(t, rigOptions{folder: "Nowhere"})
	r.want("Nowhere cannot be read", "no such folder", "postmaster check")
	r.keys("g", "i")
	r.want("4 unread of 19")
	if err := os.RemoveAll(filepath.Join(r.dir, ".Archive.2026")); err != nil {
		t.Fatal(err)
	}
	r.keys("c")
	r.typed("2026")
	r.keys("enter")
	r.want("error:", "INBOX")
}
