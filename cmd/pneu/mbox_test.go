package main

import (
	"bytes"
	"io"
	"io/fs"
	"testing"
	"time"

	"pneu/maildir"
)

// What is exported is imported again byte for byte, in every dialect that can be undone,
// whatever the message holds; only a line end may be added at its end.
func FuzzMbox(f *testing.F) {
	f.Add([]byte("From: a@b\nStatus: X\n\nFrom me\n>From you\n\nFrom x Sat Mar 14 10:00:00 2026\n\n"), []byte("Subject: x"), uint8(0))
	f.Add([]byte("From: a@b\n>From you\n\nFrom x Sat Mar 14 10:00:00 2026\n\n"), []byte("Subject: x"), uint8(1))
	f.Add([]byte("A: b\r\nContent-Length: 3\r\n\r\nFrom \r\n\r\n"), []byte("\n\n\n"), uint8(1))
	f.Add([]byte("Content-Length: 4\nX-Status: A\n\nabc\n"), []byte("From y\n"), uint8(1))
	f.Add([]byte("Content-Length: 4\nX-Status: A\n\nante"), []byte("Content"), uint8(0))
	f.Add([]byte("Content-Length:6\n\n0000"), []byte("0"), uint8(0))
	f.Fuzz(func(t *testing.T, a, b []byte, how uint8) {
		d := mboxrd
		if how%2 == 1 {
			d = mboxcl2
		}
		var out bytes.Buffer
		var want [][]byte
		for _, raw := range [][]byte{a, b} {
			if len(raw) == 0 {
				continue
			}
			m := &msg{raw: raw, f: &maildir.Folder{}, e: maildir.Entry{File: "1.x:2,FS"}, info: fakeInfo{}}
			if err := writeMbox(&out, m, d); err != nil {
				t.Fatal(err)
			}
			if _, rest := splitHeader(raw); raw[len(raw)-1] != '\n' && (d != mboxcl2 || rest == nil) {
				raw = append(raw[:len(raw):len(raw)], '\n')
			}
			if head, rest := splitHeader(raw); d == mboxcl2 && rest == nil { // lengths count from behind an empty line
				eol := "\n"
				if bytes.HasSuffix(head, []byte("\r\n")) {
					eol = "\r\n"
				}
				raw = append(raw[:len(raw):len(raw)], eol...)
			}
			want = append(want, raw)
		}
		r := newMboxReader(bytes.NewReader(out.Bytes()), bytes.NewReader(out.Bytes()), false)
		for i, w := range want {
			m, err := r.next()
			if err != nil {
				t.Fatalf("message %d: %v in %q", i, err, out.Bytes())
			}
			head, del, _ := takeStatus(m)
			body, err := io.ReadAll(m.body)
			if err != nil {
				t.Fatal(err)
			}
			got := append(head[:len(head):len(head)], body...)
			if m.counted && d == mboxrd { // by a field of its own, which may leave out or take in the line ends that were added
				w, got = bytes.TrimRight(w, "\r\n"), bytes.TrimRight(got, "\r\n")
			}
			if !bytes.Equal(got, w) {
				t.Fatalf("message %d: %q came back as %q from %q", i, w, got, out.Bytes())
			}
			if del.Flags != "FS" || !del.Time.Equal(time.Unix(1773482400, 0)) {
				t.Fatalf("flags %q, time %v", del.Flags, del.Time)
			}
		}
		if _, err := r.next(); err != io.EOF {
			t.Fatalf("one more message: %v in %q", err, out.Bytes())
		}
	})
}

// Any bytes can be read, to an end.
func FuzzReadMbox(f *testing.F) {
	f.Add([]byte("From a Sat Mar 14 10:00:00 2026\nContent-Length: 99999999999\n\nx\n\nFrom b Sat Mar 14 10:00:00 2026\n"), true)
	f.Fuzz(func(t *testing.T, b []byte, trust bool) {
		var at io.ReaderAt
		if !trust {
			at = bytes.NewReader(b)
		}
		r := newMboxReader(bytes.NewReader(b), at, trust)
		total := 0
		for n := 0; ; n++ {
			m, err := r.next()
			if err != nil {
				break
			}
			head, _, _ := takeStatus(m)
			k, err := io.Copy(io.Discard, m.body)
			if total += len(head) + int(k); err != nil || total > len(b) || n > len(b) {
				t.Fatalf("%d bytes of %d in %d messages, %v", total, len(b), n, err)
			}
		}
	})
}

// fakeInfo is a file that came at a certain time.
type fakeInfo struct{ fs.FileInfo }

func (fakeInfo) ModTime() time.Time { return time.Unix(1773482400, 0) }
