// Package listen gives servers what they talk through: listening sockets, certificates that can be
// read again, standard input and output as a connection, and a user to run as once the ports are
// bound.
package listen

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"time"

	"pneu/mta/sysexits"
)

// On opens a listening socket. addr is "host:port", ":port" for all interfaces, or "unix:/path" for
// a socket in the file system, which replaces one that nobody listens on any more.
func On(addr string) (net.Listener, error) {
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		return onPath(path)
	}
	if err := Check(addr); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, explain(addr, err)
	}
	return l, nil
}

// Check reports an address that [On] can never open.
func Check(addr string) error {
	if strings.HasPrefix(addr, "unix:") {
		return nil
	}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return sysexits.New(sysexits.Config, fmt.Sprintf("listen on %q: write HOST:PORT, :PORT or unix:PATH", addr))
	}
	return nil
}

// explain says what to do about a port that cannot be had.
func explain(addr string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return sysexits.New(sysexits.NoPerm, "listen on "+addr+": permission denied: ports below 1024 take root, or the capability net_bind_service")
	case strings.Contains(err.Error(), "address already in use"):
		return sysexits.New(sysexits.OS, "listen on "+addr+": address already in use: another server is running there")
	}
	return sysexits.Wrap(sysexits.OS, fmt.Errorf("listen: %w", err))
}

func onPath(path string) (net.Listener, error) {
	if st, err := os.Lstat(path); err == nil && st.Mode().Type() == fs.ModeSocket {
		if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
			c.Close()
			return nil, sysexits.New(sysexits.OS, "listen on unix:"+path+": another server is running there")
		}
		if err := os.Remove(path); err != nil {
			return nil, sysexits.Wrap(sysexits.CantCreate, err)
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, sysexits.Wrap(sysexits.CantCreate, fmt.Errorf("listen: %w", err))
	}
	return l, nil
}

// All opens several sockets, or none: one failure closes the others.
func All(addrs []string) ([]net.Listener, error) {
	var ls []net.Listener
	for _, a := range addrs {
		l, err := On(a)
		if err != nil {
			for _, l := range ls {
				l.Close()
			}
			return nil, err
		}
		ls = append(ls, l)
	}
	return ls, nil
}
