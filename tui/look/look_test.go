package look

import (
	"strings"
	"testing"
	"time"

	"pneu/maildir/safe"
)

func TestDispatcher(t *testing.T) {
	m := NewKeymap([]Binding{{"j", "down"}, {"g g", "first"}, {"g i", "inbox"}, {"G", "last"}, {"z q", "quotes"}, {"d", "trash"}, {"x", "one"}, {"x y", "two"}})
	tests := []struct{ keys, want string }{
		{"j", "down"}, {"j j", "down down"}, {"5 j", "down*5"}, {"g g", "first"}, {"g i", "inbox"}, {"1 2 G", "last*12"}, {"d d 5 G", "trash trash last*5"},
		{"g esc j", "down"}, {"3 esc j", "down"}, {"g x j", "?g x down"}, {"0", "?0"}, {"1 0 j", "down*10"}, {"z q z q", "quotes quotes"}, {"x y", "two"},
		{"9 9 9 9 9 9 9 9 9 9 9 j", "down*9999999"},
	}
	for _, tt := range tests {
		var d Dispatcher
		var got []string
		for _, k := range strings.Fields(tt.keys) {
			switch r := d.Feed(m, k); {
			case r.Command != "" && r.Count > 0:
				got = append(got, r.Command+"*"+itoa(r.Count))
			case r.Command != "":
				got = append(got, r.Command)
			case r.Unknown != "":
				got = append(got, "?"+r.Unknown)
			}
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: %s, want %s", tt.keys, s, tt.want)
		}
	}
}

func TestDispatcherExpires(t *testing.T) {
	m := NewKeymap([]Binding{{"x", "one"}, {"x y", "two"}})
	var d Dispatcher
	r := d.Feed(m, "x")
	if !r.Pending || !r.Timer {
		t.Fatalf("x gave %+v", r)
	}
	if r := d.Expire(d.Serial - 1); r.Command != "" {
		t.Error("an old timer fired")
	}
	if r := d.Expire(d.Serial); r.Command != "one" {
		t.Errorf("expired to %+v", r)
	}
}

func TestShortDate(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 45, 0, 0, time.UTC)
	for in, want := range map[string]string{
		"2026-11-21T09:41:00Z": "09:41", "2026-11-20T23:59:00Z": "Fri", "2026-11-16T10:00:00Z": "Mon", "2026-11-15T09:00:00Z": "Sun", "2026-11-14T09:00:00Z": "14 Nov",
		"2026-01-02T00:00:00Z": "2 Jan", "2025-12-24T00:00:00Z": "2025-12", "2025-11-01T00:00:00Z": "2025-11", "2026-11-22T00:00:00Z": "22 Nov", "2030-01-01T00:00:00Z": "2030-01",
	} {
		at, err := time.Parse(time.RFC3339, in)
		if err != nil {
			t.Fatal(err)
		}
		got := ShortDate(at, now)
		if got != want {
			t.Errorf("%s is %q, want %q", in, got, want)
		}
		if len(got) > 7 {
			t.Errorf("%q is too long", got)
		}
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{68: "68 B", 999: "999 B", 18_200: "18 kB", 2_100_000: "2.1 MB", 341_000_000: "341 MB", 1_500_000_000: "1.5 GB", 999_700: "1.0 MB"} {
		if got := Size(n); got != want {
			t.Errorf("Size(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 12481: "12,481", 1000000: "1,000,000"} {
		if got := Number(n); got != want {
			t.Errorf("Number(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestLineIsAsWideAsAsked(t *testing.T) {
	th := NewTheme(Options{})
	for _, text := range []string{"", "plain", "請求書のご確認", "Zoë", strings.Repeat("long ", 50), "👩‍👩‍👧 family", "x\x1b[2Jy"} {
		for w := range 30 {
			l := th.NewLine(w).Lit(th.Key, "> ").Cell(th.Mark, T(text), 11).F(th.Hint, "%d", 42).Right(0, T(text), 9)
			s := l.String()
			for _, code := range th.sgr {
				s = strings.ReplaceAll(s, code, "")
			}
			if strings.ContainsRune(s, 0x1b) {
				t.Fatalf("escape in %q", s)
			}
			if got := safe.Width(s); got != w {
				t.Errorf("%q in %d cells takes %d: %q", text, w, got, s)
			}
		}
	}
}

func TestNoColourMeansNone(t *testing.T) {
	th := NewTheme(Options{Mono: true})
	for _, s := range th.sgr {
		if strings.Contains(s, ";3") {
			t.Errorf("a colour: %q", s)
		}
	}
}

// TestColoursAreSafe allows the six colours that are legible on every background, and no others.
func TestColoursAreSafe(t *testing.T) {
	for _, o := range []Options{{}, {Light: true}} {
		for _, s := range NewTheme(o).sgr {
			for _, bad := range []string{";30", ";37", ";38", ";39", ";4", ";9"} {
				if strings.Contains(strings.ReplaceAll(s, ";4m", ""), bad) && !strings.Contains(s, ";4;") {
					t.Errorf("%q has %q", s, bad)
				}
			}
		}
	}
}

func TestFuzzy(t *testing.T) {
	names := []string{"INBOX", "Archive", "Archive/2026", "lists/golang", "lists/notmuch", "Drafts"}
	for pattern, want := range map[string]string{"ar": "Archive", "gol": "lists/golang", "a26": "Archive/2026", "lnot": "lists/notmuch", "zz": ""} {
		got := ""
		if hits := Filter(pattern, len(names), func(i int) string { return names[i] }); len(hits) > 0 {
			got = names[hits[0]]
		}
		if got != want {
			t.Errorf("%q finds %q, want %q", pattern, got, want)
		}
	}
	if n := len(Filter("", len(names), func(i int) string { return names[i] })); n != len(names) {
		t.Errorf("nothing typed finds %d", n)
	}
}

func TestOverKeepsTheScreenStraight(t *testing.T) {
	th := NewTheme(Options{})
	screen := []string{th.NewLine(30).Add(0, T("請求書のご確認請求書のご確認請")).String(), th.NewLine(30).Add(th.Mark, T("abc")).String()}
	box := Box{Title: "t", W: 9, Lines: nil}.Render(th)
	for i, l := range Over(screen, box, 5, 0) {
		for _, code := range th.sgr {
			l = strings.ReplaceAll(l, code, "")
		}
		l = strings.ReplaceAll(l, "\x1b[0m", "")
		if w := safe.Width(l); w != 30 {
			t.Errorf("line %d is %d cells: %q", i, w, l)
		}
	}
}
