package main

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir/address"
	"pneu/maildir/safe"
	"pneu/mta/queue"
)

// surgeon is one command at work on the messages it was told of.
type surgeon struct {
	c   *cli.Context
	sys *system
	now time.Time
	ids []string // chosen, in the order of the queue
	act map[string]bool
}

// operate chooses messages and does something with them. Exit code 1 says that
// none was there.
func operate(c *cli.Context, do func(*surgeon) error) error {
	f, err := parseFilter(c)
	if err != nil {
		return err
	}
	if f.empty() && changes(c.Command.Name) && !c.Bool("all") {
		return boot.Usage(c.Command.Name + ": which messages? Name IDs, filters or --all")
	}
	sys, err := load(c)
	if err != nil {
		return err
	}
	if sys.spool.Own() || os.Geteuid() == 0 {
		if _, err := sys.spool.AdoptDrops(); err != nil && changes(c.Command.Name) {
			return err
		}
	}
	s := &surgeon{c: c, sys: sys, now: time.Now()}
	refs, err := sys.spool.All()
	if err != nil {
		return err
	}
	s.act = sys.spool.Active(refs)
	if err := f.complete(refs); err != nil {
		return err
	}
	for _, ref := range refs {
		if !f.wantsID(ref.ID) {
			continue
		}
		if f.reads() {
			m, err := sys.spool.Read(ref.ID)
			if err != nil { // finished meanwhile
				continue
			}
			ok := f.match(m, s.state(m), s.now)
			m.Close()
			if !ok {
				continue
			}
		}
		s.ids = append(s.ids, ref.ID)
	}
	missing := f.missing(refs)
	for _, id := range missing {
		fmt.Fprintln(c.App.ErrWriter, "qrun: "+safe.Line(id).String()+": no such message (delivered or removed, or never there)")
	}
	if len(s.ids) == 0 {
		if c.Command.Name == "rm" && c.Bool("unsend") {
			return tooLate(strings.Join(f.ids, " "))
		}
		if f.empty() && c.Command.Name == "list" { // an empty queue is an answer, as mailq gives it
			if !c.Bool("json") {
				fmt.Fprintln(c.App.Writer, "the queue is empty")
			}
			return nil
		}
		return boot.Exit(1)
	}
	if err := do(s); err != nil || len(missing) == 0 {
		return err
	}
	return boot.Exit(1)
}

// missing returns the ids asked for that are nowhere in the spool.
func (f *filter) missing(refs []queue.Ref) []string {
	var none []string
	for _, id := range f.ids {
		if !slices.ContainsFunc(refs, func(r queue.Ref) bool { return r.ID == id }) {
			none = append(none, id)
		}
	}
	return none
}

func changes(verb string) bool { return verb != "list" && verb != "show" }

// state is that of the contract.
func (s *surgeon) state(m *queue.Message) queue.State {
	if s.act[m.ID] && (m.State == queue.Queued || m.State == queue.Deferred) {
		return queue.Active
	}
	return m.State
}

// filter is what a message must be.
type filter struct {
	ids, to, from, states []string
	older                 time.Duration
}

func parseFilter(c *cli.Context) (*filter, error) {
	f := &filter{ids: append(c.StringSlice("id"), c.Args().Slice()...), to: c.StringSlice("to"), from: c.StringSlice("from"), states: c.StringSlice("state")}
	for i := range f.states {
		f.states[i] = strings.ToLower(f.states[i])
		if !slices.Contains([]string{"queued", "deferred", "held", "active", "failed"}, f.states[i]) {
			return nil, boot.Usage("--state: queued, deferred, held, active or failed, not \"" + f.states[i] + "\"")
		}
	}
	for _, p := range append(append([]string{}, f.to...), f.from...) {
		if _, err := path.Match(p, ""); err != nil {
			return nil, boot.Usage("not a pattern: \"" + p + "\"")
		}
	}
	if o := c.String("older"); o != "" {
		d, err := parseAge(o)
		if err != nil {
			return nil, boot.Usage("--older: " + err.Error())
		}
		f.older = d
	}
	return f, nil
}

// parseAge reads a time such as 90m, 2h, 3d, 1w.
func parseAge(s string) (time.Duration, error) {
	for unit, d := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if num, ok := strings.CutSuffix(s, unit); ok {
			n, err := strconv.ParseFloat(num, 64)
			if err != nil || n < 0 || n > 36500 {
				return 0, fmt.Errorf("not a time: %q", s)
			}
			return time.Duration(n * float64(d)), nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("not a time: %q (write 90m, 2h or 3d)", s)
	}
	return d, nil
}

func (f *filter) empty() bool {
	return len(f.ids)+len(f.to)+len(f.from)+len(f.states) == 0 && f.older == 0
}
func (f *filter) reads() bool {
	return len(f.to)+len(f.from)+len(f.states) > 0 || f.older > 0
}

// complete turns the beginnings of ids into ids. One that fits several is an
// error: it must not hit what nobody meant.
func (f *filter) complete(refs []queue.Ref) error {
	for i, id := range f.ids {
		var hits []string
		for _, ref := range refs {
			if ref.ID == id {
				hits = []string{id}
				break
			}
			if strings.HasPrefix(ref.ID, id) {
				hits = append(hits, ref.ID)
			}
		}
		if len(hits) > 1 {
			return boot.Usage("\"" + id + "\" is the beginning of " + strconv.Itoa(len(hits)) + " ids: write more of it")
		}
		if len(hits) == 1 {
			f.ids[i] = hits[0]
		}
	}
	return nil
}

func (f *filter) wantsID(id string) bool { return len(f.ids) == 0 || slices.Contains(f.ids, id) }

func (f *filter) match(m *queue.Message, state queue.State, now time.Time) bool {
	if len(f.states) > 0 && !slices.Contains(f.states, string(state)) {
		return false
	}
	if f.older > 0 && now.Sub(m.Arrived) < f.older {
		return false
	}
	if len(f.from) > 0 && !slices.ContainsFunc(f.from, func(p string) bool { return like(p, m.Sender) }) {
		return false
	}
	if len(f.to) == 0 {
		return true
	}
	for _, r := range m.Pending() {
		if slices.ContainsFunc(f.to, func(p string) bool { return like(p, r.Addr) }) {
			return true
		}
	}
	return false
}

// like compares an address with a pattern: an address in which * stands for
// anything, a domain with or without its @, or a local part.
func like(pattern, addr string) bool {
	pattern, addr = strings.ToLower(pattern), strings.ToLower(addr)
	switch {
	case pattern == "<>":
		return addr == ""
	case strings.HasPrefix(pattern, "@"):
		pattern = "*" + pattern
	case !strings.ContainsAny(pattern, "@*?["):
		local, domain := address.Split(addr)
		return pattern == local || pattern == domain
	}
	// path.Match's * stops at a slash, which an address may hold.
	ok, _ := path.Match(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(addr, "/", "\x00"))
	return ok
}
