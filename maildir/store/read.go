package store

import (
	"bytes"
	"io"
	"os"

	"pneu/maildir"
	"pneu/maildir/message"
)

// begin returns as much of the message in a file as is looked at by a search, unpacked where
// Dovecot has compressed it.
func (b *Box) begin(e maildir.Entry) (raw []byte, err error) {
	err = b.x.WithMessage(e, func(m *message.Message) { raw = bytes.Clone(m.Raw) })
	return raw, err
}

// readFile reads a file.
func readFile(f *os.File) ([]byte, error) {
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
