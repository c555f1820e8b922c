package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pneu/maildir"
)

// A signal ends a verb that waits for more input, which is not told by any read, and what it
// has done so far is kept and printed. Its end is that of the signal, for the sake of loops of
// shells.
func TestInterrupt(t *testing.T) {
	dir := t.TempDir()
	pneu, root := filepath.Join(dir, "pneu"), filepath.Join(dir, "Maildir")
	ourselves(t, pneu)
	tree, err := maildir.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	inbox, err := tree.Folder("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	e, err := inbox.Deliver(maildir.Delivery{}, strings.NewReader("Subject: one\n\nx\n"))
	if err != nil {
		t.Fatal(err)
	}
	path := inbox.File(e) + "\n"
	const from = "From a@b Tue Nov 14 22:13:21 2023\nSubject: two\n\n"
	begun := from + strings.Repeat("text\n", 1000) + "\n" + from + strings.Repeat("text\n", 1000)
	for _, tt := range []struct {
		verb   string
		in     string
		signal os.Signal
		want   string // in the first line
	}{
		{"scan", path, syscall.SIGINT, "one"},
		{"hdr subject", path, syscall.SIGTERM, "one"},
		{"seq --json", `{"path":` + fmt.Sprintf("%q", path[:len(path)-1]) + "}\n", syscall.SIGINT, `"one"`},
		{"flag +F", path, syscall.SIGTERM, ":2,F"},
		{"mv -p A", path, syscall.SIGINT, ".A/cur/"},
		{"import B", begun, syscall.SIGINT, ".B/new/"},
	} {
		t.Run(tt.verb, func(t *testing.T) {
			cmd := exec.Command(pneu, strings.Fields(tt.verb)...)
			cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_STATE_HOME="+dir+"/state", "PNEU_MAILDIR="+root, "PNEU_CONFIG=", "PNEU_SEQ=x")
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			var said bytes.Buffer
			cmd.Stderr = &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			stuck := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
			defer stuck.Stop()
			if _, err := io.WriteString(in, tt.in); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if !strings.Contains(line, tt.want) {
				t.Errorf("printed %q, %v", line, err)
			}
			cmd.Process.Signal(tt.signal)
			cmd.Wait()
			if ws := cmd.ProcessState.Sys().(syscall.WaitStatus); !ws.Signaled() || ws.Signal() != tt.signal || strings.Contains(said.String(), "signal") {
				t.Errorf("%v, says %q", cmd.ProcessState, said.String())
			}
		})
	}
	if tmp, err := filepath.Glob(filepath.Join(root, ".B/tmp/*")); err != nil || len(tmp) > 0 {
		t.Errorf("left lying: %q, %v", tmp, err)
	}
}
