package tui

import (
	"strings"

	"pneu/maildir/index"
	"pneu/tui/look"
	"pneu/tui/term"
)

// where says on which screens a command is available.
type where uint8

const (
	onList where = 1 << iota
	onReader
	onParts
	onQueue
	onMail = onList | onReader
	onAll  = onList | onReader | onParts | onQueue
)

// A call is a command being carried out.
type call struct {
	count int
	arg   string
}

// n is the count, or 1.
func (c call) n() int { return max(1, c.count) }

// A command is something the program does: its name for the command line, its keys, where, and what it does.
type command struct {
	name  string
	keys  []string
	where where
	help  string
	do    func(*App, call) term.Cmd
}

// commands is the table of all commands. Keys that mean different things on different screens are different rows.
func commands() []command {
	k := func(keys ...string) []string { return keys }
	return []command{
		{"down", k("j", "down"), onAll, "next line or row", func(a *App, c call) term.Cmd { return a.move(c.n()) }},
		{"up", k("k", "up"), onAll, "previous line or row", func(a *App, c call) term.Cmd { return a.move(-c.n()) }},
		{"page down", k("pgdown", "ctrl+f"), onAll, "next screen", func(a *App, c call) term.Cmd { return a.page(c.n()) }},
		{"page up", k("pgup", "ctrl+b"), onAll, "previous screen", func(a *App, c call) term.Cmd { return a.page(-c.n()) }},
		{"half down", k("ctrl+d"), onAll, "half a screen down", func(a *App, c call) term.Cmd { return a.half(c.n()) }},
		{"half up", k("ctrl+u"), onAll, "half a screen up", func(a *App, c call) term.Cmd { return a.half(-c.n()) }},
		{"first", k("g g", "home", "="), onAll, "first", func(a *App, c call) term.Cmd { return a.goTo(c.count, 0) }},
		{"last", k("G", "end"), onAll, "last; 5G: number five", func(a *App, c call) term.Cmd { return a.goTo(c.count, -1) }},
		{"read on", k("space"), onReader, "next screen or message", func(a *App, c call) term.Cmd { return a.readOn() }},
		{"read back", k("-"), onReader, "previous screen", func(a *App, c call) term.Cmd { return a.page(-1) }},
		{"open", k("enter", "l", "right"), onList, "read the conversation", func(a *App, c call) term.Cmd { return a.openCurrent() }},
		{"back", k("q", "h", "left", "esc"), onReader, "back to the list", func(a *App, c call) term.Cmd { return a.back() }},
		{"next message", k("J"), onMail, "next message", func(a *App, c call) term.Cmd { return a.nextMessage(c.n()) }},
		{"previous message", k("K"), onMail, "previous message", func(a *App, c call) term.Cmd { return a.nextMessage(-c.n()) }},
		{"next unread", k("tab"), onMail, "next unread, anywhere", func(a *App, c call) term.Cmd { return a.nextUnread() }},

		{"archive", k("a"), onMail, "move to Archive", func(a *App, c call) term.Cmd { return a.moveTo(a.special("Archive"), "Archived") }},
		{"trash", k("d", "delete"), onMail, "move to Trash", func(a *App, c call) term.Cmd { return a.trash() }},
		{"junk", k("!"), onMail, "move to Junk", func(a *App, c call) term.Cmd { return a.moveTo(a.special("Junk"), "Moved") }},
		{"move", k("s"), onMail, "move to a folder", func(a *App, c call) term.Cmd { return a.moveOrCopy(c.arg, false) }},
		{"copy", k("C"), onMail, "copy to a folder", func(a *App, c call) term.Cmd { return a.moveOrCopy(c.arg, true) }},
		{"flag", k("F"), onMail, "flag, or unflag", func(a *App, c call) term.Cmd { return a.toggleFlag(index.Flagged) }},
		{"unread", k("N"), onMail, "mark unread, or read", func(a *App, c call) term.Cmd { return a.toggleFlag(index.Seen) }},
		{"keywords", k("+"), onMail, "set or remove keywords", func(a *App, c call) term.Cmd { return a.keywords(c.arg) }},
		{"purge", nil, onMail, "delete for good", func(a *App, c call) term.Cmd { return a.purge() }},
		{"undo", k("u"), onAll, "take back; also a send", func(a *App, c call) term.Cmd { return a.undo(c.n()) }},
		{"redo", k("ctrl+r"), onAll, "do again", func(a *App, c call) term.Cmd { return a.redo(c.n()) }},

		{"select", k("t", "x"), onList, "select, or not", func(a *App, c call) term.Cmd { return a.selectRow(c.n()) }},
		{"select range", k("V"), onList, "begin or end a range", func(a *App, c call) term.Cmd { return a.selectRange() }},
		{"select matching", k("T"), onList, "select by a query", func(a *App, c call) term.Cmd { return a.selectMatching(c.arg) }},
		{"select none", k("ctrl+t"), onList, "select nothing", func(a *App, c call) term.Cmd { a.list.Clear(); return nil }},
		{"clear", k("esc"), onList, "drop selection, limit", func(a *App, c call) term.Cmd { return a.escape() }},
		{"limit", k("\\", "alt+l"), onMail, "show only matches", func(a *App, c call) term.Cmd { return a.limitPrompt(c.arg) }},
		{"search", k("/"), onMail, "go to a match", func(a *App, c call) term.Cmd { return a.searchPrompt(c.arg) }},
		{"search all", k("g /"), onAll, "search all folders", func(a *App, c call) term.Cmd { return a.openSearch(c.arg) }},
		{"find next", k("n"), onMail, "next match", func(a *App, c call) term.Cmd { return a.findNext(1) }},
		{"find previous", k("alt+n"), onMail, "previous match", func(a *App, c call) term.Cmd { return a.findNext(-1) }},
		{"sort", k("O"), onList, "turn round; :sort size", func(a *App, c call) term.Cmd { return a.sort(c.arg) }},
		{"threads", k("alt+t"), onList, "threads or messages", func(a *App, c call) term.Cmd { return a.toggleThreads() }},

		{"fold toggle", k("z a"), onMail, "fold or unfold", func(a *App, c call) term.Cmd { return a.fold(2) }},
		{"fold open", k("z o"), onMail, "unfold", func(a *App, c call) term.Cmd { return a.fold(1) }},
		{"fold close", k("z c"), onMail, "fold", func(a *App, c call) term.Cmd { return a.fold(0) }},
		{"fold all", k("z M"), onMail, "fold everything", func(a *App, c call) term.Cmd { return a.foldAll(false) }},
		{"unfold all", k("z R"), onMail, "unfold everything", func(a *App, c call) term.Cmd { return a.foldAll(true) }},
		{"read all", k("z z"), onReader, "open gathered messages", func(a *App, c call) term.Cmd { a.reader.Flip(); return a.wants() }},
		{"quotes", k("z q"), onMail, "show or fold quotes", func(a *App, c call) term.Cmd { return a.show(showQuotes) }},
		{"hidden", k("z h"), onMail, "show what HTML hides", func(a *App, c call) term.Cmd { return a.show(showHidden) }},
		{"plain", k("z p"), onMail, "plain text or HTML", func(a *App, c call) term.Cmd { return a.show(showOther) }},
		{"headers", k("H"), onMail, "the whole header", func(a *App, c call) term.Cmd { return a.show(showHeaders) }},
		{"links", k("o"), onMail, "links; 2o opens two", func(a *App, c call) term.Cmd { return a.links(c.count) }},
		{"parts", k("v"), onMail, "parts and attachments", func(a *App, c call) term.Cmd { return a.openParts() }},
		{"save", nil, onMail, "save as a file", func(a *App, c call) term.Cmd { return a.saveMessage(c.arg) }},
		{"pipe", k("|"), onMail, "give to a command", func(a *App, c call) term.Cmd { return a.pipe(c.arg) }},

		{"compose", k("m"), onAll, "write a message", func(a *App, c call) term.Cmd { return a.composeNew(c.arg) }},
		{"reply", k("r"), onMail, "reply to the sender", func(a *App, c call) term.Cmd { return a.reply(replyOne) }},
		{"reply all", k("R"), onMail, "reply to all", func(a *App, c call) term.Cmd { return a.reply(replyAll) }},
		{"reply list", k("L"), onMail, "reply to the list", func(a *App, c call) term.Cmd { return a.reply(replyList) }},
		{"forward", k("f"), onMail, "forward", func(a *App, c call) term.Cmd { return a.reply(forward) }},
		{"edit as new", k("alt+e"), onMail, "write new from this", func(a *App, c call) term.Cmd { return a.reply(asNew) }},

		{"folder", k("c"), onAll, "open a folder", func(a *App, c call) term.Cmd { return a.pickFolder(c.arg) }},
		{"go inbox", k("g i"), onAll, "open INBOX", func(a *App, c call) term.Cmd { return a.openFolder("INBOX") }},
		{"go sent", k("g s"), onAll, "open Sent", func(a *App, c call) term.Cmd { return a.openFolder(a.special("Sent")) }},
		{"go drafts", k("g d"), onAll, "open Drafts", func(a *App, c call) term.Cmd { return a.openFolder(a.special("Drafts")) }},
		{"go archive", k("g a"), onAll, "open Archive", func(a *App, c call) term.Cmd { return a.openFolder(a.special("Archive")) }},
		{"go junk", k("g j"), onAll, "open Junk", func(a *App, c call) term.Cmd { return a.openFolder(a.special("Junk")) }},
		{"go trash", k("g t"), onAll, "open Trash", func(a *App, c call) term.Cmd { return a.openFolder(a.special("Trash")) }},
		{"queue", k("g q"), onAll, "mail on its way out", func(a *App, c call) term.Cmd { return a.openQueue() }},
		{"log", k("g L"), onAll, "errors so far", func(a *App, c call) term.Cmd { return a.showLog() }},
		{"reload", nil, onAll, "read the folder again", func(a *App, c call) term.Cmd { return a.reload() }},

		{"queue try", k("t"), onQueue, "try now", func(a *App, c call) term.Cmd { return a.queueDo("try") }},
		{"queue hold", k("H"), onQueue, "hold, or release", func(a *App, c call) term.Cmd { return a.queueDo("hold") }},
		{"queue remove", k("x"), onQueue, "cancel", func(a *App, c call) term.Cmd { return a.queueDo("remove") }},
		{"queue back", k("q", "h", "left", "esc"), onQueue, "back", func(a *App, c call) term.Cmd { return a.back() }},

		{"part view", k("enter", "l", "right"), onParts, "show the part", func(a *App, c call) term.Cmd { return a.partView() }},
		{"part save", k("s"), onParts, "save the part", func(a *App, c call) term.Cmd { return a.partSave(c.arg, false) }},
		{"part save all", k("S"), onParts, "save all attachments", func(a *App, c call) term.Cmd { return a.partSave(c.arg, true) }},
		{"part pipe", k("|"), onParts, "give to a command", func(a *App, c call) term.Cmd { return a.partPipe(c.arg) }},
		{"parts back", k("q", "h", "left", "esc"), onParts, "back", func(a *App, c call) term.Cmd { return a.back() }},

		{"command", k(":", "ctrl+p"), onAll, "commands by name", func(a *App, c call) term.Cmd { return a.openPalette() }},
		{"help", k("?"), onAll, "all keys", func(a *App, c call) term.Cmd { return a.openHelp() }},
		{"layout", k("ctrl+w"), onMail, "list alone, or both", func(a *App, c call) term.Cmd { return a.turnLayout() }},
		{"list larger", k(">"), onMail, "larger list", func(a *App, c call) term.Cmd { return a.resize(c.n()) }},
		{"list smaller", k("<"), onMail, "smaller list", func(a *App, c call) term.Cmd { return a.resize(-c.n()) }},
		{"perf", nil, onAll, "what drawing costs", func(a *App, c call) term.Cmd { a.perf = !a.perf; return nil }},
		{"redraw", k("ctrl+l"), onAll, "draw the screen again", func(a *App, c call) term.Cmd { return a.redraw() }},
		{"suspend", k("ctrl+z"), onAll, "stop; fg goes on", func(a *App, c call) term.Cmd { return func() term.Msg { return term.Suspend{} } }},
		{"quit", k("q"), onList, "quit", func(a *App, c call) term.Cmd { return a.quit() }},
		{"quit now", k("ctrl+c"), onAll, "quit", func(a *App, c call) term.Cmd { return a.quit() }},
	}
}

// keymaps makes the keymap of each screen.
func keymaps(cmds []command) map[where]*look.Keymap {
	out := map[where]*look.Keymap{}
	for _, w := range []where{onList, onReader, onParts, onQueue} {
		var b []look.Binding
		for i := range cmds {
			if cmds[i].where&w == 0 {
				continue
			}
			for _, k := range cmds[i].keys {
				b = append(b, look.Binding{Keys: k, Command: cmds[i].name})
			}
		}
		out[w] = look.NewKeymap(b)
	}
	return out
}

// keyText writes a command's first key as it is typed.
func keyText(c *command) string {
	if len(c.keys) == 0 {
		return ""
	}
	return strings.ReplaceAll(c.keys[0], " ", "")
}

func (a *App) command(name string) *command {
	for i := range a.commands {
		if a.commands[i].name == name {
			return &a.commands[i]
		}
	}
	return nil
}
