package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"pneu/tui/queueview"
)

// findProgram finds another of pneu's programs: beside this one, else in PATH; "" if there is none.
func findProgram(name string) string {
	if self, err := os.Executable(); err == nil {
		if p := filepath.Join(filepath.Dir(self), name); executable(p) {
			return p
		}
	}
	p, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return p
}

func executable(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0
}

// A sender puts mail into the queue by running sendmail, and takes it back by running qrun.
type sender struct{ sendmail, qrun, config string }

func configArgs(config string) []string {
	if config == "" {
		return nil
	}
	return []string{"-C", config}
}

func (s *sender) Send(ctx context.Context, msg []byte, from string, rcpts []string, hold time.Duration) (string, error) {
	args := append(configArgs(s.config), "-oi", "-f", from, "--hold-for", hold.String(), "--print-id", "--")
	cmd := exec.CommandContext(ctx, s.sendmail, append(args, rcpts...)...)
	cmd.Stdin = bytes.NewReader(msg)
	out, err := output(cmd)
	if err != nil {
		return "", err
	}
	id := strings.TrimSpace(string(out))
	if id == "" {
		return "", errors.New("sendmail took the message, but named no id")
	}
	return id, nil
}

func (s *sender) Unsend(id string) error {
	if s.qrun == "" {
		return errors.New("qrun was not found")
	}
	_, err := output(exec.Command(s.qrun, append(configArgs(s.config), "rm", "--unsend", id)...))
	return err
}

// output runs a program; what it said on standard error is the error.
func output(cmd *exec.Cmd) ([]byte, error) {
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if s := strings.TrimSpace(errs.String()); s != "" {
			return nil, errors.New(strings.Join(strings.Fields(s), " "))
		}
		return nil, fmt.Errorf("%s: %w", filepath.Base(cmd.Path), err)
	}
	return out.Bytes(), nil
}

// A queue is the queue as qrun shows it.
type queue struct{ qrun, config string }

func (q *queue) run(args ...string) error {
	_, err := output(exec.Command(q.qrun, append(configArgs(q.config), args...)...))
	return err
}

func (q *queue) List(ctx context.Context) ([]queueview.Item, error) {
	out, err := output(exec.CommandContext(ctx, q.qrun, append(configArgs(q.config), "list", "--json")...))
	if err != nil {
		return nil, err
	}
	return parseQueue(out)
}

// parseQueue reads JSON Lines, one object a message.
func parseQueue(out []byte) ([]queueview.Item, error) {
	var items []queueview.Item
	sc := bufio.NewScanner(bytes.NewReader(out))
	sc.Buffer(nil, 64<<20)
	for sc.Scan() {
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		var it queueview.Item
		if err := json.Unmarshal(sc.Bytes(), &it); err != nil {
			return nil, fmt.Errorf("qrun list: %w", err)
		}
		items = append(items, it)
	}
	return items, sc.Err()
}

func (q *queue) Try(id string) error     { return q.run("try", id) }
func (q *queue) Hold(id string) error    { return q.run("hold", id) }
func (q *queue) Release(id string) error { return q.run("release", id) }
func (q *queue) Remove(id string) error  { return q.run("rm", id) }
