package digest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pneu/maildir/message"
)

// usual is an everyday message of about n bytes: text, HTML and a small file.
func usual(n int) []byte {
	var b strings.Builder
	b.WriteString("Return-Path: <ada@example.org>\nReceived: from mail.example.org (mail.example.org [192.0.2.1])\n" +
		"\tby mx.example.net (pneu) with ESMTPS id 4XyZ for <bob@example.net>;\n\tTue, 03 Mar 2026 10:00:01 +0100\n" +
		"From: =?utf-8?q?Ada_L=C3=B6velace?= <ada@example.org>\nTo: Bob Example <bob@example.net>, carol@example.net\n" +
		"Subject: =?utf-8?q?Figures_f=C3=BCr?= the engine\nDate: Tue, 03 Mar 2026 10:00:00 +0100\n" +
		"Message-ID: <one@example.org>\nIn-Reply-To: <zero@example.net>\nReferences: <a@example.net> <zero@example.net>\n" +
		"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"outer\"\n\nThis is MIME.\n" +
		"--outer\nContent-Type: multipart/alternative; boundary=\"inner\"\n\n" +
		"--inner\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n")
	for i := 0; b.Len() < n/2; i++ {
		fmt.Fprintf(&b, "The engine weaves %d algebraic patterns just as the loom weaves flowers.=20\n", i)
	}
	b.WriteString("\n--inner\nContent-Type: text/html; charset=utf-8\n\n<html><head><style>p { color: red }</style></head><body>")
	for i := 0; b.Len() < n*9/10; i++ {
		fmt.Fprintf(&b, "<p class=\"a\">The engine weaves %d <b>algebraic</b> patterns&nbsp;just as the loom weaves flowers.</p>\n", i)
	}
	b.WriteString("</body></html>\n--inner--\n--outer\nContent-Type: image/png; name=\"a.png\"\nContent-Transfer-Encoding: base64\n\n" +
		strings.Repeat("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA\n", max(1, n/800)) + "\n--outer--\n")
	return []byte(b.String())
}

// samples are messages of the sizes of interest, and those in the folder PNEU_MAIL, if there is one.
func samples(b *testing.B) map[string][][]byte {
	all := map[string][][]byte{"3KB": {usual(3 << 10)}, "20KB": {usual(20 << 10)}}
	files, _ := filepath.Glob(filepath.Join(os.Getenv("PNEU_MAIL"), "cur", "*"))
	for _, f := range files[:min(len(files), 3000)] {
		if raw, err := os.ReadFile(f); err == nil {
			all["folder"] = append(all["folder"], raw)
		}
	}
	return all
}

func each(b *testing.B, f func(raw []byte)) {
	for name, list := range samples(b) {
		b.Run(name, func(b *testing.B) {
			size := 0
			for _, raw := range list {
				size += len(raw)
			}
			b.SetBytes(int64(size / len(list)))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				f(list[i])
				if i++; i == len(list) {
					i = 0
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) { each(b, func(raw []byte) { message.Parse(raw) }) }

func BenchmarkMake(b *testing.B) {
	var dst []byte
	each(b, func(raw []byte) { dst = Make(dst[:0], raw) })
}

func BenchmarkText(b *testing.B) {
	var t Texter
	each(b, func(raw []byte) { t.append(message.Parse(raw)) })
}

func BenchmarkTextFold(b *testing.B) {
	var t Texter
	var folded []byte
	each(b, func(raw []byte) { folded = t.Folded(folded[:0], message.Parse(raw)) })
}

// What an index does with a message it meets first.
func BenchmarkFirst(b *testing.B) {
	var t Texter
	var dst, head, folded []byte
	each(b, func(raw []byte) {
		m := message.Parse(raw)
		dst = Append(dst[:0], m)
		d, _ := Decode(dst)
		head = Head(head[:0], d)
		folded = t.Folded(folded[:0], m)
	})
}

// What a row of a list shows.
func BenchmarkRow(b *testing.B) {
	enc := Make(nil, usual(3<<10))
	b.ReportAllocs()
	for b.Loop() {
		d, err := Decode(enc)
		if err != nil || len(d.FromNameBytes()) == 0 || len(d.SubjectBytes()) == 0 || d.Class() == 0 {
			b.Fatal("nothing to show")
		}
		if at, ok := d.Sent(); !ok || at == 0 {
			b.Fatal("no date")
		}
	}
}

func BenchmarkSummary(b *testing.B) {
	d, _ := Decode(Make(nil, usual(3<<10)))
	b.ReportAllocs()
	for b.Loop() {
		d.Summary()
	}
}

func BenchmarkHead(b *testing.B) {
	d, _ := Decode(Make(nil, usual(3<<10)))
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = Head(dst[:0], d)
	}
}

func BenchmarkEnvelope(b *testing.B) {
	d, _ := Decode(Make(nil, usual(3<<10)))
	b.ReportAllocs()
	for b.Loop() {
		if e := d.Envelope(); e.From == nil || e.Date == nil {
			b.Fatal("no envelope")
		}
	}
}

func BenchmarkFields(b *testing.B) {
	d, _ := Decode(Make(nil, usual(3<<10)))
	var dst []byte
	names := []string{"From", "To", "Cc", "Bcc", "Subject", "Date", "Message-ID", "Priority", "X-Priority", "References", "Newsgroups",
		"In-Reply-To", "Content-Type", "Reply-To"}
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = d.AppendFields(dst[:0], names...)
	}
}

func BenchmarkParts(b *testing.B) {
	d, _ := Decode(Make(nil, usual(3<<10)))
	b.ReportAllocs()
	for b.Loop() {
		for range d.Parts() {
		}
	}
}
