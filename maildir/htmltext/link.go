package htmltext

import (
	"net/url"
	"strconv"
	"strings"

	"pneu/maildir/safe/who"
)

// anchor sets the text of a link and the number it has in Result.Links.
func (l *layout) anchor(i int32) {
	n := &l.nodes[i]
	target := cleanURL(n.get("href"))
	if target == "" || l.link != nil {
		l.children(i)
		return
	}
	button := looksLikeButton(n)
	if button {
		l.block(0)
	}
	l.link = &strings.Builder{}
	from, para, shown := len(l.lines), len(l.para), l.doc.shown
	l.children(i)
	text := strings.Join(strings.Fields(l.link.String()), " ")
	l.link = nil

	link := Link{Text: clean(text), URL: target}
	link.URL, link.Via = unwrap(target)
	host := who.Registrable(hostOf(link.URL))
	if text == "" { // nothing but a picture without words
		if link.Text = host; host == "" || l.doc.shown == shown {
			return
		}
		l.text("(" + host + ")")
		text = host
	} else {
		link.Mismatch = mismatch(text, host)
	}
	num, known := l.doc.seen[target+" "+link.Mismatch]
	if !known {
		l.doc.links = append(l.doc.links, link)
		num = len(l.doc.links)
		l.doc.seen[target+" "+link.Mismatch] = num
	}
	ref := ""
	switch {
	case link.Mismatch != "":
		ref = "[" + strconv.Itoa(num) + "\u00a0\u2192\u00a0" + link.Mismatch + "]"
	case !says(text, link.URL):
		ref = "[" + strconv.Itoa(num) + "]"
	}
	if ref != "" {
		l.reference(ref, from, para)
	}
	if button {
		l.block(0)
	}
}

// reference sets a link's number behind its text, which may have been set already
// if it held blocks.
func (l *layout) reference(ref string, from, para int) {
	spaced := false
	for len(l.para) > 0 && (l.para[len(l.para)-1] == ' ' || l.para[len(l.para)-1] == '\n') && len(l.para) > para {
		l.para = l.para[:len(l.para)-1]
		spaced = true
	}
	if k := len(l.lines) - 1; len(l.para) == 0 && k >= from && len(l.lines[k])+len(ref) < l.width {
		l.lines[k] += " " + strings.ReplaceAll(ref, "\u00a0", " ")
		return
	}
	if len(l.para) > 0 {
		l.para = append(l.para, '\u00a0')
	}
	l.para = append(l.para, []rune(ref)...)
	if spaced {
		l.para = append(l.para, ' ')
	}
}

// looksLikeButton reports whether a link is drawn as a box of its own.
func looksLikeButton(n *node) bool {
	c := strings.ToLower(n.get("class"))
	if strings.Contains(c, "button") || hasWord(c, "btn") || strings.Contains(c, "btn-") {
		return true
	}
	d := n.styleOf("display")
	if d == "block" {
		return true
	}
	return d == "inline-block" && (n.styleOf("background") != "" || n.styleOf("background-color") != "" ||
		n.styleOf("border") != "" || n.styleOf("padding") != "")
}

// cleanURL returns a target a person may be led to, or "": http, https and mailto.
func cleanURL(s string) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f && r <= 0xa0 || dropped(r) || r == 0x2028 || r == 0x2029 || r == 0xfffd {
			return -1
		}
		return r
	}, s)
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || rest == "" {
		return ""
	}
	switch strings.ToLower(scheme) {
	case "http", "https":
		if !strings.HasPrefix(rest, "//") || len(rest) < 3 {
			return ""
		}
	case "mailto":
	default:
		return ""
	}
	return strings.ToLower(scheme) + ":" + rest
}

func hostOf(target string) string {
	if rest, ok := strings.CutPrefix(target, "mailto:"); ok {
		rest, _, _ = strings.Cut(rest, "?")
		return strings.ToLower(rest[strings.LastIndexByte(rest, '@')+1:])
	}
	_, rest, _ := strings.Cut(target, "//")
	if i := strings.IndexAny(rest, "/?#\\"); i >= 0 {
		rest = rest[:i]
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:] // what stands before is no host
	if i := strings.LastIndexByte(rest, ':'); i >= 0 && !strings.HasSuffix(rest, "]") {
		rest = rest[:i]
	}
	return strings.ToLower(strings.TrimSuffix(rest, "."))
}

// mismatch returns the domain a link leads to if its text names another one.
func mismatch(text, domain string) string {
	if domain == "" {
		return ""
	}
	if len(text) > 1024 {
		text = text[:1024]
	}
	for _, w := range strings.Fields(text) {
		if d := who.Named(w); d != "" && d != domain {
			return domain
		}
	}
	return ""
}

// says reports whether the text of a link is its target, so that a number adds nothing.
func says(text, target string) bool {
	bare := func(s string) string {
		s = strings.ToLower(s)
		for _, p := range []string{"mailto:", "https://", "http://", "www."} {
			s = strings.TrimPrefix(s, p)
		}
		return strings.TrimSuffix(s, "/")
	}
	return bare(text) == bare(target)
}

// unwrap returns the target a well known redirector leads to, and the redirector's
// host; others are left as they are, since a parameter may mean anything.
func unwrap(target string) (string, string) {
	if !strings.HasPrefix(target, "http") || len(target) > 8192 {
		return target, ""
	}
	u, err := url.Parse(target)
	if err != nil {
		return target, ""
	}
	h := strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
	var params []string
	switch {
	case (h == "google.com" || strings.HasPrefix(h, "google.")) && u.Path == "/url":
		params = []string{"q", "url"}
	case strings.HasSuffix(h, ".safelinks.protection.outlook.com"):
		params = []string{"url"}
	case h == "l.facebook.com" || h == "lm.facebook.com" || h == "l.instagram.com":
		params = []string{"u"}
	case h == "linkedin.com" && strings.HasPrefix(u.Path, "/redir"), h == "out.reddit.com",
		h == "slack-redir.net", h == "deref-mail.com", h == "deref-gmx.net":
		params = []string{"url", "redirectUrl"}
	case h == "youtube.com" && u.Path == "/redirect":
		params = []string{"q"}
	case h == "urldefense.proofpoint.com" && strings.HasPrefix(u.Path, "/v2/"):
		v := strings.NewReplacer("-", "%", "_", "/").Replace(u.Query().Get("u"))
		if t, err := url.QueryUnescape(v); err == nil {
			if t = cleanURL(t); t != "" {
				return t, h
			}
		}
		return target, ""
	case h == "urldefense.com" && strings.HasPrefix(u.Path, "/v3/__"):
		_, rest, _ := strings.Cut(target, "/v3/__")
		if t, _, ok := strings.Cut(rest, "__;"); ok {
			// The asterisks stand for characters encoded behind; without one it is whole.
			if t = cleanURL(t); t != "" && !strings.Contains(t, "*") {
				return t, h
			}
		}
		return target, ""
	default:
		return target, ""
	}
	q := u.Query()
	for _, p := range params {
		if t := cleanURL(q.Get(p)); t != "" {
			return t, h
		}
	}
	return target, ""
}
