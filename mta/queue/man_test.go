package queue

import (
	"os"
	"strings"
	"testing"
	"time"
)

// literal returns the displayed text of pneu-spool(5) that begins with word.
func literal(t *testing.T, word string) string {
	t.Helper()
	b, err := os.ReadFile("../../man/pneu-spool.5")
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(string(b), "\n.Bd ") {
		_, text, _ := strings.Cut(block, "\n")
		if text, _, ok := strings.Cut(text, "\n.Ed"); ok && strings.HasPrefix(text, word) {
			return strings.ReplaceAll(text, " \\e\n ", "")
		}
	}
	t.Fatalf("pneu-spool.5 shows nothing that begins with %q", word)
	return ""
}

// What the manual shows as a message is one, and is written as it stands.
func TestManualMessage(t *testing.T) {
	text := literal(t, "PNEU1")
	h, err := parseHead([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	written := string(firstLine(commitWord, h.size, h.crc, h.state)) + string(appendHead(nil, &h.env))
	if shown := text[:h.end]; shown != written {
		t.Errorf("the manual shows\n%sand written is\n%s", shown, written)
	}
	if !h.committed || len(h.env.Recipients) != 2 || h.env.Recipients[1].Mark != Done {
		t.Errorf("%+v", h)
	}
}

func TestManualHistory(t *testing.T) {
	line := literal(t, "20")
	ev := ParseEvent(line)
	if ev.Kind != "deferred" || ev.String() != line {
		t.Errorf("the manual shows\n%s\nand written is\n%s", line, ev)
	}
	if ev.Next.Before(ev.Time) || ev.Next.Sub(ev.Time) > time.Hour {
		t.Errorf("the next attempt is at %v, after one at %v", ev.Next, ev.Time)
	}
}
