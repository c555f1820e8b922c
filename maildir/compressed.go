package maildir

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// ErrCompressed: a compressed message that is damaged, or too large unpacked.
var ErrCompressed = errors.New("compressed message cannot be read")

// maxUnpacked bounds what a message is unpacked to: a kilobyte can say gigabytes.
const maxUnpacked = 256 << 20

// The first bytes of what Dovecot's mail_compress writes. Its LZ4 has a frame of
// its own: the largest chunk, then chunks after their lengths.
const (
	magicGzip  = "\x1f\x8b\x08"
	magicBzip2 = "BZh"
	magicZstd  = "\x28\xb5\x2f\xfd"
	magicLZ4   = "Dovecot-LZ4\x0d\x2a\x9b\xc5"
)

// Compressed reports whether the bytes at the beginning of a file are those of a
// message that Dovecot has compressed. No message begins like that.
func Compressed(head []byte) bool {
	for _, m := range []string{magicGzip, magicZstd, magicLZ4} {
		if bytes.HasPrefix(head, []byte(m)) {
			return true
		}
	}
	return len(head) > 10 && bytes.HasPrefix(head, []byte(magicBzip2)) && string(head[4:10]) == "1AY&SY"
}

// Unpack returns the message that a file's bytes hold: raw itself, unless Dovecot
// has compressed it (rule 23). We never compress.
func Unpack(raw []byte) ([]byte, error) {
	if len(raw) < 4 || raw[0] != magicGzip[0] && raw[0] != magicZstd[0] && raw[0] != magicLZ4[0] && raw[0] != magicBzip2[0] ||
		!Compressed(raw) {
		return raw, nil
	}
	out, err := unpack(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCompressed, err)
	}
	return out, nil
}

func unpack(raw []byte) ([]byte, error) {
	var r io.Reader
	switch raw[0] {
	case magicGzip[0]:
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return nil, err
		}
		r = z
	case magicBzip2[0]:
		r = bzip2.NewReader(bytes.NewReader(raw))
	case magicZstd[0]:
		z, err := zstd.NewReader(bytes.NewReader(raw), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxUnpacked))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		r = z
	default:
		return unpackLZ4(raw[len(magicLZ4):])
	}
	out, err := io.ReadAll(io.LimitReader(r, maxUnpacked+1))
	if err == nil && len(out) > maxUnpacked {
		err = fmt.Errorf("more than %d bytes", maxUnpacked)
	}
	return out, err
}

// unpackLZ4 reads what follows the magic number.
func unpackLZ4(b []byte) ([]byte, error) {
	if len(b) < 4 {
		return nil, io.ErrUnexpectedEOF
	}
	largest := binary.BigEndian.Uint32(b)
	if largest > 16<<20 {
		return nil, fmt.Errorf("chunks of %d bytes", largest)
	}
	var out []byte
	for b = b[4:]; len(b) > 0; {
		if len(b) < 4 {
			return nil, io.ErrUnexpectedEOF
		}
		n := binary.BigEndian.Uint32(b)
		if b = b[4:]; uint64(n) > uint64(len(b)) {
			return nil, io.ErrUnexpectedEOF
		}
		var err error
		if out, err = lz4Block(out, b[:n], int(largest)); err != nil {
			return nil, err
		}
		if len(out) > maxUnpacked {
			return nil, fmt.Errorf("more than %d bytes", maxUnpacked)
		}
		b = b[n:]
	}
	return out, nil
}

var errLZ4 = errors.New("not an LZ4 block")

// lz4Block appends a block unpacked (lz4_Block_format.md) of at most limit bytes.
func lz4Block(dst, src []byte, limit int) ([]byte, error) {
	start := len(dst)
	length := func(n int) (int, bool) {
		if n < 15 {
			return n, true
		}
		for len(src) > 0 {
			c := src[0]
			src = src[1:]
			if n += int(c); n > limit {
				return 0, false
			}
			if c != 255 {
				return n, true
			}
		}
		return 0, false
	}
	for len(src) > 0 {
		token := src[0]
		src = src[1:]
		n, ok := length(int(token >> 4))
		if !ok || n > len(src) || len(dst)-start+n > limit {
			return nil, errLZ4
		}
		dst = append(dst, src[:n]...)
		if src = src[n:]; len(src) == 0 {
			return dst, nil // the last sequence has literals only
		}
		if len(src) < 2 {
			return nil, errLZ4
		}
		back := int(binary.LittleEndian.Uint16(src))
		src = src[2:]
		n, ok = length(int(token & 15))
		n += 4
		if !ok || back == 0 || back > len(dst)-start || len(dst)-start+n > limit {
			return nil, errLZ4
		}
		for range n { // may overlap what it writes
			dst = append(dst, dst[len(dst)-back])
		}
	}
	return dst, nil
}
