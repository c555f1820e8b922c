package store

import (
	"io"

	"pneu/maildir"
)

// read returns the message in a file, unpacked where Dovecot has compressed it.
func (b *Box) read(e maildir.Entry) ([]byte, error) {
	f, _, err := b.f.Open(e)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	raw := make([]byte, st.Size())
	n, err := io.ReadFull(f, raw)
	if err == io.ErrUnexpectedEOF || err == io.EOF {
		err = nil // it was cut while we read: what is there counts
	}
	if err != nil {
		return nil, err
	}
	return maildir.Unpack(raw[:n])
}
