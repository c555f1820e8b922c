package main

import "testing"

// No character that acts on a terminal, or hides, stands in JSON as itself.
func TestEscapeInvisible(t *testing.T) {
	for _, r := range []rune{0x7f, 0x80, 0x9b, 0x9f, 0xad, 0x34f, 0x61c, 0x180e, 0x200b, 0x200d, 0x200f, 0x2028, 0x202a, 0x202e, 0x2060, 0x2066, 0x2069, 0xfeff,
		0xe0001, 0xe0041, 0xe007f} {
		for _, c := range escapeInvisible([]byte("a" + string(r) + "é")) {
			if c >= 0x7f && c != "é"[0] && c != "é"[1] {
				t.Errorf("%U is written as itself", r)
			}
		}
	}
	if got := string(escapeInvisible([]byte("日本\U000e0041👍"))); got != `日本\udb40\udc41👍` {
		t.Errorf("%s", got)
	}
}
