package main

import (
	"errors"

	"pneu/maildir"
	"pneu/maildir/journal"
	"pneu/maildir/store"
)

// A deed is what is to be done with a message: flags, or a folder to go to.
type deed struct {
	op    string // its name in records
	flags *journal.Change
	how   store.Work
	to    *maildir.Folder
	add   maildir.Flags // set on the way
}

// changeMany does with messages what plan says, many at a time and as one action in the
// journal, which undo reverses as a whole; with -n the batch is nil, and nothing is done. The
// new paths are printed in the order of the input: before more of it is waited for.
func (t *tool) changeMany(what string, args []string, plan func(b *journal.Batch, m *msg) (deed, error)) error {
	c := &changer{t: t, plan: plan, held: map[string]bool{}}
	if !t.c.Bool("dry-run") {
		j, k, done, err := t.journalled()
		if err != nil {
			return err
		}
		defer done()
		c.keeper, c.batch = k, j.Begin("cli", what)
	}
	c.progress = t.progress(what)
	if t.tty { // paths are shown there as they come
		c.progress.w = nil
	}
	t.idle = c.flush
	err := t.each(args, current, c.message)
	t.idle = nil
	if ferr := c.flush(); err == nil {
		err = ferr
	}
	c.progress.end()
	if c.batch != nil {
		if cerr := c.batch.Commit(); err == nil {
			err = cerr
		}
	}
	var stop fatal
	if errors.As(err, &stop) {
		return stop.error
	}
	return err
}

// A changer gathers messages until there are many, or none are left to read.
type changer struct {
	t      *tool
	plan   func(b *journal.Batch, m *msg) (deed, error)
	keeper *keeper
	batch  *journal.Batch
	queue  []planned
	held   map[string]bool // messages in the queue

	progress *progress
	done     int
}

type planned struct {
	m   *msg
	was string // its path
	deed
	result store.Result
}

// changeRun is how many messages are changed at once: enough that what is done once for all
// of them does not count, and few enough that a person sees that something happens.
const changeRun = 1000

// message queues a message.
func (c *changer) message(m *msg) error {
	if m.f == nil {
		c.fail(m.path, errPlain)
		return nil
	}
	if c.batch == nil {
		d, err := c.plan(nil, m)
		if err != nil {
			return c.refuse(m.path, err)
		}
		return c.t.emit(m, d.op)
	}
	key := m.f.Path() + "\x00" + m.e.Base()
	if c.held[key] {
		// A second time: it may be elsewhere after the first.
		if err := c.flush(); err != nil {
			return err
		}
		now, err := c.t.find(m.path)
		if err != nil {
			c.fail(m.path, err)
			return nil
		}
		m = now
		key = m.f.Path() + "\x00" + m.e.Base()
	}
	was := m.path
	d, err := c.plan(c.batch, m)
	if err != nil {
		if ferr := c.flush(); ferr != nil { // what came before it is told of before it
			return ferr
		}
		return c.refuse(was, err)
	}
	c.held[key] = true
	if c.queue = append(c.queue, planned{m: m, was: was, deed: d}); len(c.queue) >= changeRun {
		return c.flush()
	}
	return nil
}

// refuse reports an error of one message; a fatal one ends the verb.
func (c *changer) refuse(path string, err error) error {
	var stop fatal
	if errors.As(err, &stop) {
		return err
	}
	c.fail(path, err)
	return nil
}

func (c *changer) fail(path string, err error) { c.t.fail(path, err) }

// flush does what is queued, and prints what became of it.
func (c *changer) flush() error {
	queue := c.queue
	c.queue = nil
	if err := c.t.interrupted(); err != nil {
		return err // nothing was done to them
	}
	if len(queue) == 0 {
		return nil
	}
	clear(c.held)
	c.do(queue)
	c.t.turn++ // what was seen of folders is of before
	for i := range queue {
		p := &queue[i]
		for try := 0; try < 3 && errors.Is(p.result.Err, maildir.ErrGone); try++ {
			// Another program moved it between two looks: it may be found where it is now.
			now, err := c.t.find(p.was)
			if err != nil || now.f == nil {
				break
			}
			d, err := c.plan(c.batch, now) // the folder may be what is gone
			if err != nil {
				p.result.Err = err
				break
			}
			p.m, p.deed = now, d
			c.do(queue[i : i+1])
		}
		if c.t.cutShort(p.result.Err) {
			continue // as if it had not been named: it is said once
		}
		if p.result.Err != nil {
			if err := c.refuse(p.was, p.result.Err); err != nil {
				return err
			}
			continue
		}
		if e := p.result.Entry; e.File != "" {
			f := p.m.f
			if p.flags == nil {
				f = p.to
			}
			p.m.became(f, e)
		}
		if err := c.t.emit(p.m, p.op); err != nil {
			return err
		}
	}
	c.done += len(queue)
	c.progress.count(c.done)
	return c.t.interrupted()
}

// do changes messages, those that lie in one folder and have the same done to them at once.
func (c *changer) do(queue []planned) {
	type kind struct {
		from, to string
		flags    *journal.Change
	}
	groups := map[kind][]int{}
	var order []kind
	for i := range queue {
		p := &queue[i]
		k := kind{from: p.m.f.Path(), flags: p.flags}
		if p.to != nil {
			k.to = p.to.Path()
		}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], i)
	}
	ctx := c.t.context()
	for _, k := range order {
		which := groups[k]
		first := &queue[which[0]]
		list := make([]maildir.Entry, len(which))
		for n, i := range which {
			list[n] = queue[i].m.e
		}
		noted, err := c.keeper.of(first.m.f)
		if err != nil {
			for _, i := range which {
				queue[i].result.Err = err
			}
			continue
		}
		var results []store.Result
		if k.flags != nil {
			results = noted.SetFlags(ctx, c.batch, first.m.f, list, *k.flags)
		} else {
			results = noted.File(ctx, c.batch, first.m.f, list, first.to, first.how, first.add)
		}
		for n, i := range which {
			queue[i].result = results[n]
		}
	}
}
