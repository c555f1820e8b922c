package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// Unfinished returns what was done, and not taken back since, by the batches that did not end:
// whoever did them was killed, or has left them ([Batch.Leave]), or is at it still. Only those
// count of which the text for people begins with what. The oldest comes first; those in a file
// that was put aside are among them.
func (j *Journal) Unfinished(what string) ([]Record, error) {
	unlock, err := j.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	files := []io.Reader{}
	if old, err := os.Open(j.path + ".old"); err == nil {
		defer old.Close()
		files = append(files, old)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	st, err := j.file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	files = append(files, io.NewSectionReader(j.file, 0, st.Size()))
	open := map[string]bool{}
	for _, f := range files {
		if err := begun(f, what, open); err != nil {
			return nil, fmt.Errorf("read journal: %w", err)
		}
	}
	if len(open) == 0 {
		return nil, nil
	}
	h := &history{byID: map[string]*batch{}}
	for _, f := range files {
		if _, err := f.(io.Seeker).Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("read journal: %w", err)
		}
		if err := h.replay(f); err != nil {
			return nil, fmt.Errorf("read journal: %w", err)
		}
	}
	var out []Record
	for _, b := range h.order {
		if b.ended || !strings.HasPrefix(b.what, what) {
			continue
		}
		b.ops = slices.DeleteFunc(b.ops, func(o operation) bool { return o.state != done })
		if len(b.ops) > 0 {
			out = append(out, b.record())
		}
	}
	return out, nil
}

// begun keeps in open the ids of batches that have begun and not ended. Few lines are of that
// kind, and the others are not taken apart: this is asked for before anything is done.
func begun(r io.Reader, what string, open map[string]bool) error {
	br := bufio.NewReaderSize(r, maxLine)
	for {
		b, err := br.ReadSlice('\n')
		if err == nil && (bytes.Contains(b, []byte(`"t":"begin"`)) || bytes.Contains(b, []byte(`"t":"end"`))) {
			var l line
			switch {
			case json.Unmarshal(b, &l) != nil:
			case l.T == "begin" && strings.HasPrefix(l.What, what):
				open[l.ID] = true
			case l.T == "end":
				delete(open, l.ID)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil && err != bufio.ErrBufferFull {
			return err
		}
	}
}

// End ends a batch that nobody will go on with.
func (j *Journal) End(id string) error { return j.append(line{T: "end", ID: id}) }

// Leave gives up the batch without its end: [Journal.Unfinished] tells of it.
func (b *Batch) Leave() { b.hold.Release() }
