package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// foundMail is mail whose texts are searched.
func foundMail(t testing.TB, dir string) {
	trialMail(t, dir)
	deliver(t, filepath.Join(dir, ".Archive.2026"), []letter{
		{at: "Tue 03 Nov 10:00", from: "Grace Hopper <grace@navy.example>", subject: "COBOL 2027 draft", flags: "S",
			body: "Hello,\n\n> we should jitter it\nbefore the vote in spring, which is what the committee asked for last year, we should JITTER the annex, and its jitter buffer"},
		{at: "Wed 04 Nov 10:00", from: "佐藤 花子 <sato@example.jp>", subject: "週報", flags: "S",
			body: "今週の進捗をご報告いたします。ネットワークの揺らぎを抑えるためにｊｉｔｔｅｒバッファを実装し、試験環境での評価を完了しました。来週は本番環境への展開を予定しております。"},
		{at: "Thu 05 Nov 10:00", from: "Mallory <m@evil.example>", subject: "look", flags: "S",
			body: "\x1b]0;owned\x07\x1b[2J red\u202egpj\u202c \u009b31m jitter\x1b]52;c;ZXZpbA==\x07 z" + strings.Repeat("\u0301", 60) + "\x08\x08 \xff\xfe tail"},
		{at: "Fri 06 Nov 10:00", from: "Robin <robin@example.net>", subject: "page", flags: "S",
			body: "x", more: "X-Note: jitter\n"},
	})
}

func TestHitLineScreens(t *testing.T) {
	tests := []struct {
		name string
		w, h int
		do   func(*rig)
	}{
		{"lines-80x24", 80, 24, func(r *rig) { r.search("jitter"); r.keys("down", "down") }},
		{"lines-120x40", 120, 40, func(r *rig) { r.search("jitter") }},
		{"lines-200x50", 200, 50, func(r *rig) { r.search("jitter OR index") }},
		{"lines-50x20", 50, 20, func(r *rig) { r.search("jitter") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rigOptions{w: tt.w, h: tt.h, mail: foundMail})
			tt.do(r)
			r.settle()
			r.golden(tt.name, tt.w != 120)
			for _, line := range r.a.Lines() {
				if s := leak(line); s != "" {
					t.Error(s)
				}
			}
		})
	}
}

// TestHitLines reads why hits were found, of those on the screen only, wherever their files are by then.
func TestHitLines(t *testing.T) {
	r := newRig(t, rigOptions{mail: func(t testing.TB, dir string) {
		var letters []letter
		for i := range 30 {
			letters = append(letters, letter{at: fmt.Sprintf("Mon 02 Nov 10:%02d", i), from: "a@x.example", subject: fmt.Sprintf("n%d", i), body: fmt.Sprintf("first\nthe needle %d is here", i), flags: "S"})
		}
		deliver(t, dir, letters)
	}})
	read := func() (n int) {
		for i := range 30 {
			if strings.Contains(fmt.Sprint(r.a.search.HitLine(i)), "needle") {
				n++
			}
		}
		return n
	}
	r.typed("g/")
	r.typed("needle")
	r.want("30 of 30", `\n +INBOX  the needle 29 is here`, "needle 21 is here")
	if n := read(); n > 12 {
		t.Errorf("%d texts were read for one screen", n)
	}
	for _, f := range files(t, r.dir) { // another program changes flags
		if err := os.Rename(filepath.Join(r.dir, f), filepath.Join(r.dir, f+"T")); err != nil {
			t.Fatal(err)
		}
	}
	r.keys("pgdown")
	r.want("the needle 15 is here")
	r.keys("ctrl+u")
	r.typed("from:a@x")
	r.want("30 of 30", "INBOX  first the needle 2[0-9]") // in one line: what a header has needs no other
	r.wantNot(`\n +INBOX`)
	r.keys("ctrl+u")
	r.typed("n2")
	r.want("11 of 30", `\n +INBOX  first the needle 29`)
}
