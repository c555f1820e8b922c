package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
)

// TestPick chooses in the middle of a line of the shell: standard input and output are pipes,
// the person is at the terminal.
func TestPick(t *testing.T) {
	bin := build(t)
	home := t.TempDir()
	dir := maildirOf(t, home, 5)
	files, err := filepath.Glob(filepath.Join(dir, "cur", "*"))
	if err != nil || len(files) != 5 {
		t.Fatal(files, err)
	}
	for _, tt := range []struct {
		end, keys string
		want      []string
	}{
		{"\n", "jx\r", files[1:2]},
		{"\x00", "xjx\r", []string{files[0], files[2]}},
		{"\n", "xq", nil},
	} {
		var out, errs bytes.Buffer
		cmd := exec.Command(bin, "--pick", "--theme", "dark")
		cmd.Env = environ(home)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(strings.Join(files, tt.end)+tt.end), &out, &errs
		ptm, pts, err := pty.Open()
		if err != nil {
			t.Skip("no pseudo-terminals here: ", err)
		}
		if err := pty.Setsize(ptm, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
			t.Fatal(err)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3} // the first of the extra files
		cmd.ExtraFiles = []*os.File{pts}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		pts.Close()
		s := newSight(ptm)
		s.wait(t, "number 4")
		if _, err := ptm.WriteString(tt.keys); err != nil {
			t.Fatal(err)
		}
		err = cmd.Wait()
		ptm.Close()
		want := ""
		for _, f := range tt.want {
			want += f + tt.end
		}
		if out.String() != want || (err == nil) != (tt.want != nil) {
			t.Errorf("%q: %q, %v, want %q; %s", tt.keys, out.String(), err, want, errs.String())
		}
	}
	cmd := exec.Command(bin, "--pick")
	cmd.Env = environ(home)
	if err := cmd.Run(); cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("nothing to choose from: %v", err)
	}
}
