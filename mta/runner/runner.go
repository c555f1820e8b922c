// Package runner takes what is due in the spool and tries it: local recipients
// through a function it is given, others through package outbound.
//
// Any number of runners may work on one spool, in one process or many: a
// message is worked on under its lock, connections to a destination are counted
// by slots on disk, and what is known of a destination's health lies there too.
// Nothing that matters is in this package's memory.
//
// A message goes through these steps:
//
//   - lock; leave it if it is not due after all, is held, or is another's;
//   - group the pending recipients by destination;
//   - for each destination that is not down and has a free slot, log that an
//     attempt begins, and make it; several destinations at once;
//   - a delivery is marked durably before anything else is done with it;
//   - failures of all destinations are reported in one DSN, which exists
//     durably before they are marked;
//   - what is left waits: twice as long as before, spread at random.
//
// A recipient that fails for good when there is nobody to tell (the null
// sender, NOTIFY=NEVER) is marked and logged, and never reported to anybody.
package runner

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"pneu/mta/outbound"
	"pneu/mta/queue"
)

// Options say how to run. Zero fields take the defaults named.
type Options struct {
	// Hostname names us in reports.
	Hostname string
	// IsLocal says whether a domain's mail is delivered here.
	IsLocal func(domain string) bool
	// Local delivers to a local recipient.
	Local Local
	// Remote makes attempts at other hosts; *outbound.Client does.
	Remote Remote
	// Relay takes all that is not local, if set.
	Relay *outbound.Relay
	// Concurrency bounds the connections to other hosts. Default 100.
	Concurrency int
	// LocalConcurrency bounds local deliveries at a time. Default 8.
	LocalConcurrency int
	// PerDestination bounds the connections to one destination, those of all
	// runners on this spool together. Default 5.
	PerDestination int
	// Backoff is the wait after the first attempt; it doubles up to BackoffMax.
	// Default 5 min to 4 h. Each wait is spread by 30 % either way.
	Backoff, BackoffMax time.Duration
	// Expire is the age at which a message is given up. Default: what it was
	// accepted with.
	Expire time.Duration
	// Warn is the age at which the sender is told of a delay, once. Default
	// 4 h; below 0 never.
	Warn time.Duration
	// MaxHops is how many Received fields a message may have. Default 50.
	MaxHops int
	// MaxReturn is the largest message returned whole in a report, whatever
	// the sender asked. Default 1 MB.
	MaxReturn int64
	// Rescan is how often Serve looks into the spool without being woken.
	// Default 1 min.
	Rescan time.Duration
	// StopWait is how long a stop waits for attempts in flight. Default 30 s.
	StopWait time.Duration
	// Now is the clock.
	Now func() time.Time
	// Log takes a line for whatever befell a message.
	Log *slog.Logger
}

// A LocalDelivery is one message for one local recipient.
type LocalDelivery struct {
	ID                string // of the message in the spool
	N                 int    // of the recipient; with ID it names the delivery for ever
	Sender, Recipient string
	ORcpt             string
	Arrived           time.Time
	// First says that no attempt was begun before: there is nothing that an
	// interrupted one may have left.
	First bool
	Body  io.ReadSeeker
	Size  int64
}

// Local delivers. The exit code of its error (package sysexits) decides: no
// such user, bad data, refused and not permitted are final, all else means
// later.
type Local func(ctx context.Context, d LocalDelivery) error

// Remote makes one attempt at a destination.
type Remote interface {
	Deliver(ctx context.Context, dest outbound.Destination, msg outbound.Message, rcpts []queue.Recipient) []outbound.Result
}

// A Runner works on one spool.
type Runner struct {
	spool *queue.Spool
	opt   Options
	log   *slog.Logger

	remote, local chan struct{} // semaphores
	done          chan struct{} // poked when a job ends
	work          sync.WaitGroup

	mu    sync.Mutex
	busy  map[string]bool // ids of ours in flight
	conns map[string]int  // our connections by destination
	only  map[string]bool // if set, nothing else is tried
	soon  time.Time       // when a message put off is due, for the loop
}

// New returns a runner for a spool.
func New(spool *queue.Spool, opt Options) *Runner {
	number := func(n *int, def int) {
		if *n <= 0 {
			*n = def
		}
	}
	duration := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	number(&opt.Concurrency, 100)
	number(&opt.LocalConcurrency, 8)
	number(&opt.PerDestination, 5)
	number(&opt.MaxHops, 50)
	duration(&opt.Backoff, 5*time.Minute)
	duration(&opt.BackoffMax, 4*time.Hour)
	duration(&opt.Warn, 4*time.Hour)
	duration(&opt.Rescan, time.Minute)
	duration(&opt.StopWait, 30*time.Second)
	if opt.MaxReturn <= 0 {
		opt.MaxReturn = 1_000_000
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.IsLocal == nil {
		opt.IsLocal = func(string) bool { return false }
	}
	return &Runner{
		spool: spool, opt: opt, log: opt.Log,
		remote: make(chan struct{}, opt.Concurrency), local: make(chan struct{}, opt.LocalConcurrency),
		done: make(chan struct{}, 1),
		busy: map[string]bool{}, conns: map[string]int{},
	}
}
