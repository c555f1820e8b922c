// Package tui is the screen: a list of conversations, a reader, a place to write, and the queue of what was sent.
//
// The App is a state machine: Update takes keys and results and never waits, View draws. What reads or changes
// files is a term.Cmd that runs outside. Bubble Tea, which drives it, is known to run.go alone; settings and other
// programs come in through Options.
package tui

import (
	"context"
	"os/exec"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"pneu/maildir"
	"pneu/maildir/journal"
	"pneu/maildir/message"
	"pneu/maildir/safe"
	mstore "pneu/maildir/store"
	"pneu/tui/compose"
	"pneu/tui/folders"
	"pneu/tui/list"
	"pneu/tui/look"
	"pneu/tui/parts"
	"pneu/tui/queueview"
	"pneu/tui/reader"
	"pneu/tui/searchview"
	"pneu/tui/store"
	"pneu/tui/term"
)

// A Sender puts a message into the queue.
type Sender interface {
	// Send accepts msg durably; it leaves no sooner than hold from now. The id names it in the queue.
	Send(ctx context.Context, msg []byte, from string, rcpts []string, hold time.Duration) (id string, err error)
	// Unsend takes it back; an error says that it is on its way already.
	Unsend(id string) error
}

// A Queue shows and works on mail on its way out.
type Queue interface {
	List(ctx context.Context) ([]queueview.Item, error)
	Try(id string) error
	Hold(id string) error
	Release(id string) error
	Remove(id string) error
}

// Options are what the App must be given.
type Options struct {
	Store   *mstore.Store
	Folder  string           // opened first; empty: INBOX
	Me      []message.Addr   // the reader's addresses; mail is sent from the first
	Sender  Sender           // nil: mail cannot be sent
	Queue   Queue            // nil: there is no queue view
	Journal *journal.Journal // what undo takes back
	Noted   *mstore.Noted    // does what is noted there; nil: one that Store makes
	Notices *Notices         // what the Store's log says; nil: nothing is shown of it

	Hold      time.Duration // from sending until mail leaves; default 10 s
	Signature string
	Editor    []string // command of the editor; a file name is added
	Browser   []string // command that opens a link; an address is added
	Shell     string   // for pipes
	SaveDir   string   // where attachments are saved
	TempDir   string   // for the editor's files
	SentFile  string   // remembers mail in its hold over a restart; empty: it does not

	Layout Layout
	Theme  *look.Theme
	Now    func() time.Time
}

// screen is what fills the main part.
type screen int

const (
	listScreen screen = iota
	readerScreen
	partsScreen
	queueScreen
	composeScreen
	searchScreen
)

// An App is the whole program but for the terminal.
type App struct {
	opt   Options
	tree  *maildir.Store
	noted *mstore.Noted
	few   int // rows that the loop goes through at once
	// patience is how long a search of all folders reads texts before it shows what it has.
	patience time.Duration
	begun    int // deeds
	told     int // the newest that was said to be done
	theme    *look.Theme
	jobs     *jobs
	size     term.Size
	shape    shape

	box     *store.Box
	boxErr  error
	opening string
	watch   context.CancelFunc

	list    *list.Model
	reader  *reader.Model
	sidebar *folders.Sidebar
	parts   *parts.Model
	queue   *queueview.Model
	compose *compose.Model
	search  *searchview.Model // over all folders; nil: not used yet
	aim     *searchview.Hit   // what is gone to when its folder is open
	focus   int               // the message of the conversation read next to begin with; 0: the first unread

	screen screen
	under  []screen // where back goes
	over   overlay  // nil: none

	commands []command
	keymaps  map[where]*look.Keymap
	keys     look.Dispatcher
	which    bool // what may follow the keys typed is shown

	status  status
	log     []logged
	sending *sending
	draft   *draft // what the place to write works on; nil: nothing
	roles   map[string]string
	// waiting is the command whose result the next keys are meant for; they are kept until it comes.
	waiting int
	held    []term.Key
	// whenRead is a command that came before the message it is about was read.
	whenRead             func() term.Cmd
	acts                 []act // what undo would take back, if it is not in the journal
	targets              []string
	query                string // of the search
	hits                 store.Limit
	queries              []string
	limits               int
	previewSerial, waits int
	arranging, stale     bool
	calm                 time.Time // until then others are not followed at once
	following            bool      // but then
	again                bool      // others changed something while an order was made
	checking             bool      // the open folder is looked at
	reading              bool      // what a newer state of the folder says is being found out
	unread               *mstore.View
	building, texting    progress // what is read for the indexes of the open folder
	finding              bool     // texts are being searched
	looking              bool     // why hits were found is being read
	indexing, indexed    bool     // texts of all folders, for the search of them all
	indexNow             atomic.Int64
	early                bool // an order was made before all was read
	tidy                 int  // seconds until memory is given back; 0: there is none
	people               *compose.People
	quitting             bool

	after func(time.Duration, term.Msg) term.Cmd // delivers a message later; tests have their own time

	dirty bool
	frame string
	perf  bool
	draws int
	drawn time.Duration
}

// New makes an App.
func New(opt Options) *App {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Theme == nil {
		opt.Theme = look.NewTheme(look.Options{})
	}
	if opt.Hold == 0 {
		opt.Hold = 10 * time.Second
	}
	if opt.Folder == "" {
		opt.Folder = "INBOX"
	}
	if opt.Noted == nil {
		opt.Noted = opt.Store.Journal()
	}
	a := &App{
		opt: opt, noted: opt.Noted, tree: opt.Store.Tree(), theme: opt.Theme, jobs: newJobs(), size: term.Size{W: 80, H: 24},
		list: list.New(opt.Theme, opt.Now), reader: reader.New(opt.Theme, opt.Now),
		sidebar: folders.NewSidebar(opt.Theme), queue: queueview.New(opt.Theme, opt.Now),
		commands: commands(), people: compose.NewPeople(), few: fewRows, patience: textsMost, dirty: true,
	}
	a.keymaps, a.after = keymaps(a.commands), after
	a.shape.layout = opt.Layout
	return a
}

// Init starts what runs from the beginning.
func (a *App) Init() term.Cmd {
	return term.Batch(a.openFolder(a.opt.Folder), a.loadFolders(), a.pollQueue(), a.recallSent(), a.opt.Notices.next(a.jobs), a.tick())
}

// isMe reports whether an address is the reader's.
func (a *App) isMe(addr string) bool {
	for _, m := range a.opt.Me {
		if strings.EqualFold(m.Addr, addr) {
			return true
		}
	}
	return false
}

// Update takes a message and returns what to do outside.
func (a *App) Update(msg term.Msg) term.Cmd {
	was := a.dirty
	a.dirty = true
	switch msg := msg.(type) {
	case term.Key:
		return a.key(msg)
	case term.Size:
		a.size = msg
		return a.placed()
	case term.Resumed:
		return term.Batch(a.compare(), a.redraw())
	case arrived:
		return a.arrivedNow(msg)
	case store.Opened:
		return a.opened(msg)
	case store.Read:
		return a.headsRead(msg)
	case arranged:
		return a.arranged(msg)
	case followDue:
		if a.dirty = was; a.box == nil || int64(msg) != a.box.Serial || !a.following {
			return nil
		}
		a.following = false
		return a.arrange()
	case newsOf:
		return a.takeNews(msg)
	case newer:
		return a.newer(msg)
	case built:
		return a.built(msg)
	case learned:
		a.learnFrom(msg.heads)
		a.dirty = was
	case noticed:
		return a.noticed(msg)
	case counted:
		a.counted(msg)
	case reader.Got:
		a.reader.Put(msg)
		var then term.Cmd
		if do := a.whenRead; do != nil && a.reader.Message() != nil {
			a.whenRead = nil
			then = do()
		}
		return term.Batch(a.wants(), a.markSeen(), then)
	case previewDue:
		if int(msg) == a.previewSerial {
			return a.previewNow()
		}
		a.dirty = was
	case keyTimer:
		if msg.serial != a.keys.Serial || a.over != nil {
			a.dirty = was
			return nil
		}
		return a.keyTimer(msg)
	case ticked:
		a.dirty = was || a.sending != nil || a.screen == queueScreen
		a.sayIndexed()
		return a.ticked()
	case changed:
		return a.changed(msg)
	case undone:
		return a.undone(msg)
	case found:
		return a.found(msg)
	case queued:
		a.queued(msg)
	case failed:
		a.fail(msg.err)
	case said:
		a.say("%s", msg.text.String())
	case func(*App) term.Cmd: // a result that knows itself what to do with the App
		return msg(a)
	default:
		cmd, known := a.updateWriting(msg)
		a.dirty = was || known
		return cmd
	}
	return nil
}

// failed and said are results that are only shown.
type (
	failed struct{ err error }
	said   struct{ text safe.Text }
)

// context is the keymap in force.
func (a *App) context() where {
	switch a.screen {
	case readerScreen:
		return onReader
	case partsScreen:
		return onParts
	case queueScreen:
		return onQueue
	}
	return onList
}

type keyTimer struct {
	serial int
	popup  bool
}

// arrived is the result of a command that keys wait for.
type arrived struct {
	serial int
	msg    term.Msg
}

// wait makes keys wait for the result of c: after "r" they are the answer's text, not commands, however long it
// takes to read the message that is answered. esc and ctrl+c stop the wait.
func (a *App) wait(c term.Cmd) term.Cmd {
	if c == nil {
		return nil
	}
	a.waits++
	a.waiting = a.waits
	serial := a.waits
	return func() term.Msg { return arrived{serial, c()} }
}

func (a *App) arrivedNow(r arrived) term.Cmd {
	if r.serial != a.waiting {
		return nil // given up, or something else was asked for since
	}
	a.waiting = 0
	keys := a.held
	a.held = nil
	var cmds []term.Cmd
	if r.msg != nil {
		cmds = append(cmds, a.Update(r.msg))
	}
	for _, k := range keys {
		cmds = append(cmds, a.key(k))
	}
	return term.Batch(cmds...)
}

// key takes one key: to what lies over the screen, to the place to write, or as part of a command.
func (a *App) key(k term.Key) term.Cmd {
	if a.waiting != 0 {
		if k.Name == "esc" || k.Name == "ctrl+c" {
			a.waiting, a.held = 0, nil
			a.jobs.drop("find")
			a.finding = false
			a.say("stopped")
			return nil
		}
		a.held = append(a.held, k)
		return nil
	}
	if a.over != nil {
		return a.overKey(k)
	}
	if a.screen == composeScreen {
		return a.composeKey(k)
	}
	if a.screen == searchScreen {
		return a.searchKey(k)
	}
	if k.Name == "paste" {
		a.say("pasted %d characters into the list; nothing done", len([]rune(k.Paste)))
		return nil
	}
	r := a.keys.Feed(a.keymaps[a.context()], k.Name)
	a.which = false
	a.whenRead = nil
	return a.dispatch(r)
}

func (a *App) dispatch(r look.Result) term.Cmd {
	switch {
	case r.Command != "":
		if c := a.command(r.Command); c != nil {
			return c.do(a, call{count: r.Count})
		}
	case r.Unknown != "":
		a.say("%s means nothing here; ? shows all keys", r.Unknown)
	case r.Pending:
		serial := a.keys.Serial
		cmd := a.after(look.Popup, keyTimer{serial, true})
		if r.Timer {
			cmd = term.Batch(cmd, a.after(look.Timeout, keyTimer{serial, false}))
		}
		return cmd
	}
	return nil
}

func (a *App) keyTimer(t keyTimer) term.Cmd {
	if t.popup {
		a.which = len(a.keys.Next()) > 0
		return nil
	}
	a.which = false
	return a.dispatch(a.keys.Expire(t.serial))
}

// after delivers msg later.
func after(d time.Duration, msg term.Msg) term.Cmd {
	return func() term.Msg {
		time.Sleep(d)
		return msg
	}
}

// lookEvery is how many seconds pass between two looks at the open folder: what watches it may not hear of all, such as
// that it was deleted, or what another machine does.
const lookEvery = 3

type ticked struct{}

func (a *App) tick() term.Cmd { return a.after(time.Second, ticked{}) }

// ticked comes every second: countdowns, the queue, counts of other folders.
func (a *App) ticked() term.Cmd {
	a.limits++
	cmds := []term.Cmd{a.tick(), a.draftTick()}
	if a.tidy > 0 {
		if a.tidy--; a.tidy == 0 {
			cmds = append(cmds, a.jobs.run("tidy", giveBack))
		}
	}
	if a.sending != nil && !a.opt.Now().Before(a.sending.deadline) {
		a.say("On its way to %s   gq shows how far it came", a.sending.to)
		a.sending = nil
		cmds = append(cmds, a.pollQueue())
	}
	switch {
	case a.screen == queueScreen && a.limits%2 == 0, a.limits%15 == 0:
		cmds = append(cmds, a.pollQueue())
	case a.limits%20 == 7:
		cmds = append(cmds, a.loadFolders())
	}
	if a.limits%lookEvery == 0 {
		cmds = append(cmds, a.lookAgain())
	}
	return term.Batch(cmds...)
}

const (
	// largeFrom is from how many messages on an order is made of much memory.
	largeFrom = 100_000
	// tidyAfter is how many seconds after the last order that is given back.
	tidyAfter = 4
)

// giveBack returns memory to the system. An idle program collects its garbage every other minute only, and that of an
// order of a million messages is ten times what the program needs.
func giveBack(context.Context) term.Msg {
	debug.FreeOSMemory()
	return nil
}

func (a *App) redraw() term.Cmd { return func() term.Msg { return term.Redraw{} } }

// quit ends the program once the changes under way are made; asked again, at once.
func (a *App) quit() term.Cmd {
	if a.quitting {
		return func() term.Msg { return term.Quit{} }
	}
	a.quitting = true
	a.say("finishing ...   once more quits at once")
	return a.jobs.change(func() term.Msg { return term.Quit{} })
}

// Close stops background work.
func (a *App) Close() {
	a.jobs.stop()
	if a.box != nil {
		_ = a.box.Mail().Close() // its files' names follow its index whenever somebody opens it
		a.box = nil
	}
}

// lend gives the terminal to another program.
func lend(cmd *exec.Cmd, done func(error) term.Msg) term.Cmd {
	return func() term.Msg { return term.Exec{Command: cmd, Done: done} }
}
