package search

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/message"
)

// A file is a message as it lies on disk, with what a folder's index knows of it.
type file struct {
	raw      []byte
	flags    maildir.Flags
	isNew    bool
	keywords []string
	received time.Time
	saved    time.Time
	uid      uint32
	modseq   uint64
	seq      int

	m   *message.Message
	sum message.Summary
}

func newFile(raw []byte) *file {
	f := &file{raw: raw, m: message.Parse(raw)}
	f.sum, _ = message.ReadSummary(bytes.NewReader(raw))
	return f
}

func (f *file) Summary() *message.Summary { return &f.sum }
func (f *file) Header() message.Header    { return f.m.Header(0) }
func (f *file) Flags() maildir.Flags      { return f.flags }
func (f *file) Unread() bool              { return !f.flags.Has('S') }
func (f *file) New() bool                 { return f.isNew }
func (f *file) Folder() string            { return "Archive/2026" }
func (f *file) Size() int64               { return int64(len(f.raw)) }
func (f *file) Received() time.Time       { return f.received }
func (f *file) Saved() time.Time          { return f.saved }
func (f *file) Text() string              { return digest.Text(f.m) }
func (f *file) Keywords() []string        { return f.keywords }
func (f *file) Message() *message.Message { return f.m }
func (f *file) UID() uint32               { return f.uid }
func (f *file) ModSeq() uint64            { return f.modseq }
func (f *file) Sequence() int             { return f.seq }

// memory is a Source made of files, with gaps in what it knows.
type memory struct {
	files  []*file
	digs   []digest.Digest
	heads  [][]byte
	texts  []string
	gap    func(row int, what string) bool // what is not known of a row
	lacks  map[Column]bool
	noKeys bool
}

func newMemory(files []*file) *memory {
	s := &memory{files: files, gap: func(int, string) bool { return false }}
	for _, f := range files {
		d, err := digest.Decode(digest.Make(nil, f.raw))
		if err != nil {
			panic(err)
		}
		s.digs = append(s.digs, d)
		s.heads = append(s.heads, digest.Head(nil, d))
		s.texts = append(s.texts, string(digest.Fold(nil, digest.Text(f.m))))
	}
	return s
}

func (s *memory) Len() int       { return len(s.files) }
func (s *memory) Folder() string { return "Archive/2026" }
func (s *memory) Doc(row int) Doc {
	return s.files[row]
}

func (s *memory) Column(c Column, from int, dst []int64) bool {
	if c == Thread || s.lacks[c] {
		return false
	}
	for i := range dst {
		row := from + i
		f, d := s.files[row], s.digs[row]
		v := int64(Never)
		switch c {
		case Flags:
			v = FlagBits(f.flags) & usualFlags
		case Name:
			v = FlagBits(f.flags)
			if f.isNew {
				v |= FlagNew
			}
			if row%3 == 0 {
				if w := v & (usualFlags | FlagNew); w != v {
					v = w | FlagMore
				}
			}
		case Class:
			v = int64(d.Class())
		case Sent:
			if t, ok := d.Sent(); ok {
				v = t
			}
		case Received:
			v = f.received.Unix()
		case Saved:
			if !f.saved.IsZero() {
				v = f.saved.Unix()
			}
		case Size:
			v = int64(len(f.raw))
		case WireSize:
			v = d.WireSize()
		case UID:
			v = int64(f.uid)
		case ModSeq:
			v = int64(f.modseq)
		}
		if c != Flags && c != Name && s.gap(row, "column") {
			v = Unknown
		}
		dst[i] = v
	}
	return true
}

func (s *memory) Keywords(match func(string) bool) (*Bits, bool) {
	b := NewBits(len(s.files))
	for row, f := range s.files {
		if slices.ContainsFunc(f.keywords, match) {
			b.Set(row)
		}
	}
	return b, !s.noKeys
}

func (s *memory) Heads(ctx context.Context, lo, hi int, fn func(int, []byte)) error {
	for row, rec := range s.heads {
		if !s.digs[row].Truncated() && !s.gap(row, "head") {
			fn(row, rec)
		}
	}
	return ctx.Err()
}

func (s *memory) Text(ctx context.Context, needle string, fn func(int, bool)) (*Bits, error) {
	covered := NewBits(len(s.files))
	for row, text := range s.texts {
		if s.gap(row, "text") {
			continue
		}
		covered.Set(row)
		if in := strings.Contains(text, needle); in || s.gap(row, "loose") {
			fn(row, in && !s.gap(row, "unsure"))
		}
	}
	return covered, ctx.Err()
}

// letters makes random messages of few words and names, so that they meet.
type letters struct{ r *rand.Rand }

func pickOne[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

var (
	someNames = []string{"Ada Lovelace", "Grace Hopper", "Zoë Ümlaut", "LOVELACE, Ada", "", "山田 太郎", "a <me@example.net>", "Ada, me@example.net", "=?utf-8?q?Gr=C3=A4fin?=", "ﬁne Straße"}
	someAddrs = []string{"ada@example.org", "grace@navy.example", "me@example.net", "ME@Example.Net", "zoe@uni.example", "list@lists.example.org", "x"}
	someWords = []string{"jitter", "Buffer", "queue", "Ümlaut", "太郎", "ﬁne", "STRASSE", "re:", "[PATCH", "v3]", "invoice", "a", "the", "reindex", "Tuesday,", "50%", "e\u0301te\u0301", "foo-bar"}
	someIDs   = []string{"1@example.org", "2@example.org", "3@Example.ORG", "x.y@navy.example"}
	someFiles = []string{"report.pdf", "photo.JPG", "données.xlsx", "a b.txt"}
)

func (l letters) words(n int) string {
	w := make([]string, n)
	for i := range w {
		w[i] = pickOne(l.r, someWords...)
	}
	return strings.Join(w, pickOne(l.r, " ", " ", "  ", "\r\n "))
}

func (l letters) addrs() string {
	var list []string
	for range 1 + l.r.IntN(3) {
		name, addr := pickOne(l.r, someNames...), pickOne(l.r, someAddrs...)
		switch {
		case name == "":
			list = append(list, addr)
		case strings.HasPrefix(name, "=?"):
			list = append(list, name+" <"+addr+">")
		default:
			list = append(list, `"`+name+`" <`+addr+">")
		}
	}
	return strings.Join(list, ", ")
}

func (l letters) next(i int) *file {
	r := l.r
	var b strings.Builder
	field := func(name string, f func() string) {
		if r.IntN(8) > 0 {
			fmt.Fprintf(&b, "%s: %s\r\n", name, f())
		}
	}
	field("From", l.addrs)
	field("To", l.addrs)
	if r.IntN(2) == 0 {
		field("Cc", l.addrs)
	}
	if r.IntN(3) == 0 {
		field("Bcc", l.addrs)
		field("Reply-To", l.addrs)
	}
	field("Subject", func() string { return l.words(1 + r.IntN(5)) })
	day := time.Date(2026, 11, 1+r.IntN(25), r.IntN(24), r.IntN(60), 0, 0, time.FixedZone("", 3600*(r.IntN(25)-12)))
	field("Date", func() string { return pickOne(r, day.Format(time.RFC1123Z), day.Format(time.RFC1123Z), "soon") })
	field("Message-ID", func() string { return "<" + pickOne(r, someIDs...) + ">" })
	if r.IntN(3) == 0 {
		field("In-Reply-To", func() string { return "<" + pickOne(r, someIDs...) + ">" })
		field("List-Id", func() string { return "a list <queue.lists.example.org>" })
		field("X-Spam", func() string { return pickOne(r, "Yes", "no, score=1.5") })
		field("Importance", func() string { return "high" })
	}
	text := func() string { return l.words(r.IntN(20)) + "\r\n" + l.words(3) + "\r\n" }
	switch r.IntN(4) {
	case 0:
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n--b\r\n", text())
		fmt.Fprintf(&b, "Content-Type: %s\r\nContent-Disposition: attachment; filename=\"%s\"\r\n\r\nxyz\r\n--b--\r\n",
			pickOne(r, "application/pdf", "image/jpeg", "text/plain", "text/calendar"), pickOne(r, someFiles...))
	case 1:
		fmt.Fprintf(&b, "Content-Type: text/html; charset=utf-8\r\n\r\n<p>%s <a href=\"http://evil.example/\">%s</a></p>\r\n", text(), pickOne(r, "www.example.org", "here"))
	default:
		fmt.Fprintf(&b, "Content-Type: text/plain; charset=utf-8\r\n\r\n%s", text())
	}
	f := newFile([]byte(b.String()))
	f.flags = maildir.MakeFlags(pickOne(r, "", "S", "FS", "RS", "DT", "Sab", "Z"))
	f.isNew = r.IntN(4) == 0
	for _, k := range []string{"$Junk", "$Muted", "work"} {
		if r.IntN(4) == 0 {
			f.keywords = append(f.keywords, k)
		}
	}
	f.received = time.Date(2026, 11, 1+r.IntN(25), r.IntN(24), 0, 0, r.IntN(1e9), time.UTC)
	if r.IntN(3) > 0 {
		f.saved = f.received.Add(time.Hour)
	}
	f.uid, f.modseq, f.seq = uint32(2*i+1), uint64(r.IntN(1000)), i+1
	return f
}

// queries makes random queries.
type queries struct{ r *rand.Rand }

func (g queries) word() string {
	w := pickOne(g.r, append(slices.Clone(someWords), "nowhere", "ada", "lovelace", "@example", "org>, ", "buffer queue", "", " a", "évé", "été", "www.", "report")...)
	if r := []rune(w); len(r) > 3 && g.r.IntN(3) == 0 {
		w = string(r[1 : len(r)-1])
	}
	return w
}

func (g queries) term() Query {
	r := g.r
	text := func(s string) Query {
		q, err := ParseWith(s, Options{Now: now, Me: []string{"me@example.net"}})
		if err != nil {
			panic(err)
		}
		return q
	}
	day := time.Date(2026, 11, 1+r.IntN(25), 3, 4, 5, 6, time.FixedZone("", 3600*(r.IntN(25)-12)))
	column := pickOne(r, Sent, Received, Saved)
	switch r.IntN(22) {
	case 0, 1, 2:
		f := pickOne(r, "from", "to", "cc", "bcc", "rcpt", "any", "subject", "list", "replyto")
		return text(f + ":" + quote(g.word(), false))
	case 3, 4:
		return text(pickOne(r, "", "body:", "text:") + `"` + g.word() + `"`)
	case 5:
		return text(pickOne(r, "from:me", "to:me", "rcpt:me", "any:me", "cc:me", "list:*", "bcc:*", "subject:*", "*", "-*", "is:new", "is:old"))
	case 6:
		return text(pickOne(r, "from:/ada/", "from:/^ada@/", "to:/example.net$/", `subject:/re:.*q/`, `body:/jit+er b/`, "/fine|straße/", `body:/^./`, `any:/ü/`))
	case 7:
		return text("is:" + pickOne(r, "unread", "read", "flagged", "replied", "draft", "trashed", "muted", "junk", "auto", "reply", "urgent", "html"))
	case 8:
		return text("has:" + pickOne(r, "attachment", "patch", "list", "invite", "link", "signed", "keyword", "danger"))
	case 9:
		return text(pickOne(r, "flag:S", "flag:a", "flag:Sab", "flag:z", "tag:work", "tag:*", "tag:/^.m/", "tag:nothing"))
	case 10:
		return text(pickOne(r, "date", "received", "saved", "older", "newer") + ":" + pickOne(r, "7d", "2026-11-10", "2026-11", "yesterday", "@1763000000", "2026-11-10t12:00"))
	case 11:
		return text(pickOne(r, "date", "received", "saved") + ":" + pickOne(r, "10d..3d", "..2026-11-10", "2026-11-05..2026-11-10"))
	case 12:
		return pickOne(r, DayBefore, DayOn, DaySince)(column, day)
	case 13:
		return pickOne(r, Before, Since)(column, day)
	case 14:
		return pickOne(r, text("size:>600"), text("size:<500"), Larger(600), Smaller(500), Smaller(0), SaveDated())
	case 15:
		a := uint64(r.IntN(100))
		return pickOne(r, Sequence, UIDs)([]Range{{a + 20, a + 30}, {1, 2}, {a, a + 3}, {^uint64(0), 5}})
	case 16:
		return pickOne(r, Modified(uint64(r.IntN(1000))), Keyword("$junk"), Flagged("S"), None(), All())
	case 17:
		return text(pickOne(r, "type:pdf", "type:image/*", "type:text/html", "type:jpg", "attachment:report", "attachment:/^a/", "attachment:DONN", "link:mismatch", "lang:ja", "lang:zh"))
	case 18:
		return text(pickOne(r, "header:X-Spam", "header:X-Spam=score", "header:x-spam=/^y/", "header:Message-ID=example"))
	case 19:
		return text("id:" + pickOne(r, someIDs...))
	case 20:
		return pickOne(r, Header("Message-ID", "<1@example.org>"), Header("X-Spam", ""), Header("subject", "jit"), Header("Message-Id", "example"), Text("example"), Bcc(""), Body("queue"))
	}
	q := text(pickOne(r, "thread:1@example.org", "thread:{from:ada}", "thread:{is:flagged -subject:re}"))
	q, err := q.Resolve(func(Conversation) ([]string, error) { return []string{"1@example.org", "3@example.org", ""}, nil })
	if err != nil {
		panic(err)
	}
	return q
}

func (g queries) tree(depth int) Query {
	if depth == 0 || g.r.IntN(4) == 0 {
		return g.term()
	}
	a, b := g.tree(depth-1), g.tree(depth-1)
	switch g.r.IntN(6) {
	case 0, 1:
		return And(a, b, g.term())
	case 2, 3:
		return Or(a, b)
	case 4:
		if a.root != nil && b.root != nil {
			return Query{xor{a.root, b.root}}
		}
	}
	return Not(a)
}

// What a query finds by columns, header records and an index of texts, whatever they lack, is what it finds in the
// files.
func TestRunIsMatch(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 7))
	rounds := 6
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		l := letters{r}
		files := make([]*file, 150+r.IntN(100))
		for i := range files {
			files[i] = l.next(i)
		}
		sameOnFiles(t, r, files, 40, fmt.Sprint("round ", round))
	}
}

// The same on messages that people and hostile programs wrote.
func TestRunIsMatchCorpus(t *testing.T) {
	dirs := []string{filepath.Join("..", "message", "testdata"), os.Getenv("PNEU_CORPUS")}
	r := rand.New(rand.NewPCG(8, 9))
	var files []*file
	for _, dir := range dirs {
		if dir == "" {
			continue
		}
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".eml") || len(files) > 2000 {
				return err
			}
			raw, err := os.ReadFile(path)
			if err != nil || len(raw) > 200_000 {
				return err
			}
			f := newFile(raw)
			f.uid, f.seq, f.received = uint32(len(files)+1), len(files)+1, now.Add(-time.Duration(r.IntN(1000))*time.Hour)
			files = append(files, f)
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	sameOnFiles(t, r, files, 60, "corpus")
}

func sameOnFiles(t *testing.T, r *rand.Rand, files []*file, count int, name string) {
	t.Helper()
	src := newMemory(files)
	for i, f := range files { // what Head has is what a Doc without it makes
		v := view{d: f}
		var rec []byte
		for k := range headFields {
			if k > 0 {
				rec = append(rec, 0)
			}
			rec = append(rec, v.field(k)...)
		}
		if !src.digs[i].Truncated() && !bytes.Equal(rec, src.heads[i]) {
			t.Fatalf("%s: head of %d is\n%q, made here\n%q", name, i, src.heads[i], rec)
		}
	}
	salt := r.IntN(1000)
	gaps := map[string]int{"column": r.IntN(3), "head": r.IntN(3), "text": r.IntN(3), "loose": r.IntN(3), "unsure": r.IntN(3)}
	src.gap = func(row int, what string) bool {
		n := gaps[what]
		return n > 0 && (row*7+salt+len(what))%5 < n
	}
	src.lacks = map[Column]bool{Column(r.IntN(30)): true}
	src.noKeys = r.IntN(4) == 0
	g := queries{r}
	for range count {
		q := g.tree(r.IntN(4))
		got, err := q.Run(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		var want []int
		for row, f := range files {
			if q.Match(f) != got.Has(row) {
				t.Fatalf("%s: %s: row %d is %v, by its file %v\n%.600s", name, q, row, got.Has(row), q.Match(f), f.raw)
			}
			if got.Has(row) {
				want = append(want, row)
			}
		}
		order := Order(r.IntN(4))
		limit := r.IntN(10)
		rows := sorted(files, want, order)
		if limit > 0 && limit < len(rows) {
			rows = rows[:limit]
		}
		var each []int
		if err := q.Each(t.Context(), src, order, limit, func(row int) bool { each = append(each, row); return true }); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(each, rows) {
			t.Fatalf("%s: %s: each in order %d, limit %d: %v, want %v", name, q, order, limit, each, rows)
		}
	}
}

func sorted(files []*file, rows []int, order Order) []int {
	rows = slices.Clone(rows)
	if order == NewestSent || order == OldestSent {
		slices.SortStableFunc(rows, func(a, b int) int {
			u, v := (&view{d: files[a]}).sent().Unix(), (&view{d: files[b]}).sent().Unix()
			return int(u - v)
		})
	}
	if order == NewestArrived || order == NewestSent {
		slices.Reverse(rows)
	}
	return rows
}
