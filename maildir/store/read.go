package store

import (
	"io"
	"os"

	"pneu/maildir"
	"pneu/maildir/digest"
)

// begin returns as much of the message in a file as is looked at by a search, unpacked where
// Dovecot has compressed it.
func (b *Box) begin(e maildir.Entry) ([]byte, error) {
	f, _, err := b.f.Open(e)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// One byte more says that there is more.
	return readFile(f, digest.MaxRaw+1)
}

// readFile reads up to limit bytes of a file.
func readFile(f *os.File, limit int64) ([]byte, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	raw := make([]byte, min(st.Size(), limit))
	n, err := io.ReadFull(f, raw)
	if err == io.ErrUnexpectedEOF || err == io.EOF {
		err = nil // it was cut while we read: what is there counts
	}
	if err != nil {
		return nil, err
	}
	return maildir.Unpack(raw[:n])
}
