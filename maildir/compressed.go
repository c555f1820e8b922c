package maildir

import (
	"bufio"
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
	r, err := Unpacker(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Unpacker unpacks what r gives, the whole of a file that is [Compressed], for who does not
// want all of a large one in memory. Its errors are ErrCompressed.
func Unpacker(r io.Reader) (io.ReadCloser, error) {
	from := bufio.NewReader(r)
	head, err := from.Peek(1)
	u := &unpacker{left: maxUnpacked}
	if err == nil {
		switch head[0] {
		case magicGzip[0]:
			u.r, err = gzip.NewReader(from)
		case magicBzip2[0]:
			u.r = bzip2.NewReader(from)
		case magicZstd[0]:
			var z *zstd.Decoder
			if z, err = zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxUnpacked)); err == nil {
				u.r, u.close = z, z.Close
			}
		default:
			u.r, err = newLZ4(from)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCompressed, err)
	}
	return u, nil
}

type unpacker struct {
	r     io.Reader
	left  int // it may still give
	close func()
}

func (u *unpacker) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	if u.left -= n; u.left < 0 {
		err = fmt.Errorf("more than %d bytes", maxUnpacked)
	}
	if err != nil && err != io.EOF {
		err = fmt.Errorf("%w: %w", ErrCompressed, err)
	}
	return n, err
}

func (u *unpacker) Close() error {
	if u.close != nil {
		u.close()
	}
	return nil
}

// lz4Reader reads Dovecot's frames of LZ4.
type lz4Reader struct {
	r       io.Reader
	largest int
	in, out []byte
	rest    []byte // of out
}

func newLZ4(r io.Reader) (*lz4Reader, error) {
	var head [len(magicLZ4) + 4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	largest := binary.BigEndian.Uint32(head[len(magicLZ4):])
	if largest > 16<<20 {
		return nil, fmt.Errorf("chunks of %d bytes", largest)
	}
	return &lz4Reader{r: r, largest: int(largest)}, nil
}

func (z *lz4Reader) Read(p []byte) (int, error) {
	for len(z.rest) == 0 {
		var size [4]byte
		if _, err := io.ReadFull(z.r, size[:]); err != nil {
			return 0, err // at the end io.EOF
		}
		n := binary.BigEndian.Uint32(size[:])
		if n > uint32(z.largest+z.largest/255+16) { // what cannot be packed takes so much
			return 0, fmt.Errorf("chunk of %d bytes", n)
		}
		if int(n) > cap(z.in) {
			z.in = make([]byte, n)
		}
		if _, err := io.ReadFull(z.r, z.in[:n]); err != nil {
			return 0, io.ErrUnexpectedEOF
		}
		var err error
		if z.out, err = lz4Block(z.out[:0], z.in[:n], z.largest); err != nil {
			return 0, err
		}
		z.rest = z.out
	}
	n := copy(p, z.rest)
	z.rest = z.rest[n:]
	return n, nil
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
