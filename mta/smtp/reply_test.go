package smtp

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestReadReply(t *testing.T) {
	tests := []struct {
		name, in, want string
		lines          int
		err            error
	}{
		{"plain", "250 ok\r\n", "250 ok", 1, nil},
		{"code alone", "250\r\n", "250", 1, nil},
		{"code and space", "354 \r\n", "354", 1, nil},
		{"lone LF", "220 hi\n", "220 hi", 1, nil},
		{"enhanced", "550 5.1.1 no such user\r\n", "550 5.1.1 no such user", 1, nil},
		{"enhanced alone", "250 2.0.0\r\n", "250 2.0.0", 1, nil},
		{"class differs", "550 4.1.1 odd\r\n", "550 4.1.1 odd", 1, nil},
		{"not enhanced", "220 2.example.org\r\n", "220 2.example.org", 1, nil},
		{"several lines", "550-5.7.1 no\r\n550 5.7.1 really\r\n", "550 5.7.1 no really", 2, nil},
		{"ehlo", "250-mx\r\n250-SIZE 10\r\n250 DSN\r\n", "250 mx SIZE 10 DSN", 3, nil},
		{"controls", "550 a\x1b[2Jb\x00\r\n", "550 a?[2Jb?", 1, nil},
		{"not UTF-8", "550 \xff\r\n", "550 ?", 1, nil},
		{"nothing", "", "", 0, io.EOF},
		{"cut", "250 o", "", 0, io.ErrUnexpectedEOF},
		{"cut between", "250-a\r\n", "", 0, io.ErrUnexpectedEOF},
		{"not a code", "hello\r\n", "", 0, ErrReply},
		{"code too low", "199 x\r\n", "", 0, ErrReply},
		{"code too high", "600 x\r\n", "", 0, ErrReply},
		{"four digits", "2500 x\r\n", "", 0, ErrReply},
		{"codes differ", "250-a\r\n251 b\r\n", "", 0, ErrReply},
		{"long line", "250 " + strings.Repeat("x", maxReplyLine) + "\r\n", "", 0, ErrReply},
		{"endless line", "250 " + strings.Repeat("x", 100*maxReplyLine), "", 0, ErrReply},
		{"endless lines", strings.Repeat("250-x\r\n", maxReplyLines+1), "", 0, ErrReply},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ReadReply(bufio.NewReader(strings.NewReader(tt.in)))
			if !errors.Is(err, tt.err) || err == nil && got.String() != tt.want || len(got.Lines) != tt.lines {
				t.Errorf("ReadReply(%.60q) = %q, %d lines, %v; want %q, %d, %v", tt.in, got, len(got.Lines), err, tt.want, tt.lines, tt.err)
			}
		})
	}
}

func TestReplyKinds(t *testing.T) {
	for code, want := range map[int][3]bool{250: {true, false, false}, 354: {true, false, false}, 451: {false, true, false}, 550: {false, false, true}} {
		r := Reply{Code: code}
		if got := [3]bool{r.Positive(), r.Temporary(), r.Permanent()}; got != want {
			t.Errorf("%d: %v, want %v", code, got, want)
		}
	}
}

// A reply that was read is one clean line when printed, and does not grow without bound.
func FuzzReadReply(f *testing.F) {
	f.Add("250-a\r\n250 2.0.0 b\r\n")
	f.Add("421 4.3.2 \x1b]0;x\x07\r\n")
	f.Fuzz(func(t *testing.T, in string) {
		r, err := ReadReply(bufio.NewReader(strings.NewReader(in)))
		if err != nil {
			return
		}
		for _, c := range []byte(r.String()) {
			if c < ' ' || c == 0x7f {
				t.Fatalf("control byte in %q", r)
			}
		}
		if r.Code < 200 || r.Code > 599 {
			t.Fatalf("code %d", r.Code)
		}
	})
}
