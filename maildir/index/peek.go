package index

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// ReadState returns the counters in the index of the folder at dir with one read
// of one page, and opens nothing else. The error is fs.ErrNotExist if there is
// no index, and ErrDamaged if the counters could be out of date: then Open.
func ReadState(dir string) (State, error) {
	f, err := disk{}.Open(filepath.Join(dir, logName), false)
	if err != nil {
		return State{}, err
	}
	defer f.Close()
	for range 3 {
		page, err := readPage(f)
		if err != nil {
			return State{}, err
		}
		id, err := decodeIdentity(page, logMagic)
		if err != nil {
			return State{}, err
		}
		s, ok := newest(page)
		if !ok {
			continue
		}
		s.st.GUID = id.guid
		if s.boot != bootID() && s.boot != sharedBoot {
			return s.st, fmt.Errorf("%s: machine was started since: %w", dir, ErrDamaged)
		}
		return s.st, nil
	}
	return State{}, fmt.Errorf("%s: %w", dir, ErrDamaged)
}

// sharedBoot stands for the boot id in an index that machines share.
const sharedBoot = 4

// bootID tells one run of the machine from another. Where that cannot be known
// it is 1, and loss of power is noticed by checksums alone.
var bootID = sync.OnceValue(func() uint64 {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil || len(b) == 0 {
		return 1
	}
	return hashBytes(0, b) | 1<<63
})
