package store

import (
	"io"
	"os"
	"slices"

	"pneu/maildir"
)

// read returns the message in a file, unpacked where Dovecot has compressed it.
func (b *Box) read(e maildir.Entry) ([]byte, error) { return b.readInto(new([]byte), e) }

// readInto is read into a buffer that is used again, and grows as needed.
func (b *Box) readInto(buf *[]byte, e maildir.Entry) ([]byte, error) {
	f, _, err := b.f.Open(e)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readFile(buf, f)
}

func readFile(buf *[]byte, f *os.File) ([]byte, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	raw := slices.Grow((*buf)[:0], int(st.Size()))[:st.Size()]
	*buf = raw
	n, err := io.ReadFull(f, raw)
	if err == io.ErrUnexpectedEOF || err == io.EOF {
		err = nil // it was cut while we read: what is there counts
	}
	if err != nil {
		return nil, err
	}
	return maildir.Unpack(raw[:n])
}
