package index

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pneu/maildir"
)

// openEnv has the folder that a child process opens once, and says what it cost.
const openEnv = "PNEU_INDEX_TEST_OPEN"

func openOnce() {
	f, err := maildir.At(os.Getenv(openEnv))
	if err != nil {
		panic(err)
	}
	at := time.Now()
	x, err := Open(f, Options{})
	opened := time.Since(at)
	if err != nil {
		panic(err)
	}
	var use syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &use)
	if what := os.Getenv(openEnv + "_FLAG"); what != "" {
		flagOnce(x, what)
	}
	at = time.Now()
	x.View().AllFlags(nil)
	fmt.Println(opened.Nanoseconds(), time.Since(at).Nanoseconds(), use.Minflt)
	os.Exit(0)
}

// flagOnce changes flags of 100,000 messages and says how long that took.
func flagOnce(x *Index, what string) {
	uids := x.View().AllUIDs(nil)[:100_000]
	x.flagger.stop() // names are measured elsewhere
	c := FlagChange{Add: Flagged}
	if what == "none" {
		c = FlagChange{Add: Seen}
	}
	var before, after syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	at := time.Now()
	_, err := x.SetFlags(context.Background(), uids, c)
	took := time.Since(at)
	if err != nil {
		panic(err)
	}
	syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	cpu := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	fmt.Println(took.Nanoseconds(), cpu, after.Minflt-before.Minflt)
	os.Exit(0)
}

// BenchmarkFlag100kFresh changes flags in a process that has done nothing else: of all
// messages, of every other one, of none.
func BenchmarkFlag100kFresh(b *testing.B) {
	base, x := benchIndex(b)
	if err := x.Compact(b.Context()); err != nil {
		b.Fatal(err)
	}
	x.Close()
	for _, what := range []string{"all", "half", "none"} {
		b.Run(what, func(b *testing.B) {
			var took, cpu, faults []int
			for b.Loop() {
				f := copyIndex(b, base)
				if what == "half" {
					x := mustOpen(b, f, Options{})
					x.flagger.stop()
					var uids []UID
					for k := range 50_000 {
						uids = append(uids, UID(2*k+1))
					}
					if _, err := x.SetFlags(b.Context(), uids, FlagChange{Add: Flagged}); err != nil {
						b.Fatal(err)
					}
					x.Close()
				}
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), openEnv+"="+f.Path(), openEnv+"_FLAG="+what)
				out, err := cmd.Output()
				if err != nil {
					b.Fatal(err)
				}
				var t, c, n int
				if _, err := fmt.Sscan(string(out), &t, &c, &n); err != nil {
					b.Fatal(err)
				}
				took, cpu, faults = append(took, t), append(cpu, c), append(faults, n)
			}
			for _, l := range [][]int{took, cpu, faults} {
				slices.Sort(l)
			}
			b.ReportMetric(float64(took[len(took)/2]), "fresh-ns")
			b.ReportMetric(float64(took[0]), "fresh-min-ns")
			b.ReportMetric(float64(cpu[len(cpu)/2]), "cpu-ns")
			b.ReportMetric(float64(faults[len(faults)/2]), "faults")
		})
	}
}

// copyIndex makes a folder with the index of another.
func copyIndex(b *testing.B, base *maildir.Folder) *maildir.Folder {
	b.Helper()
	dir, err := os.MkdirTemp(b.TempDir(), "")
	if err != nil {
		b.Fatal(err)
	}
	for _, d := range []string{"cur", "new", "tmp"} {
		os.Mkdir(filepath.Join(dir, d), 0o700)
	}
	if err := os.Link(filepath.Join(base.Path(), idxName), filepath.Join(dir, idxName)); err != nil {
		b.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(base.Path(), logName))
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, logName), log, 0o600); err != nil {
		b.Fatal(err)
	}
	f, err := maildir.At(dir)
	if err != nil {
		b.Fatal(err)
	}
	return f
}

// BenchmarkOpenLog1M opens a million rows with so many commits of one change each in
// the log, none near the one before, in this process and in fresh ones.
func BenchmarkOpenLog1M(b *testing.B) {
	base, x := benchIndex(b)
	if err := x.Compact(b.Context()); err != nil {
		b.Fatal(err)
	}
	x.Close()
	kinds := []struct {
		name string
		do   func(t *tx, k, row int)
	}{
		{"flags", func(t *tx, k, row int) { t.flags([]UID{UID(row + 1)}, Flagged, Seen, nil, nil, true) }},
		{"renames", func(t *tx, k, row int) {
			e := t.view().Entry(row)
			e.File = strings.TrimSuffix(e.File, "S") + "FS"
			t.rename(UID(row+1), e)
			t.flags([]UID{UID(row + 1)}, Flagged, 0, nil, nil, false)
		}},
		{"deliveries", func(t *tx, k, row int) {
			t.add(Message{Entry: maildir.Entry{File: benchNames["pneu"](benchRows + k), New: true}, Size: 4000, WireSize: 4100, Received: 1800000000, Sent: 1800000000})
		}},
	}
	for _, kind := range kinds {
		for _, n := range []int{100, 1000, 5000, 20000, 0} {
			name := strconv.Itoa(n)
			if n == 0 {
				name = "most" // that compaction leaves
			}
			b.Run(kind.name+"/"+name, func(b *testing.B) {
				f := copyIndex(b, base)
				dir := f.Path()
				x := mustOpen(b, f, Options{})
				begin := func() (*tx, error) { return x.begin(b.Context()) }
				x.flagger.refuse() // the background would compact sooner
				most := max(1<<19, x.core.idxSize/128)*3/2 - 1024
				if kind.name == "deliveries" {
					begin = x.tryBegin
				}
				for k := 0; k < n || n == 0 && x.core.logCost() < most; k++ {
					t, err := begin()
					if err != nil {
						b.Fatal(err)
					}
					kind.do(t, k, k*611953%benchRows)
					if _, err := t.commit(); err != nil {
						b.Fatal(err)
					}
					t.end()
				}
				x.Close()
				for b.Loop() {
					x, err := Open(f, Options{})
					if err != nil {
						b.Fatal(err)
					}
					x.Close()
				}
				var fresh, touch, faults []int
				for range 31 {
					cmd := exec.Command(os.Args[0])
					cmd.Env = append(os.Environ(), openEnv+"="+dir)
					out, err := cmd.Output()
					if err != nil {
						b.Fatal(err)
					}
					var took, all, flt int
					if _, err := fmt.Sscan(string(out), &took, &all, &flt); err != nil {
						b.Fatal(err)
					}
					fresh, touch, faults = append(fresh, took), append(touch, all), append(faults, flt)
				}
				for _, l := range [][]int{fresh, touch, faults} {
					slices.Sort(l)
				}
				info, _ := os.Stat(filepath.Join(dir, logName))
				b.ReportMetric(float64(info.Size()), "log-B")
				b.ReportMetric(float64(fresh[15]), "fresh-ns")
				b.ReportMetric(float64(fresh[0]), "fresh-min-ns")
				b.ReportMetric(float64(touch[15]), "scan-ns")
				b.ReportMetric(float64(faults[15]), "faults")
			})
		}
	}
}
