package queue

import (
	"context"
	"os"
	"syscall"
	"time"
)

// Wake tells a waiting runner of new mail. Nobody may be there, or the pipe
// may be full or gone: correctness never depends on it.
func (s *Spool) Wake() {
	fd, err := syscall.Open(s.opt.Dir+"/wake", syscall.O_WRONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return
	}
	syscall.Write(fd, []byte{'\n'})
	syscall.Close(fd)
}

// Wait returns nil when woken or when d has passed, else ctx's error. Where
// there is no pipe it only waits.
func (s *Spool) Wait(ctx context.Context, d time.Duration) error {
	// Open for writing too: the pipe has no end then, and what was written
	// while nobody waited is kept only if someone has it open.
	f, err := os.OpenFile(s.opt.Dir+"/wake", os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			return nil
		}
	}
	defer f.Close()
	return wait(ctx, f, d)
}

func wait(ctx context.Context, f *os.File, d time.Duration) error {
	f.SetReadDeadline(time.Now().Add(d))
	stop := context.AfterFunc(ctx, func() { f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	b := make([]byte, 512) // many may have written: one pass serves all
	f.Read(b)
	return ctx.Err()
}

// A Waiter keeps the pipe open between waits, so that nothing that was written
// while its owner worked is missed.
type Waiter struct {
	s *Spool
	f *os.File
}

// Waiter opens the pipe; it works without one too.
func (s *Spool) Waiter() *Waiter {
	f, err := os.OpenFile(s.opt.Dir+"/wake", os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		f = nil
	}
	return &Waiter{s, f}
}

// Wait is [Spool.Wait] on the open pipe.
func (w *Waiter) Wait(ctx context.Context, d time.Duration) error {
	if w.f == nil {
		return w.s.Wait(ctx, d)
	}
	return wait(ctx, w.f, d)
}

// Close closes the pipe.
func (w *Waiter) Close() error {
	if w.f == nil {
		return nil
	}
	return w.f.Close()
}
