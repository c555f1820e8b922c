package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pneu/maildir"
	"pneu/maildir/store"
)

// No character that acts on a terminal, or hides, stands in JSON as itself.
func TestEscapeInvisible(t *testing.T) {
	for _, r := range []rune{0x7f, 0x80, 0x9b, 0x9f, 0xad, 0x34f, 0x61c, 0x180e, 0x200b, 0x200d, 0x200f, 0x2028, 0x202a, 0x202e, 0x2060, 0x2066, 0x2069, 0xfeff,
		0xe0001, 0xe0041, 0xe007f} {
		for _, c := range escapeInvisible([]byte("a" + string(r) + "é")) {
			if c >= 0x7f && c != "é"[0] && c != "é"[1] {
				t.Errorf("%U is written as itself", r)
			}
		}
		for n := range 18 { // wherever it stands among others, it is read back
			text := strings.Repeat("a", n) + string(r) + "bé" + strings.Repeat("c", n/2) + string(r)
			var back string
			line := escapeInvisible([]byte(`"` + text + `"`))
			if err := json.Unmarshal(line, &back); err != nil || back != text || bytes.ContainsRune(line, r) {
				t.Fatalf("%q: %s, %v", text, line, err)
			}
		}
	}
	if got := string(escapeInvisible([]byte("日本\U000e0041👍"))); got != `日本\udb40\udc41👍` {
		t.Errorf("%s", got)
	}
}

// Templates know every field that JSON has, by its name, and the fields within.
func TestTemplateFields(t *testing.T) {
	depth, text := 2, "x"
	r := &record{Depth: &depth, Date: &text, Received: &text, Thread: "x", Text: "x", Op: "x", Dest: "x", Was: "x", Of: "x", Err: "x",
		Attachments: []attachment{{}}, List: &list{}, Auth: &auth{}}
	b, err := encode(r)
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	got := r.fields()
	keys := func(v any) string {
		if l, ok := v.([]any); ok && len(l) > 0 {
			v = l[0]
		}
		m, _ := v.(map[string]any)
		return fmt.Sprint(slices.Sorted(maps.Keys(m)))
	}
	for k, v := range want {
		if g, ok := got[k]; !ok {
			t.Errorf("there is no %s", k)
		} else if keys(g) != keys(v) {
			t.Errorf("%s has %s, not %s", k, keys(g), keys(v))
		}
	}
}

// What is said of a message by its index is what its file says.
func TestRecordsByIndex(t *testing.T) {
	dir := t.TempDir()
	tree, err := maildir.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	inbox, _ := tree.Folder("INBOX")
	n := 0
	add := func(raw []byte) {
		n++
		if err := os.WriteFile(filepath.Join(dir, "cur", fmt.Sprintf("%d.M1P1.host:2,S", 1700000000+n)), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, pattern := range []string{"../../maildir/*/testdata/*.eml", "../../mta/dsn/testdata/*.eml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, name := range files {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			add(raw)
			add(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")))
			add(bytes.ReplaceAll(raw, []byte("\n"), []byte("\r")))
		}
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte("From: =?utf-8?q?J=C3=B6rg?= <j@example.org>\nSubject: packed\n\nText.\n"))
	z.Close()
	add(packed.Bytes())
	add([]byte("From: J\xf6rg <j@example.org>, x@y\nTo: a: b@c, d@e;\nCC: \"f, g\" <h@i>\nCc: k@l\nDate: nonsense\nContent-Type: text/plain; charset=iso-8859-1\n" +
		"List-Id: L <l.example.org>\nList-Unsubscribe: <mailto:u@l>,\n <https://l/u>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n" +
		"Authentication-Results: mx.example; dkim=pass; spf=fail\nAuthentication-Results: other; dkim=fail\nReceived: x\nReceived: y\n\n> not mine\nmine\n"))
	add([]byte("Subject: many\nReferences: " + strings.Repeat("<0123456789012345678901234567890123456789@example.org>\n ", 2000) + "\nList-Id: <big>\n\nText.\n"))
	add([]byte("Subject:  \nFrom:\nAuthentication-Results:\n\n"))
	add(nil)

	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b, err := s.BoxOf(inbox)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := b.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Build(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	v := b.View()
	if v.Len() != n {
		t.Fatalf("%d messages, not %d", v.Len(), n)
	}
	fields := []string{"from", "TO", "cc", "bcc", "reply-to", "sender", "subject", "date", "message-id", "in-reply-to", "references", "list-id", "list-unsubscribe",
		"authentication-results", "received", "content-type", "mime-version", "x-unheard-of", "resent-from"}
	say := func(m *msg) string {
		var out strings.Builder
		r, err := m.record()
		if err != nil {
			t.Fatal(err)
		}
		line, err := encode(r)
		fmt.Fprintf(&out, "%s%v\n", line, err)
		for _, f := range fields {
			h, err := m.fields([]string{f})
			fmt.Fprintf(&out, "%s: %q %q %q %v\n", f, values(h, f, false, false), values(h, f, true, false), values(h, f, false, true), err)
		}
		return out.String()
	}
	read := 0
	for row := range n {
		e := v.Row(row).Entry()
		kept := &msg{path: inbox.File(e), f: inbox, e: e, v: v, n: row}
		if !kept.digested() {
			t.Fatalf("%s is not in the index", e.File)
		}
		if _, err := kept.record(); err != nil || kept.raw != nil {
			read++
		}
		got, want := say(kept), say(&msg{path: inbox.File(e), f: inbox, e: e})
		if got != want {
			t.Errorf("%s:\n%s\nits file:\n%s", e.File, got, want)
		}
	}
	if read > 3 {
		t.Errorf("%d files were read for what an index keeps", read)
	}
}
