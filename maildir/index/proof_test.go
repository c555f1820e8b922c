package index

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pneu/maildir"
)

// TestDamagedSnapshot: a snapshot too large to be read as a whole when it is opened is
// read before it is copied. What is damaged is not: the index goes on with the rows of
// pneu.uids and of the log.
func TestDamagedSnapshot(t *testing.T) {
	t.Parallel()
	base := newFolder(t)
	x := mustOpen(t, base, Options{})
	const n = 16_000
	fill(t, x, n, benchNames["pneu"])
	tx := mustBegin(t, x)
	for k := range 200 { // of every section something
		tx.flags([]UID{UID(50 * (k + 1))}, 0, 0, []string{fmt.Sprint("k", k%20)}, nil, false)
		tx.saved(UID(60*(k+1)), int64(1_800_000_000+k))
		tx.meta(fmt.Sprint("key", k), []byte("value"))
	}
	if _, err := tx.expunge([]UID{77, 78, 100}); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.commit(); err != nil {
		t.Fatal(err)
	}
	tx.end()
	if err := x.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	x.keepRescue(x.View())
	tx = mustBegin(t, x)
	late, err := tx.add(Message{Entry: maildir.Entry{File: "1800000000.late.host:2,S"}, Size: 10, WireSize: 11})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.commit(); err != nil {
		t.Fatal(err)
	}
	tx.end()
	before := x.View()
	if before.snap.size <= verifiedSize {
		t.Fatalf("%d bytes are read as a whole", before.snap.size)
	}
	files := map[string][]byte{}
	for _, name := range []string{logName, idxName, uidsName} {
		if files[name], err = os.ReadFile(filepath.Join(base.Path(), name)); err != nil {
			t.Fatal(err)
		}
	}
	for id := 1; id <= sectionCount; id++ {
		size := len(before.snap.sec[id])
		if raceEnabled && id != secFlags && id != secNames && id != secTable {
			continue
		}
		t.Run(fmt.Sprint(id), func(t *testing.T) {
			f := newFolder(t)
			for name, b := range files {
				if err := os.WriteFile(filepath.Join(f.Path(), name), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if size == 0 {
				t.Fatal("nothing in it")
			}
			var said bytes.Buffer
			x := mustOpen(t, f, Options{Log: slog.New(slog.NewTextHandler(&said, nil))})
			at := bytes.Index(files[idxName], x.View().snap.sec[id]) + size/2
			w, err := os.OpenFile(filepath.Join(f.Path(), idxName), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			if _, err := w.WriteAt([]byte{files[idxName][at] ^ 4}, int64(at)); err != nil {
				t.Fatal(err)
			}
			// Who wrote there did so at another time, as a rule.
			later := time.Now().Add(time.Hour)
			if err := os.Chtimes(w.Name(), later, later); err != nil {
				t.Fatal(err)
			}
			y, err := Open(f, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if damage, _ := y.Damage(); (damage != nil) != (size <= verifiedSection) {
				t.Errorf("%d bytes: damage found when opened: %v", size, damage)
			}
			y.Close()

			if err := x.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
			damage, lost := x.Damage()
			whole := id == secTable || id == secLast // made anew
			if (damage != nil) == whole || lost {
				t.Fatalf("damage %v, lost %v", damage, lost)
			}
			if got := strings.Count(said.String(), "index damaged"); got != 1 && !whole {
				t.Errorf("said %d times: %s", got, said.String())
			}
			v := x.View()
			st, was := v.State(), before.State()
			if st.UIDValidity != was.UIDValidity || st.UIDNext < was.UIDNext || st.HighestModSeq < was.HighestModSeq || st.Total != was.Total {
				t.Errorf("state %+v after %+v", st, was)
			}
			if !whole && (st.Dir.Scanned != 0 || st.HighestModSeq == was.HighestModSeq) {
				t.Errorf("nobody will look again: %+v", st)
			}
			for row := range v.Len() {
				if v.UID(row) != before.UID(row) || v.Base(row) != before.Base(row) {
					t.Fatalf("row %d: UID %d %q, was %d %q", row, v.UID(row), v.Base(row), before.UID(row), before.Base(row))
				}
				if whole && dumpRow(v, row) != dumpRow(before, row) {
					t.Fatalf("row %d: %+v, was %+v", row, dumpRow(v, row), dumpRow(before, row))
				}
			}
			if _, ok := v.Find(late); !ok {
				t.Error("a row of the log is missing")
			}
			z := mustOpen(t, f, Options{})
			if damage, _ := z.Damage(); damage != nil {
				t.Errorf("still damaged: %v", damage)
			}
			if errs := z.Check(); errs != nil {
				t.Error(errs)
			}
			if err := x.Compact(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
