package message

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// small is an everyday message: text, HTML and two small files, 3 KB.
func small() []byte {
	var b bytes.Buffer
	b.WriteString("Return-Path: <ada@example.org>\nReceived: from mail.example.org (mail.example.org [192.0.2.1])\n" +
		"\tby mx.example.net (pneu) with ESMTPS id 4XyZ for <bob@example.net>;\n\tTue, 03 Mar 2026 10:00:01 +0100\n" +
		"From: =?utf-8?q?Ada_L=C3=B6velace?= <ada@example.org>\nTo: Bob Example <bob@example.net>, carol@example.net\n" +
		"Subject: =?utf-8?q?Figures_f=C3=BCr?= the engine\nDate: Tue, 03 Mar 2026 10:00:00 +0100\n" +
		"Message-ID: <one@example.org>\nIn-Reply-To: <zero@example.net>\nReferences: <a@example.net> <zero@example.net>\n" +
		"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"outer\"\n\nThis is MIME.\n")
	b.WriteString("--outer\nContent-Type: multipart/alternative; boundary=\"inner\"\n\n")
	b.WriteString("--inner\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n" +
		strings.Repeat("The engine weaves algebraic patterns just as the loom weaves flowers.=20\n", 8) + "\n")
	b.WriteString("--inner\nContent-Type: text/html; charset=utf-8\n\n<p>" + strings.Repeat("The engine weaves <b>patterns</b>.\n", 10) + "</p>\n--inner--\n")
	b.WriteString("--outer\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\n" + lines64(500) + "\n--outer--\n")
	return b.Bytes()
}

func large(n int) []byte {
	return fmt.Appendf(nil, "From: ada@example.org\nSubject: large\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nsee file\n--b\n"+
		"Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n%s\n--b--\n", lines64(n/4*3))
}

func lines64(n int) string {
	raw := make([]byte, n)
	for i := range raw {
		raw[i] = byte(i * 7)
	}
	s := base64.StdEncoding.EncodeToString(raw)
	var b strings.Builder
	for len(s) > 76 {
		b.WriteString(s[:76] + "\n")
		s = s[76:]
	}
	return b.String() + s
}

func BenchmarkParseSmall(b *testing.B) {
	raw := small()
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		Parse(raw)
	}
}

func BenchmarkParse1MB(b *testing.B) {
	raw := large(1 << 20)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		Parse(raw)
	}
}

func BenchmarkDecodeBase64(b *testing.B) {
	m := Parse(large(1 << 20))
	b.SetBytes(1 << 20)
	for b.Loop() {
		m.Decode(2)
	}
}

func BenchmarkSummary(b *testing.B) {
	h := Parse(small()).Header(0)
	b.ReportAllocs()
	for b.Loop() {
		h.Summary()
	}
}

func BenchmarkReadSummary(b *testing.B) {
	raw := small()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadSummary(bytes.NewReader(raw)); err != nil {
			b.Fatal(err)
		}
	}
}
