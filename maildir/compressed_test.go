package maildir

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func gzipped(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.Bytes()
}

// lz4ed makes what Dovecot's lz4 makes of a text without matches, but one.
func lz4ed(text string) []byte {
	b := []byte(magicLZ4)
	b = binary.BigEndian.AppendUint32(b, 64<<10)
	var block []byte
	n := len(text)
	block = append(block, 0xf0|4) // literals, then 8 bytes from 8 before the end
	rest := n - 15
	for ; rest >= 255; rest -= 255 {
		block = append(block, 255)
	}
	block = append(block, byte(rest))
	block = append(block, text...)
	block = append(block, 4, 0)
	block = append(block, 0x10, '.')
	b = binary.BigEndian.AppendUint32(b, uint32(len(block)))
	return append(b, block...)
}

// Rule 23: what Dovecot has compressed is read like any other message.
func TestRule23Compressed(t *testing.T) {
	text := strings.Repeat("Subject: x\n\nbody of some length\n", 40)
	enc, _ := zstd.NewWriter(nil)
	bz := "BZh91AY&SY\xd3I\x9b\x12\x00\x00\x01\xd3\x80\x00\x10@\x00.D\x94\x80 \x00\"\x06d!\x0b\x9e\xc1\xa2<]\xc9\x14\xe1BCM&lH"
	tests := []struct {
		name string
		raw  []byte
		want string
		err  error
	}{
		{"plain", []byte(text), text, nil},
		{"empty", nil, "", nil},
		{"gzip", gzipped(text), text, nil},
		{"gzip twice", append(gzipped(text), gzipped(text)...), text + text, nil},
		{"zstd", enc.EncodeAll([]byte(text), nil), text, nil},
		{"lz4", lz4ed(text), text + text[len(text)-4:] + text[len(text)-4:] + ".", nil},
		{"gzip cut off", gzipped(text)[:50], "", ErrCompressed},
		{"zstd cut off", enc.EncodeAll([]byte(text), nil)[:30], "", ErrCompressed},
		{"lz4 cut off", lz4ed(text)[:30], "", ErrCompressed},
		{"bzip2 damaged", []byte(bz), "", ErrCompressed},
		{"a message about bzip2", []byte("BZh: no\n\n"), "BZh: no\n\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Unpack(tt.raw)
			if string(got) != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("%q, %v; want %d bytes, %v", got, err, len(tt.want), tt.err)
			}
		})
	}
}

func FuzzUnpack(f *testing.F) { // any bytes: an error or a message, in bounded memory
	f.Add(gzipped(letter))
	f.Add(lz4ed(letter))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if out, err := Unpack(raw); err == nil && !Compressed(raw) && !bytes.Equal(out, raw) {
			t.Error("a plain message was changed")
		}
	})
}
