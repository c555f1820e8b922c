package fulltext

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	manifestName  = "pneu.text"
	newName       = "pneu.text.new"
	lockName      = "pneu.text.lock"
	tailName      = "pneu.text.tail"
	newTailName   = "pneu.text.tail.new"
	manifestMagic = "pneuman\n"
	maxIdentity   = 4096
	maxSegments   = 1 << 16
	maxManifest   = 2 << 20 // more than maxSegments need
)

// A manifest names the segments of an index.
type manifest struct {
	identity   string
	generation uint64 // counts manifests
	next       uint64 // number of the next segment
	segments   []entry
}

type entry struct {
	number uint64
	size   uint64 // of the file
	sum    uint32 // of its footer
}

func segmentName(number uint64) string { return manifestName + "." + strconv.FormatUint(number, 10) }

func (m manifest) append(dst []byte) []byte {
	start := len(dst)
	le := binary.LittleEndian
	dst = append(dst, manifestMagic...)
	dst = le.AppendUint32(dst, version)
	dst = le.AppendUint32(dst, uint32(len(m.identity)))
	dst = le.AppendUint64(dst, m.generation)
	dst = le.AppendUint64(dst, m.next)
	dst = le.AppendUint32(dst, uint32(len(m.segments)))
	dst = append(dst, m.identity...)
	for _, e := range m.segments {
		dst = le.AppendUint64(dst, e.number)
		dst = le.AppendUint64(dst, e.size)
		dst = le.AppendUint32(dst, e.sum)
	}
	return le.AppendUint32(dst, checksum(dst[start:]))
}

func parseManifest(b []byte) (m manifest, err error) {
	const fixed, perEntry = 36, 20
	le := binary.LittleEndian
	if len(b) < fixed+4 || string(b[:8]) != manifestMagic {
		return m, errDamaged
	}
	if checksum(b[:len(b)-4]) != le.Uint32(b[len(b)-4:]) {
		return m, errDamaged
	}
	if le.Uint32(b[8:]) > version {
		return m, ErrVersion
	}
	idLen, n := le.Uint32(b[12:]), le.Uint32(b[32:])
	if le.Uint32(b[8:]) != version || idLen > maxIdentity || n > maxSegments || len(b) != fixed+int(idLen)+int(n)*perEntry+4 {
		return m, errDamaged
	}
	m.generation, m.next = le.Uint64(b[16:]), le.Uint64(b[24:])
	m.identity = string(b[fixed : fixed+idLen])
	b = b[fixed+idLen:]
	for range n {
		m.segments = append(m.segments, entry{le.Uint64(b), le.Uint64(b[8:]), le.Uint32(b[16:])})
		b = b[perEntry:]
	}
	return m, nil
}

// readManifest reads the manifest in dir. One that is missing or damaged is
// empty. raw is what stands there.
func readManifest(dir string) (m manifest, raw []byte, err error) {
	path := filepath.Join(dir, manifestName)
	if st, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) || err == nil && !st.Mode().IsRegular() {
		return m, nil, nil // writeManifest puts one in the place of what may be there
	}
	raw, err = readPlain(path, maxManifest)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return m, nil, nil
	case err != nil:
		return m, nil, err
	}
	m, err = parseManifest(raw)
	if errors.Is(err, ErrVersion) {
		return manifest{}, raw, fmt.Errorf("%s: %w", filepath.Join(dir, manifestName), err)
	}
	if err != nil {
		return manifest{}, raw, nil
	}
	return m, raw, nil
}

// writeManifest puts m in the place of the manifest, durably.
func writeManifest(fsys files, dir string, m manifest) error {
	tmp := filepath.Join(dir, newName)
	if err := fsys.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := fsys.Create(tmp)
	if err != nil {
		return err
	}
	_, err = f.Write(m.append(nil))
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		fsys.Remove(tmp)
		return err
	}
	if err := fsys.Rename(tmp, filepath.Join(dir, manifestName)); err != nil {
		return err
	}
	return fsys.SyncDir(dir)
}

// segmentFiles returns the numbers of all files in dir that have a segment's name.
func segmentFiles(dir string) (numbers []uint64, err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		digits, ok := strings.CutPrefix(name, manifestName+".")
		if !ok {
			continue
		}
		if n, err := strconv.ParseUint(digits, 10, 64); err == nil && segmentName(n) == name {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}
