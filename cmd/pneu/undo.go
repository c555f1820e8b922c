package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir/journal"
	"pneu/maildir/safe"
)

func undoVerb() *cli.Command {
	return &cli.Command{
		Name: "undo", Usage: "take back the last actions, also those of the screen", ArgsUsage: "[N]",
		Flags:  outputFlags(&cli.BoolFlag{Name: "redo", Usage: "do again what was taken back last"}),
		Action: verb(undo),
	}
}

func undo(t *tool) error {
	n := 1
	if a := t.c.Args().First(); a != "" {
		var err error
		if n, err = strconv.Atoi(a); err != nil || n < 1 || t.c.NArg() > 1 {
			return boot.Usage("undo wants a number of actions")
		}
	}
	j, done, err := t.journal()
	if err != nil {
		return err
	}
	defer done()
	do, p := j.Undo, t.progress("undo")
	if t.c.Bool("redo") {
		do, p = j.Redo, t.progress("redo")
	}
	j.UseProgress(p.show)
	r, err := do(n)
	p.end()
	if errors.Is(err, journal.ErrNothing) {
		t.note("%v", err)
		return nil
	}
	if err != nil {
		return err
	}
	for _, b := range r.Batches {
		t.note("%s: %s, of %s", b.What, extent(b), b.Time.Local().Format("2 Jan 15:04"))
	}
	for _, f := range r.Failed {
		t.fail(cmp.Or(f.Op.Base(), f.Op.ToFolder), f.Err)
	}
	printed := map[string]bool{} // several operations may have been on one message
	for _, p := range r.Paths {
		m, err := t.find(p)
		if err != nil {
			t.fail(p, err)
			continue
		}
		if printed[m.path] {
			continue
		}
		printed[m.path] = true
		if err := t.emit(m, "undo"); err != nil {
			return err
		}
	}
	if t.printed == 0 && t.failed == 0 && len(r.Batches) > 0 {
		t.printed++ // a copy was removed: done, with no path left to print
	}
	return nil
}

// extent says how much an action was.
func extent(r journal.Record) string {
	n := r.Messages() - twice(r.Ops)
	if slices.ContainsFunc(r.Ops, func(o journal.Op) bool { return o.Kind == "append" }) {
		for _, o := range r.Ops { // an import gives them to what it has filed
			if o.Kind == "bulk" || o.Kind == "words" {
				n -= o.Bulk.Count()
			}
		}
	}
	done := map[[2]string]bool{} // several operations may have been on one message
	for _, o := range r.Ops {
		if o.New.File == "" {
			continue
		}
		if m := [2]string{o.To, o.NewBase()}; done[m] {
			n--
		} else {
			done[m] = true
		}
	}
	if n > 0 || len(r.Ops) == 0 {
		return plural(n, "message")
	}
	return plural(len(r.Ops), "folder")
}

// twice returns how many messages were changed by number more than once: flags, then keywords.
func twice(ops []journal.Op) (n int) {
	kinds := map[string]bool{}
	for _, o := range ops {
		kinds[o.Kind] = true
	}
	if !kinds["bulk"] || !kinds["words"] {
		return 0
	}
	type message struct {
		of string
		n  uint32
	}
	seen := map[message]bool{}
	for _, o := range ops {
		if o.Kind != "bulk" && o.Kind != "words" {
			continue
		}
		for lo, hi := range o.Bulk.Ranges() {
			for u := uint64(lo); u <= uint64(hi); u++ {
				m := message{o.Bulk.Numbering, uint32(u)}
				if seen[m] {
					n++
				}
				seen[m] = true
			}
		}
	}
	return n
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}

func logVerb() *cli.Command {
	return &cli.Command{
		Name: "log", Usage: "print the last actions, newest first", ArgsUsage: "[N]",
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print one JSON object a line"}},
		Action: verb(showLog),
	}
}

type logOp struct {
	Op   string `json:"op"`
	From string `json:"from"`
	To   string `json:"to,omitempty"`
	Old  string `json:"old"`
	New  string `json:"new,omitempty"`

	Add    []string `json:"add,omitempty"` // keywords; of bulk flags
	Remove []string `json:"remove,omitempty"`

	Messages int `json:"messages,omitempty"` // of bulk and words: how many
}

func showLog(t *tool) error {
	n := 20
	if a := t.c.Args().First(); a != "" {
		var err error
		if n, err = strconv.Atoi(a); err != nil || n < 1 {
			return boot.Usage("log wants a number of actions")
		}
	}
	j, err := openJournal(false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer j.Close()
	records, err := j.Log(n)
	if err != nil {
		return err
	}
	for _, r := range records {
		if t.form == formJSON {
			ops := make([]logOp, 0, len(r.Ops))
			for _, o := range r.Ops {
				op := logOp{o.Kind, o.FromFolder, o.ToFolder, o.Old.File, o.New.File, o.Add, o.Remove, 0}
				if o.Kind == "bulk" || o.Kind == "words" {
					op.Messages = o.Bulk.Count()
				}
				ops = append(ops, op)
			}
			b, err := encode(struct {
				V      int     `json:"v"`
				ID     string  `json:"id"`
				Time   string  `json:"time"`
				Actor  string  `json:"actor"`
				What   string  `json:"what"`
				Undone bool    `json:"undone"`
				Ops    []logOp `json:"ops"`
			}{1, r.ID, r.Time.UTC().Format(time.RFC3339), r.Actor, r.What, r.Undone, ops})
			if err != nil {
				return err
			}
			t.out.Write(b)
			t.printed++
			continue
		}
		mark := ""
		if r.Undone {
			mark = "  (undone)"
		}
		fmt.Fprintf(t.out, "%s  %-4s  %s  %s%s\n", r.Time.Local().Format("2006-01-02 15:04:05"), safe.Line(r.Actor),
			safe.Line(r.What), extent(r), mark)
		t.printed++
	}
	return nil
}
