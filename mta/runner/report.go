package runner

import (
	"errors"
	"io"
	"strings"
	"time"

	"pneu/mta/dsn"
	"pneu/mta/queue"
)

// fail reports and marks the recipients in j.fails. It returns false if that
// could not be recorded.
func (j *job) fail() bool {
	told, silent := map[int]queue.Mark{}, map[int]queue.Mark{}
	var list []verdict
	for _, v := range j.fails {
		kind := "failed"
		if v.mark == queue.Expired {
			kind = "expired"
		}
		j.note(event(kind, v.rcpt.N, v.res))
		j.r.log.Info(kind, "qid", j.m.ID, "to", v.rcpt.Addr, "host", v.res.Host, "ip", v.res.IP, "status", status(v.res))
		if j.m.Sender != "" && wants(v.rcpt.Notify, "FAILURE", true) {
			told[v.rcpt.N] = v.mark
			list = append(list, v)
		} else {
			silent[v.rcpt.N] = v.mark
			if j.m.Sender == "" { // RFC 5321, 6.1: never answer the null sender
				j.note(queue.Event{Kind: "note", Rcpt: v.rcpt.N, Text: "not reported: the sender is null"})
				j.r.log.Warn("double bounce", "qid", j.m.ID, "to", v.rcpt.Addr, "parent", j.m.Parent, "status", status(v.res))
			}
		}
	}
	if len(silent) > 0 {
		if err := j.m.SetMarks(silent); err != nil {
			j.r.log.Error("record failure", "qid", j.m.ID, "error", err)
			return false
		}
	}
	if len(told) == 0 {
		return true
	}
	id, err := j.m.Bounce(j.envelope("failed"), told, func(w io.Writer) error {
		return j.write(w, dsn.Failed, list, j.messageID("failed", list))
	})
	if err != nil {
		j.r.log.Error("report failure", "qid", j.m.ID, "error", err)
		return false
	}
	j.note(queue.Event{Kind: "bounced", Text: "reported to " + j.m.Sender + " in " + id})
	j.r.log.Info("bounced", "qid", j.m.ID, "to", j.m.Sender, "report", id)
	return true
}

// envelope is that of a report: from nobody, to the sender, never answered.
func (j *job) envelope(kind string) *queue.Envelope {
	now := j.r.opt.Now()
	return &queue.Envelope{
		Arrived: now, Client: kind + " report", Kind: "dsn", Parent: j.m.ID,
		EightBit: j.m.EightBit || j.m.UTF8, UTF8: j.m.UTF8,
		// RFC 3461, 6.1: reports are not reported on.
		Recipients: []queue.Recipient{{N: 1, Addr: j.m.Sender, Mark: queue.Pending, Notify: "NEVER"}},
	}
}

func (j *job) messageID(kind string, list []verdict) string {
	return queue.Derive(j.m.ID, kind, numbers(list)...) + "@" + j.r.opt.Hostname
}

func numbers(list []verdict) []int {
	var n []int
	for _, v := range list {
		n = append(n, v.rcpt.N)
	}
	return n
}

func (j *job) write(w io.Writer, action dsn.Action, list []verdict, messageID string) error {
	now := j.r.opt.Now()
	rep := dsn.Report{
		Hostname: j.r.opt.Hostname, To: j.m.Sender, MessageID: messageID, Date: now, QueueID: j.m.ID, EnvID: j.m.EnvID,
		Arrived: j.m.Arrived, Original: j.m.Body(), UTF8: j.m.UTF8,
		// RFC 3461, 4.3: RET is about failures; other reports return the header.
		Full: action == dsn.Failed && j.m.Ret == "FULL" && j.m.Size <= j.r.opt.MaxReturn,
	}
	for _, v := range list {
		rc := dsn.Recipient{Address: v.rcpt.Addr, ORcpt: v.rcpt.ORcpt, Action: action, Status: v.res.Enhanced, Host: v.res.Host, IP: v.res.IP,
			Code: v.res.Code, Text: v.res.Text, LastAttempt: now}
		switch {
		case v.mark == queue.Expired:
			rc.Status = "4.4.7" // RFC 3463, 3.5: delivery time expired
			text := v.res.Text
			if v.res.Code != 0 {
				text = status(v.res)
			}
			rc.Code, rc.Text = 0, strings.TrimSuffix("given up after "+age(now.Sub(j.m.Arrived))+": "+text, ": ")
		case action == dsn.Relayed && v.local:
			rc.Action = dsn.Delivered
		case action == dsn.Delayed:
			rc.RetryUntil = j.r.expires(j.m)
		}
		if rc.Status == "" {
			rc.Status = map[dsn.Action]string{dsn.Failed: "5.0.0", dsn.Delayed: "4.0.0"}[action]
			if rc.Status == "" {
				rc.Status = "2.0.0"
			}
		}
		rep.Recipients = append(rep.Recipients, rc)
	}
	return dsn.Write(w, rep)
}

// age says how long, for people.
func age(d time.Duration) string {
	plural := func(n int, unit string) string {
		if n == 1 {
			return "1 " + unit
		}
		return itoa(n) + " " + unit + "s"
	}
	switch {
	case d >= 48*time.Hour:
		return plural(int(d.Hours()/24+0.5), "day")
	case d >= time.Hour:
		return plural(int(d.Hours()+0.5), "hour")
	}
	return plural(max(1, int(d.Minutes())), "minute")
}

// wants reports whether NOTIFY asks for a kind of report; without NOTIFY the
// customary ones are sent (RFC 3461, 4.1).
func wants(notify, kind string, customary bool) bool {
	if notify == "" {
		return customary
	}
	for _, n := range strings.Split(notify, ",") {
		if strings.EqualFold(strings.TrimSpace(n), kind) {
			return true
		}
	}
	return false
}

// reportSuccess tells of deliveries where the sender asked for it: those into a
// mailbox, and those to a host that will not tell.
func (j *job) reportSuccess() {
	var list []verdict
	for _, v := range j.delivers {
		if j.m.Sender != "" && wants(v.rcpt.Notify, "SUCCESS", false) && (v.local || !v.res.Notify) {
			list = append(list, v)
		}
	}
	if len(list) == 0 {
		return
	}
	action := dsn.Relayed
	if list[0].local {
		action = dsn.Delivered
		for _, v := range list {
			if !v.local {
				action = dsn.Relayed
			}
		}
	}
	j.send("success", action, list)
}

// reportDelay tells the sender once that the message is late.
func (j *job) reportDelay(now time.Time, waits []verdict) {
	if j.r.opt.Warn < 0 || j.m.Sender == "" || j.m.Kind == "dsn" || now.Before(j.m.Arrived.Add(j.r.opt.Warn)) {
		return
	}
	var list []verdict
	for _, v := range waits {
		p := j.past[v.rcpt.N]
		if p.warned || !wants(v.rcpt.Notify, "DELAY", true) {
			continue
		}
		if v.res.Text == "" {
			v.res = p.last
		}
		list = append(list, v)
	}
	if len(list) == 0 || !j.send("delayed", dsn.Delayed, list) {
		return
	}
	for _, v := range list {
		j.note(queue.Event{Kind: "delayed", Rcpt: v.rcpt.N, Text: "told " + j.m.Sender})
	}
	j.r.log.Info("delay reported", "qid", j.m.ID, "to", j.m.Sender)
}

// send accepts a report that no mark depends on, under an id that the same
// report would have again.
func (j *job) send(kind string, action dsn.Action, list []verdict) bool {
	env := j.envelope(kind)
	env.ID = queue.Derive(j.m.ID, kind, numbers(list)...)
	d, err := j.r.spool.Accept(env)
	if errors.Is(err, queue.ErrExists) {
		return true
	}
	if err == nil {
		if err = j.write(d, action, list, j.messageID(kind, list)); err == nil {
			err = d.Commit(j.r.opt.Now())
		} else {
			d.Abort()
		}
	}
	if err != nil {
		j.r.log.Error("report", "qid", j.m.ID, "kind", kind, "error", err)
	}
	return err == nil
}
