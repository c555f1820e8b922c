package reader

import (
	"strings"

	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/tui/look"
)

// Endings that a system may run when opened.
var runnable = map[string]bool{
	"exe": true, "scr": true, "com": true, "bat": true, "cmd": true, "pif": true, "js": true, "jse": true,
	"vbs": true, "vbe": true, "wsf": true, "hta": true, "msi": true, "jar": true, "lnk": true, "ps1": true,
	"reg": true, "cpl": true, "sh": true, "desktop": true, "iso": true, "img": true, "docm": true, "xlsm": true,
}

// PartName returns what a part is called, and what is wrong with the name, if something is.
func PartName(p message.Part) (name, danger safe.Text) {
	if p.Filename == "" {
		switch {
		case p.Type == "message":
			return look.T("message"), safe.Text{}
		case p.Type == "text":
			return look.T("text"), safe.Text{}
		}
		return look.T("unnamed"), safe.Text{}
	}
	name = look.T(p.Filename)
	lower := strings.ToLower(safe.Filename(p.Filename))
	dots := strings.Split(lower, ".")
	ext := dots[len(dots)-1]
	switch {
	case strings.ContainsAny(p.Filename, "\u202e\u202d\u2066\u2067\u2068"):
		return name, look.Tf("turned round: really .%s", ext)
	case len(dots) > 2 && runnable[ext] && len(dots[len(dots)-2]) <= 4:
		return name, look.Tf("two endings: really .%s", ext)
	case len(dots) > 1 && runnable[ext]:
		return name, look.Tf("a program: .%s", ext)
	}
	return name, safe.Text{}
}
