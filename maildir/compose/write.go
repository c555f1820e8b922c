package compose

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	gomessage "github.com/emersion/go-message"

	"pneu/maildir/address"
	"pneu/maildir/message"
	"pneu/maildir/message/word"
	"pneu/maildir/safe"
)

// Write writes the message with LF line ends. Bcc is left out: its recipients are in the
// envelope (Recipients). An empty msgid makes one; it is given without brackets.
func (d Draft) Write(w io.Writer, now time.Time, msgid string) error {
	d.Bcc = nil
	return d.WriteDraft(w, now, msgid)
}

// WriteDraft writes the message as it is kept in a Drafts folder: with Bcc.
func (d Draft) WriteDraft(w io.Writer, now time.Time, msgid string) error {
	if msgid == "" {
		msgid = NewID(now, d.From.Addr)
	}
	bw := bufio.NewWriter(&lf{w: w})
	var h gomessage.Header
	var body string
	if len(d.Attachments) == 0 {
		body = d.textHeader(&h)
	} else {
		h.SetContentType("multipart/mixed", map[string]string{"boundary": "=_" + rand.Text()})
	}
	if err := d.header(&h, now, strings.Trim(msgid, "<>")); err != nil {
		return err
	}
	var err error
	if len(d.Attachments) == 0 {
		err = writeEntity(bw, h, strings.NewReader(body))
	} else {
		err = d.writeMixed(bw, h)
	}
	if err != nil {
		return fmt.Errorf("write message: %w", err)
	}
	return bw.Flush()
}

// NewID makes a Message-ID, without brackets, in the domain of addr.
func NewID(now time.Time, addr string) string {
	_, domain := address.Split(addr)
	if address.Valid("x@"+domain, false) != nil {
		domain = "localhost.localdomain"
	}
	return strconv.FormatInt(now.UnixMilli(), 36) + "." + strings.ToLower(rand.Text()[:16]) + "@" + domain
}

// header adds our fields above what h has.
func (d Draft) header(h *gomessage.Header, now time.Time, msgid string) error {
	if d.From.Addr == "" {
		return fmt.Errorf("the message has no sender: fill in From")
	}
	// Fields come out in the reverse of the order they are added in.
	put := func(name, value string) {
		if value != "" {
			h.AddRaw([]byte(word.Fold(name, value, "\r\n")))
		}
	}
	put("MIME-Version", "1.0")
	for i := len(d.Extra) - 1; i >= 0; i-- {
		f := d.Extra[i]
		if !fieldName(f.Name) || reserved(f.Name) {
			return fmt.Errorf("%q is no header field to set", f.Name)
		}
		put(f.Name, word.Encode(oneLine(safe.Line(f.Value).String()), len(f.Name)+2))
	}
	put("References", idList(d.References))
	put("In-Reply-To", idList([]string{d.InReplyTo}))
	put("Message-ID", "<"+msgid+">")
	put("Date", now.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	put("Subject", message.EncodeWord(oneLine(safe.Line(d.Subject).String())))
	put("Reply-To", encodeList(d.ReplyTo))
	put("Bcc", encodeList(d.Bcc))
	put("Cc", encodeList(d.Cc))
	put("To", encodeList(d.To))
	put("From", encodeList([]message.Addr{d.From}))
	return nil
}

func idList(ids []string) string {
	var out []string
	for _, id := range ids {
		if id = strings.Map(func(r rune) rune {
			if r <= ' ' || r == '<' || r == '>' || r == 0x7f {
				return -1
			}
			return r
		}, id); id != "" {
			out = append(out, "<"+id+">")
		}
	}
	return strings.Join(out, " ")
}

// encodeList writes addresses as RFC 5322 and 2047 want them.
func encodeList(list []message.Addr) string {
	var out []string
	for _, a := range list {
		addr := strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return -1
			}
			return r
		}, a.Addr)
		name := oneLine(safe.Line(a.Name).String())
		switch {
		case name == "" && addr != "":
			out = append(out, addr)
		case name != "":
			if enc := message.EncodeWord(name); enc != name {
				name = enc
			} else {
				name = address.Quote(name)
			}
			out = append(out, name+" <"+addr+">")
		}
	}
	return strings.Join(out, ", ")
}

// textHeader says how the body is encoded and returns it flowed.
func (d Draft) textHeader(h *gomessage.Header) string {
	body := Flow(strings.ReplaceAll(d.Body, "\r\n", "\n"))
	enc, charset := "7bit", "us-ascii"
	for line := range strings.SplitSeq(body, "\n") {
		if len(line) > 900 {
			enc = "quoted-printable" // RFC 5322, 2.1.1
		}
	}
	for i := range len(body) {
		if c := body[i]; c >= 0x80 {
			enc, charset = "quoted-printable", "utf-8"
			break
		} else if c == '\r' || c == 0 || c == 0x7f {
			enc = "quoted-printable"
		}
	}
	h.Set("Content-Transfer-Encoding", enc)
	h.SetContentType("text/plain", map[string]string{"charset": charset, "format": "flowed"})
	return body
}

func writeEntity(w io.Writer, h gomessage.Header, body io.Reader) error {
	mw, err := gomessage.CreateWriter(w, h)
	if err != nil {
		return err
	}
	if _, err := io.Copy(mw, body); err != nil {
		return err
	}
	return mw.Close()
}

func (d Draft) writeMixed(w io.Writer, h gomessage.Header) error {
	mw, err := gomessage.CreateWriter(w, h)
	if err != nil {
		return err
	}
	var th gomessage.Header
	body := d.textHeader(&th)
	pw, err := mw.CreatePart(th)
	if err != nil {
		return err
	}
	if _, err = io.WriteString(pw, body); err == nil {
		err = pw.Close()
	}
	for i := 0; i < len(d.Attachments) && err == nil; i++ {
		err = writeAttachment(mw, d.Attachments[i])
	}
	if err != nil {
		return err
	}
	return mw.Close()
}

func writeAttachment(mw *gomessage.Writer, a Attachment) error {
	name := a.Name
	var r io.Reader = bytes.NewReader(a.Data)
	if a.Path != "" {
		f, err := os.Open(a.Path)
		if err != nil {
			return fmt.Errorf("attach: %w", err)
		}
		defer f.Close()
		if st, err := f.Stat(); err == nil && st.IsDir() {
			return fmt.Errorf("attach %s: it is a folder", a.Path)
		}
		r = f
		if name == "" {
			name = filepath.Base(a.Path)
		}
	}
	typ := a.Type
	if _, _, err := mime.ParseMediaType(typ); err != nil || strings.HasPrefix(typ, "multipart/") {
		if typ, _, _ = mime.ParseMediaType(mime.TypeByExtension(strings.ToLower(filepath.Ext(name)))); typ == "" {
			typ = "application/octet-stream"
		}
	}
	var h gomessage.Header
	name = safe.Line(name).String()
	params := map[string]string{}
	if name != "" {
		params["name"] = name
	}
	enc := "base64"
	if strings.HasPrefix(typ, "message/") {
		// RFC 2046, 5.2.1: a message is not encoded again.
		params, enc = nil, "8bit"
		r = &noCR{r: r}
	}
	h.Set("Content-Transfer-Encoding", enc)
	h.SetContentDisposition("attachment", map[string]string{"filename": name})
	h.SetContentType(typ, params)
	pw, err := mw.CreatePart(h)
	if err != nil {
		return err
	}
	if _, err := io.Copy(pw, r); err != nil {
		return err
	}
	return pw.Close()
}

// lf writes CR LF as LF.
type lf struct {
	w  io.Writer
	cr bool
}

func (l *lf) Write(p []byte) (int, error) {
	out := make([]byte, 0, len(p)+1)
	for _, c := range p {
		if l.cr && c != '\n' {
			out = append(out, '\r')
		}
		if l.cr = c == '\r'; !l.cr {
			out = append(out, c)
		}
	}
	if _, err := l.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// noCR reads without CRs, which must not stand alone in a message.
type noCR struct{ r io.Reader }

func (n *noCR) Read(p []byte) (int, error) {
	k, err := n.r.Read(p)
	out := p[:0]
	for _, c := range p[:k] {
		if c != '\r' {
			out = append(out, c)
		}
	}
	return len(out), err
}
