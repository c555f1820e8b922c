package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pneu/maildir"
)

// An import that was cut off and is run again files what is left, and nothing twice.
func TestImportAgain(t *testing.T) {
	const messages = 8
	var mbox strings.Builder
	for n := range messages {
		fmt.Fprintf(&mbox, "From a@b Tue Nov 14 22:13:2%d 2023\nSubject: %d\n%s\n%s\n", n, n/2, // each of them twice
			[]string{"", "Status: RO\nX-Status: F\nX-Keywords: $work other\n"}[n/2%2], strings.Repeat("text\n", 2000))
	}
	all := mbox.String()
	dir := t.TempDir()
	pneu := filepath.Join(dir, "pneu")
	ourselves(t, pneu)
	file := filepath.Join(dir, "all.mbox")
	if err := os.WriteFile(file, []byte(all), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		cut     []string // what is run first; it gets the first half on its standard input, and is killed if that is not nothing
		kill    bool
		between string // what is done then
		passed  string // what is said by the second
		want    []int  // how many of each are there then
	}{
		{"killed", []string{"import", "X"}, true, "", "passed over", []int{2, 2, 2, 2}},
		{"a file missing", []string{"import", "X", file, "/nonexistent/file"}, false, "", "passed over 8 messages", []int{2, 2, 2, 2}},
		{"taken back", []string{"import", "X"}, true, "pneu undo", "", []int{2, 2, 2, 2}},
		{"changed", []string{"import", "X"}, true, "pneu ls X | head -2 | pneu flag +RS", "passed over", []int{2, 2, 2, 2}},
		{"thrown away", []string{"import", "X", file, "/nonexistent/file"}, false, "pneu ls X | pneu rm", "", []int{2, 2, 2, 2}},
		{"one purged", []string{"import", "X", file, "/nonexistent/file"}, false, "pneu ls X | sed 1q | pneu rm --purge", "passed over 7", []int{2, 2, 2, 2}},
		{"another meanwhile", []string{"import", "X", file, "/nonexistent/file"}, false, "sed s/text/other/ " + file + " | pneu import X", "passed over 8", []int{4, 4, 4, 4}},
		{"by another name", []string{"import", "--maildir", "link", "X", file, "/nonexistent/file"}, false, "", "passed over 8", []int{2, 2, 2, 2}},
		{"ended", []string{"import", "X", file}, false, "", "", []int{4, 4, 4, 4}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			root := filepath.Join(dir, "Maildir")
			if _, err := maildir.Create(root); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(root, filepath.Join(dir, "link")); err != nil {
				t.Fatal(err)
			}
			command := func(args ...string) *exec.Cmd {
				cmd := exec.Command(args[0], args[1:]...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_STATE_HOME="+dir+"/state", "PNEU_MAILDIR="+root, "PNEU_CONFIG=", "PNEU_SEQ=x",
					"PATH="+filepath.Dir(pneu)+":"+os.Getenv("PATH"))
				return cmd
			}
			first := command(append([]string{pneu}, tt.cut...)...)
			if tt.kill {
				in, err := first.StdinPipe()
				if err != nil {
					t.Fatal(err)
				}
				out, err := first.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := first.Start(); err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(in, all[:len(all)/2+100]); err != nil {
					t.Fatal(err)
				}
				if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
					t.Fatalf("%q, %v", line, err)
				}
				first.Process.Kill()
				first.Wait()
			} else {
				first.Run()
			}
			if tt.between != "" {
				if out, err := command("sh", "-c", tt.between).CombinedOutput(); err != nil {
					t.Fatalf("%s: %v, %s", tt.between, err, out)
				}
			}
			again := command(pneu, "import", "--format", "{{.op}} {{.subject}} {{.flags}} {{.keywords}}", "X", file)
			var said strings.Builder
			again.Stderr = &said
			out, err := again.Output()
			if err != nil || !strings.Contains(said.String(), tt.passed) || tt.passed == "" && said.Len() > 0 {
				t.Fatalf("%v, %s", err, &said)
			}
			printed := strings.Split(strings.TrimSpace(string(out)), "\n")
			if len(printed) != messages {
				t.Errorf("printed %q", printed)
			}
			passed := slices.ContainsFunc(printed, func(s string) bool { return strings.HasPrefix(s, "same ") })
			if passed != (tt.passed != "") {
				t.Errorf("printed %q", printed)
			}
			for _, line := range printed {
				if strings.Contains(line, " 1 ") != strings.HasSuffix(line, "[$work other]") && strings.Contains(line, " 3 ") != strings.HasSuffix(line, "[$work other]") {
					t.Errorf("printed %q", line)
				}
			}
			count := func(want []int) {
				t.Helper()
				out, err := command(pneu, "ls", "X", "--format", "{{.subject}}").Output()
				if err != nil {
					t.Fatal(err)
				}
				got := make([]int, messages/2)
				for _, s := range strings.Fields(string(out)) {
					got[s[0]-'0']++
				}
				if !slices.Equal(got, want) {
					t.Errorf("of each there are %v, want %v", got, want)
				}
			}
			count(tt.want)
			// What has ended is not passed over.
			if out, err := command(pneu, "import", "X", file).CombinedOutput(); err != nil || strings.Contains(string(out), "passed") {
				t.Errorf("%v, %s", err, out)
			}
			for i := range tt.want {
				tt.want[i] += 2
			}
			count(tt.want)
		})
	}
}

// What an import files that is going on is not what another one need not file.
func TestImportBeside(t *testing.T) {
	const messages = 4
	var mbox strings.Builder
	for n := range messages {
		fmt.Fprintf(&mbox, "From a@b Tue Nov 14 22:13:2%d 2023\nSubject: %d\n\n%s\n", n, n, strings.Repeat("text\n", 2000))
	}
	dir := t.TempDir()
	pneu, root := filepath.Join(dir, "pneu"), filepath.Join(dir, "Maildir")
	ourselves(t, pneu)
	if _, err := maildir.Create(root); err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) *exec.Cmd {
		cmd := exec.Command(pneu, args...)
		cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_STATE_HOME="+dir+"/state", "PNEU_MAILDIR="+root, "PNEU_CONFIG=", "PNEU_SEQ=x")
		return cmd
	}
	first := command("import", "X")
	in, err := first.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := first.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	defer first.Wait()
	defer first.Process.Kill()
	if _, err := io.WriteString(in, mbox.String()[:mbox.Len()/2+100]); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil { // and what is behind it waits for more input
		t.Fatalf("%q, %v", line, err)
	}
	again := func() string {
		cmd := command("import", "X")
		cmd.Stdin = strings.NewReader(mbox.String())
		var said strings.Builder
		cmd.Stderr = &said
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v, %s", err, &said)
		}
		return said.String()
	}
	if said := again(); said != "" {
		t.Errorf("beside the first: %s", said)
	}
	first.Process.Kill()
	first.Wait()
	if said := again(); !strings.Contains(said, "passed over") {
		t.Errorf("after the first was killed: %q", said)
	}
	list, err := command("ls", "X").Output()
	if n := strings.Count(string(list), "\n"); err != nil || n != 2*messages {
		t.Errorf("%d messages, %v, want %d", n, err, 2*messages)
	}
}

// A message that is longer than any that was filed is not read to be compared.
func TestImportLook(t *testing.T) {
	text := strings.Repeat("x", 1<<20)
	r := &resumed{filed: map[int64]*sameSize{10: {}}, largest: 10}
	raw, all, err := r.look(strings.NewReader(text))
	if err != nil || len(raw) != 11 {
		t.Errorf("%d octets were read, %v", len(raw), err)
	}
	if _, ok := r.pass(raw); ok {
		t.Error("it was passed over")
	}
	if b, err := io.ReadAll(all); err != nil || string(b) != text {
		t.Errorf("%d octets are left, %v", len(b), err)
	}
}
