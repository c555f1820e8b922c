package e2e

import (
	"net"
	"os"
	"testing"

	"pneu/mta/queue"
)

// closedPort returns a loopback port on which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func makeSpool(t *testing.T, dir string) {
	t.Helper()
	if err := queue.Create(dir); err != nil {
		t.Fatal(err)
	}
}
