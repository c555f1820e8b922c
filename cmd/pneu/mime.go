package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"mime/quotedprintable"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir/compose"
	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/mta/sysexits"
)

func mimeVerb() *cli.Command {
	return &cli.Command{
		Name: "mime", Usage: "make a MIME message of its text form, or check messages", ArgsUsage: "[FILE...]",
		Flags: writeFlags(
			&cli.BoolFlag{Name: "edit", Aliases: []string{"e"}, Usage: "open the text form in $VISUAL or $EDITOR first"},
			&cli.BoolFlag{Name: "raw", Aliases: []string{"r"}, Usage: "all of the body is text: lines with # make no parts"},
			&cli.BoolFlag{Name: "check", Usage: "make nothing: print what is wrong with messages"},
		),
		Action: verb(func(t *tool) error {
			if t.c.Bool("check") {
				return check(t)
			}
			return write(t, "mime", (*writing).mime)
		}),
	}
}

// mime makes a message of each file, or of standard input, that holds the text form:
//
//	To: Zoë <zoe@example.org>
//	Subject: The plan
//
//	Text, and then a file:
//	#application/pdf plan.pdf>Plan.pdf
//	#multipart/alternative
//	In plain words.
//	#text/html
//	<p>In <b>HTML</b>.</p>
//	#end
func (w *writing) mime() error {
	files := w.t.c.Args().Slice()
	if len(files) == 0 {
		if file, ok := w.t.in.(*os.File); ok && !w.t.c.Bool("edit") {
			if st, err := file.Stat(); err != nil || st.Mode()&os.ModeCharDevice != 0 {
				return boot.Usage("no text: name files, or pipe it in")
			}
		}
		return w.mimeFrom("standard input", w.t.in)
	}
	w.t.asked = true
	for _, name := range files {
		var err error
		if name == "-" {
			err = w.mimeFrom("standard input", w.t.in)
		} else {
			var file *os.File
			if file, err = os.Open(name); err == nil {
				err = w.mimeFrom(name, file)
				file.Close()
			}
		}
		if err := w.one(&msg{path: name}, err); err != nil {
			return err
		}
	}
	return nil
}

func (w *writing) mimeFrom(name string, r io.Reader) error {
	var text []byte
	if file, ok := r.(*os.File); !ok || !isTerminal(file) {
		var err error
		if text, err = io.ReadAll(io.LimitReader(w.t.reading(r), maxBody+1)); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if len(text) > maxBody {
			return sysexits.New(sysexits.Data, name+": longer than 16 MB: name files in it")
		}
	}
	if w.t.c.Bool("edit") {
		if len(bytes.TrimSpace(text)) == 0 {
			var d compose.Draft
			if err := w.fill(&d); err != nil {
				return err
			}
			text = d.Text()
		}
		path, after, err := w.t.edit("pneu-*.eml", text)
		if err != nil {
			return err
		}
		text = after
		defer os.Remove(path)
	}
	d, errs := compose.ParseText(text)
	if len(errs) > 0 {
		return sysexits.New(sysexits.Data, name+": "+errs[0].Error())
	}
	if err := w.fill(&d); err != nil {
		return err
	}
	root, err := parseParts(d.Body, w.t.c.Bool("raw"))
	if errors.Is(err, fs.ErrNotExist) {
		return sysexits.Wrap(sysexits.NoInput, fmt.Errorf("%s: %w", name, err))
	} else if err != nil {
		return sysexits.Wrap(sysexits.Data, fmt.Errorf("%s: %w", name, err))
	}
	for _, a := range d.Attachments { // "Attach:" lines work here as in every draft
		p, err := filePart("", a.Path, a.Name)
		if err != nil {
			return err
		}
		if a.Type != "" {
			p.typ = a.Type
		}
		root.kids = append(root.kids, p)
	}
	d.Attachments = nil
	if !w.t.c.Bool("send") {
		raw, err := root.message(w, d, true)
		if err != nil {
			return err
		}
		return w.keep(raw, origin{})
	}
	rcpts := d.Recipients()
	if len(rcpts) == 0 {
		return sysexits.New(sysexits.Data, name+": nobody to send it to")
	}
	kept, err := root.message(w, d, true)
	if err != nil {
		return err
	}
	head, rest := splitHeader(kept)
	var sent []byte
	for _, f := range splitFields(head) {
		if !bytes.HasPrefix(f, []byte("Bcc:")) {
			sent = append(sent, f...)
		}
	}
	return w.submit(append(sent, rest...), kept, d.From.Addr, rcpts, origin{})
}

// A piece is a part of a message to be made.
type piece struct {
	typ  string
	disp string // attachment, inline, or empty
	name string
	data []byte
	kids []*piece // of a multipart
}

// partLine is a line of the text form that makes a part:
//
//	#type/subtype[#disposition] [path[>name]]
var partLine = regexp.MustCompile(`^#([A-Za-z]+/[A-Za-z0-9.+_-]+)(?:#([A-Za-z]+))?(?:[ \t]+(.*\S))?[ \t]*$`)

// maxNesting of multiparts; nobody writes more.
const maxNesting = 20

// parseParts makes the parts of a body. A line that begins with two # begins with one, and is text.
func parseParts(body string, raw bool) (*piece, error) {
	root := &piece{typ: "multipart/mixed"}
	open := []*piece{root}
	var text strings.Builder
	typ := "text/plain"
	flush := func(force bool) {
		s := text.String()
		text.Reset()
		if strings.TrimSpace(s) == "" && !force {
			return
		}
		in := open[len(open)-1]
		in.kids = append(in.kids, &piece{typ: typ, data: []byte(s)})
	}
	forced := false
	n := 0
	for line := range strings.Lines(body) {
		n++
		bare := strings.TrimRight(line, "\n")
		m := partLine.FindStringSubmatch(bare)
		switch {
		case raw:
			text.WriteString(line)
			continue
		case strings.HasPrefix(bare, "##"):
			text.WriteString(line[1:])
			continue
		case bare == "#end":
			if len(open) == 1 {
				return nil, fmt.Errorf("line %d of the body: #end without a multipart", n)
			}
			flush(forced)
			in := open[len(open)-1]
			open = open[:len(open)-1]
			if len(in.kids) == 0 {
				return nil, fmt.Errorf("line %d of the body: the multipart has no parts", n)
			}
			typ, forced = "text/plain", false
			continue
		case m == nil:
			text.WriteString(line)
			continue
		}
		flush(forced)
		typ, forced = "text/plain", false
		kind, disp, path := strings.ToLower(m[1]), strings.ToLower(m[2]), m[3]
		in := open[len(open)-1]
		switch {
		case strings.HasPrefix(kind, "multipart/") && path == "":
			if len(open) > maxNesting {
				return nil, fmt.Errorf("line %d of the body: nested more than %d deep", n, maxNesting)
			}
			p := &piece{typ: kind}
			in.kids = append(in.kids, p)
			open = append(open, p)
		case path == "" && strings.HasPrefix(kind, "text/"):
			typ, forced = kind, true
		case path == "" || strings.HasPrefix(kind, "multipart/"):
			return nil, fmt.Errorf("line %d of the body: #%s wants a file", n, kind)
		default:
			file, name, _ := strings.Cut(path, ">")
			p, err := filePart(kind, strings.TrimSpace(file), strings.TrimSpace(name))
			if err != nil {
				return nil, fmt.Errorf("line %d of the body: %w", n, err)
			}
			if disp != "" {
				p.disp = disp
			}
			in.kids = append(in.kids, p)
		}
	}
	if len(open) > 1 {
		return nil, fmt.Errorf("%s is not ended: write #end", open[len(open)-1].typ)
	}
	flush(forced || len(root.kids) == 0)
	return root, nil
}

// filePart reads a file; without a type, its name tells that.
func filePart(typ, path, name string) (*piece, error) {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := homeDir(); err == nil {
			path = filepath.Join(home, rest)
		}
	}
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxForward {
		return nil, sysexits.New(sysexits.NoInput, path+": no plain file of less than 64 MB")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = filepath.Base(path)
	}
	if typ == "" {
		if typ, _, _ = mime.ParseMediaType(mime.TypeByExtension(strings.ToLower(filepath.Ext(name)))); typ == "" {
			typ = "application/octet-stream"
		}
	}
	return &piece{typ: typ, disp: "attachment", name: safe.Filename(name), data: b}, nil
}

// message writes header and parts. A single text needs no multipart around it, nor does a
// multipart that is all there is.
func (p *piece) message(w *writing, d compose.Draft, bcc bool) ([]byte, error) {
	d.Body = ""
	var form, out bytes.Buffer
	write := d.Write
	if bcc {
		write = d.WriteDraft
	}
	if err := write(&form, w.now, ""); err != nil {
		return nil, sysexits.Wrap(sysexits.Data, err)
	}
	head, _ := splitHeader(form.Bytes())
	for _, f := range splitFields(head) {
		if name := strings.ToLower(string(f[:min(8, len(f))])); !strings.HasPrefix(name, "content-") {
			out.Write(f)
		}
	}
	top := p
	if len(p.kids) == 1 && (p.kids[0].disp == "" || strings.HasPrefix(p.kids[0].typ, "multipart/")) {
		top = p.kids[0]
	}
	top.write(&out)
	return out.Bytes(), nil
}

// write writes a part with its header, in LF line ends.
func (p *piece) write(b *bytes.Buffer) {
	if strings.HasPrefix(p.typ, "multipart/") {
		boundary := "=_" + rand.Text()
		fmt.Fprintf(b, "Content-Type: %s; boundary=\"%s\"\n", p.typ, boundary)
		for _, k := range p.kids {
			fmt.Fprintf(b, "\n--%s\n", boundary)
			k.write(b)
		}
		fmt.Fprintf(b, "\n--%s--\n", boundary)
		return
	}
	params := map[string]string{}
	encoding := "base64"
	switch {
	case strings.HasPrefix(p.typ, "message/"): // RFC 2046, 5.2.1: never encoded again
		encoding = "7bit"
		if !plain7(p.data, 0) {
			encoding = "8bit"
		}
		p.data = bytes.ReplaceAll(p.data, []byte("\r\n"), []byte("\n"))
	case strings.HasPrefix(p.typ, "text/") && bytes.IndexByte(p.data, 0) < 0:
		p.data = bytes.ReplaceAll(p.data, []byte("\r\n"), []byte("\n"))
		params["charset"], encoding = "us-ascii", "7bit"
		if !plain7(p.data, 998) {
			params["charset"], encoding = "utf-8", "quoted-printable"
		}
	}
	field := func(name, value string, params map[string]string) {
		s := mime.FormatMediaType(value, params)
		if s == "" {
			s = value
		}
		fmt.Fprintf(b, "%s: %s\n", name, s)
	}
	field("Content-Type", p.typ, params)
	if p.disp != "" {
		field("Content-Disposition", p.disp, map[string]string{"filename": p.name})
	}
	fmt.Fprintf(b, "Content-Transfer-Encoding: %s\n\n", encoding)
	switch encoding {
	case "base64":
		s := base64.StdEncoding.EncodeToString(p.data)
		for len(s) > 76 {
			b.WriteString(s[:76] + "\n")
			s = s[76:]
		}
		b.WriteString(s + "\n")
	case "quoted-printable":
		var q bytes.Buffer
		e := quotedprintable.NewWriter(&q)
		e.Write(p.data)
		e.Close()
		b.Write(bytes.ReplaceAll(q.Bytes(), []byte("\r\n"), []byte("\n")))
	default:
		b.Write(p.data)
	}
}

// plain7 reports whether nothing has to be encoded: ASCII, without odd controls, in lines
// of at most limit octets if that is given.
func plain7(data []byte, limit int) bool {
	for line := range bytes.Lines(data) {
		if limit > 0 && len(line) > limit {
			return false
		}
		for _, c := range line {
			if c >= 0x7f || c == '\r' || c == 0 {
				return false
			}
		}
	}
	return true
}

// check prints what is wrong with messages by RFC 5322 and 2045: what our parser stumbled over,
// and what others may.
func check(t *tool) error {
	bad := 0
	err := t.each(t.c.Args().Slice(), current, func(m *msg) error {
		p, err := m.load()
		if err != nil {
			t.fail(m.path, err)
			return nil
		}
		t.printed++ // that nothing is wrong is an answer
		defects := lint(p)
		if len(defects) > 0 {
			bad++
		}
		if t.form == formJSON {
			type defect struct {
				Part int    `json:"part"`
				What string `json:"what"`
			}
			list := []defect{}
			for _, d := range defects {
				list = append(list, defect{d.Part, d.What})
			}
			b, err := encode(struct {
				V       int      `json:"v"`
				Path    string   `json:"path"`
				Defects []defect `json:"defects"`
			}{1, m.path, list})
			if err != nil {
				return err
			}
			t.out.Write(b)
			return t.wrote()
		}
		for _, d := range defects {
			fmt.Fprintf(t.out, "%s: part %d: %s\n", safe.Path(m.path), d.Part, safe.Line(d.What))
		}
		return nil
	})
	if err == nil && bad > 0 {
		t.out.Flush()
		return boot.Exit(sysexits.Data)
	}
	return err
}

// lint adds to the parser's own defects what it had no reason to mind.
func lint(p *message.Message) []message.Defect {
	out := append([]message.Defect{}, p.Defects...)
	add := func(part int, format string, args ...any) {
		out = append(out, message.Defect{Part: part, What: fmt.Sprintf(format, args...)})
	}
	h := p.Header(0)
	for _, f := range []string{"From", "Date"} { // RFC 5322, 3.6: these two must be there
		if !h.Has(f) {
			add(0, "no %s", f)
		}
	}
	for _, f := range []string{"From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References"} {
		if n := len(h.Values(f)); n > 1 {
			add(0, "%d fields %s; one is allowed", n, f)
		}
	}
	if d := h.Get("Date"); d != "" {
		if _, ok := h.Date(); !ok {
			add(0, "the date cannot be read: %s", oneLine(d))
		}
	}
	long, bareCR, nul := 0, 0, 0
	for line := range bytes.Lines(p.Raw) {
		s := bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		if len(s) > 998 { // RFC 5322, 2.1.1
			long++
		}
		bareCR += bytes.Count(s, []byte("\r"))
		nul += bytes.Count(s, []byte{0})
	}
	for _, c := range []struct {
		n    int
		what string
	}{{long, "lines longer than 998 octets: %d"}, {bareCR, "CRs without LF: %d"}, {nul, "NUL octets: %d"}} {
		if c.n > 0 {
			add(0, c.what, c.n)
		}
	}
	for i := range p.Parts {
		part := &p.Parts[i]
		if high(p.Raw[part.HeaderStart:part.BodyStart]) {
			add(i, "8-bit octets in the header, which not every server takes")
		}
		if part.NumChildren > 0 {
			continue
		}
		body := p.Raw[part.BodyStart:part.BodyEnd]
		switch part.Encoding {
		case "", "7bit":
			if high(body) {
				add(i, "8-bit octets in a body declared as 7bit")
			}
		case "8bit", "binary", "quoted-printable":
		case "base64":
			if _, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(body)), "")); err != nil {
				add(i, "damaged base64: %v", err)
			}
		default:
			add(i, "unknown transfer encoding %s", part.Encoding)
		}
	}
	return out
}

func high(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return true
		}
	}
	return false
}
