package account

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"pneu/mta/sasl"
	"pneu/mta/sysexits"
)

// db writes the files given and opens a database over them; "" is no file.
func db(t *testing.T, users, aliases string) *DB {
	t.Helper()
	d, err := open(t, t.TempDir(), users, aliases)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func open(t *testing.T, dir, users, aliases string) (*DB, error) {
	t.Helper()
	o := Options{Domains: []string{"Try.test", "other.test"}, Hostname: "mx.try.test", Mail: "/mail/%d/%u", Passwd: filepath.Join(dir, "passwd")}
	for name, f := range map[string]struct {
		text string
		path *string
	}{"users": {users, &o.Users}, "aliases": {aliases, &o.Aliases}} {
		if f.text != "" {
			*f.path = filepath.Join(dir, name)
			write(t, *f.path, f.text)
		}
	}
	write(t, o.Passwd, "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/usr/sbin:/bin/false\nAda:x:1000:1001:Ada,,,:/home/ada:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/false\n")
	return Open(o)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const testUsers = `# people
alice@try.test::1001:1002::1k:
bob::::/srv/bob::
@other.test::::/srv/other:
carl+x@try.test::::
carl:
`

const testAliases = `# roles
list:	alice, bob,
	dora@example.org
Eve: eve@example.net
chain: link
link: bob
self: \alice
bob: bob, archive@example.org
loop: loop2
loop2: loop
circle: circle2, x@example.org
circle2: circle, y@example.org
owner-list: alice
again: alice, Alice, alice@Try.test, dora@Example.org, dora@example.org
prog: "|/usr/bin/sort, -u"
file: /var/mail/x
null: /dev/null
"odd name": Ada "the, first" <ada@example.com>
sales@other.test: alice+Sales@try.test
`

func TestResolve(t *testing.T) {
	d := db(t, testUsers, testAliases)
	tests := []struct {
		addr    string
		account string
		folder  string
		forward string
		owner   string
		err     error
	}{
		{"alice@try.test", "alice@try.test", "", "", "", nil},
		{"ALICE@Try.Test.", "alice@try.test", "", "", "", nil},
		{"alice", "alice@try.test", "", "", "", nil},
		{"alice@mx.try.test", "alice@try.test", "", "", "", nil},
		{"alice@localhost", "alice@try.test", "", "", "", nil},
		{`"al\ice"@try.test`, "alice@try.test", "", "", "", nil},
		{"Alice+Lists/Go@try.test", "alice@try.test", "Lists/Go", "", "", nil},
		{"carl+x@try.test", "carl+x@try.test", "", "", "", nil},
		{"carl+y@try.test", "carl@try.test", "y", "", "", nil},
		{"eve@try.test", "", "", "eve@example.net", "", nil},
		{"eve+any@try.test", "", "", "eve@example.net", "", nil},
		{"list@try.test", "", "", "alice@try.test bob@try.test dora@example.org", "owner-list@try.test", nil},
		{"again@try.test", "", "", "alice@try.test dora@example.org", "", nil},
		{"bob@try.test", "bob@try.test", "", "archive@example.org", "", nil},
		{"bob+inbox2@try.test", "bob@try.test", "inbox2", "archive@example.org", "", nil},
		{"chain@try.test", "bob@try.test", "", "archive@example.org", "", nil},
		{"self@try.test", "alice@try.test", "", "", "", nil},
		{"odd name@try.test", "", "", "ada@example.com", "", nil},
		{"sales@other.test", "alice@try.test", "Sales", "", "", nil},
		{"anyone@other.test", "@other.test", "", "", "", nil},
		{"postmaster", "alice@try.test", "", "", "", nil},
		{"Postmaster@other.test", "@other.test", "", "", "", nil},
		{"nobody@try.test", "", "", "", "", ErrNoUser},
		{"+x@try.test", "", "", "", "", ErrNoUser},
		{"@try.test", "", "", "", "", ErrNoUser},
		{"@other.test", "", "", "", "", ErrNoUser},
		{"a\x00b@other.test", "", "", "", "", ErrNoUser},
		{"alice@example.org", "", "", "", "", ErrNotLocal},
		{"loop@try.test", "", "", "", "", ErrLoop},
		{"circle@try.test", "", "", "circle2@try.test x@example.org", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.addr, func(t *testing.T) {
			got, err := d.Resolve(tt.addr)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			exists, err := d.Exists(context.Background(), tt.addr)
			if want := tt.err == nil || tt.err == ErrLoop; exists != want || err != nil {
				t.Errorf("Exists = %v, %v; want %v", exists, err, want)
			}
			if tt.err != nil {
				return
			}
			account := ""
			if got.Account != nil {
				account = got.Account.Address
			}
			if account != tt.account || got.Folder != tt.folder || strings.Join(got.Forward, " ") != tt.forward || got.Owner != tt.owner {
				t.Errorf("account %q folder %q forward %q owner %q; want %q %q %q %q",
					account, got.Folder, got.Forward, got.Owner, tt.account, tt.folder, tt.forward, tt.owner)
			}
		})
	}
}

func TestResolveCommandsAndFiles(t *testing.T) {
	d := db(t, testUsers, testAliases)
	got, err := d.Resolve("prog")
	if want := []string{"/usr/bin/sort, -u"}; err != nil || !reflect.DeepEqual(got.Commands, want) {
		t.Errorf("commands %q, %v; want %q", got.Commands, err, want)
	}
	got, err = d.Resolve("file")
	if want := []string{"/var/mail/x"}; err != nil || !reflect.DeepEqual(got.Files, want) {
		t.Errorf("files %q, %v; want %q", got.Files, err, want)
	}
}

func TestInclude(t *testing.T) {
	dir := t.TempDir()
	inc := filepath.Join(dir, "inc")
	bad := filepath.Join(dir, "bad")
	self := filepath.Join(dir, "self")
	write(t, inc, "# members\nalice, x@example.org\n  y@example.org\n\n:include:"+filepath.Join(dir, "more")+"\n")
	write(t, filepath.Join(dir, "more"), "z@example.org\n")
	write(t, bad, "x@example.org\n|/bin/sh\n")
	write(t, self, ":include:"+self+"\n")
	d, err := open(t, dir, testUsers, "all: :include:"+inc+"\nbad: :include:"+bad+"\nself: :include:"+self+"\ngone: :include:"+dir+"/gone\n")
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Resolve("all")
	if err != nil || strings.Join(got.Forward, " ") != "alice@try.test x@example.org y@example.org z@example.org" {
		t.Errorf("%+v, %v", got, err)
	}
	for addr, want := range map[string]string{
		"bad":  bad + ":2:1: no commands or files",
		"self": self + ":1:1: files include files more than 8 deep",
		"gone": "aliases:4:7: include: open " + dir + "/gone",
	} {
		if _, err := d.Resolve(addr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", addr, err, want)
		}
	}
	if _, err := d.Resolve("gone"); sysexits.Code(err) != sysexits.TempFail {
		t.Errorf("a missing file is to be tried again, got exit code %d", sysexits.Code(err))
	}
}

func TestSystemUsers(t *testing.T) {
	d := db(t, "", "")
	for addr, maildir := range map[string]string{"ada": "/mail/try.test/Ada", "Ada+x@other.test": "/mail/try.test/Ada", "root": "/mail/try.test/root", "postmaster": "/mail/try.test/root", "daemon": "", "nobody": ""} {
		got, err := d.Resolve(addr)
		switch {
		case maildir == "" && !errors.Is(err, ErrNoUser):
			t.Errorf("%s: %v, want no such user", addr, err)
		case maildir != "" && (err != nil || got.Account.Maildir != maildir):
			t.Errorf("%s: %+v, %v", addr, got, err)
		}
	}
	a, err := d.Account("ada@other.test")
	if want := (Account{Address: "ada@try.test", Login: "Ada", Maildir: "/mail/try.test/Ada", Home: "/home/ada", UID: 1000, GID: 1001}); err != nil || *a != want {
		t.Errorf("%+v, %v; want %+v", a, err, want)
	}
	if _, err := d.Lookup("ada"); !errors.Is(err, sasl.ErrNoUser) {
		t.Errorf("log in without a password: %v", err)
	}
	if err := d.Remove("ada"); sysexits.Code(err) != sysexits.Config {
		t.Errorf("edit without a users file: %v", err)
	}
}

func TestFields(t *testing.T) {
	d := db(t, testUsers, "")
	list, err := d.List()
	if err != nil {
		t.Fatal(err)
	}
	want := []Account{
		{"alice@try.test", "alice@try.test", "/mail/try.test/alice", "", "", 1001, 1002, 1024},
		{"bob@try.test", "bob@try.test", "/srv/bob", "", "", -1, -1, 0},
		{"@other.test", "@other.test", "/srv/other", "", "", -1, -1, 0},
		{"carl+x@try.test", "carl+x@try.test", "/mail/try.test/carl+x", "", "", -1, -1, 0},
		{"carl@try.test", "carl@try.test", "/mail/try.test/carl", "", "", -1, -1, 0},
	}
	if !reflect.DeepEqual(list, want) {
		t.Errorf("got %+v\nwant %+v", list, want)
	}
}

func TestNamesStayInTheirFolder(t *testing.T) {
	for addr, want := range map[string]string{`"../../etc"@try.test`: "", `..@try.test`: "", `"a/b"@try.test`: `/mail/try.test/"a%2fb"`} {
		d, err := open(t, t.TempDir(), addr+":\n", "")
		if err != nil {
			if want != "" {
				t.Errorf("%s: %v", addr, err)
			}
			continue
		}
		list, _ := d.List()
		if got := list[0].Maildir; want != "" && got != want || filepath.Dir(got) != "/mail/try.test" {
			t.Errorf("%s lies in %s, want %s", addr, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	tests := []struct{ name, users, aliases, want string }{
		{"uid", "alice::x:", "", `users:1:8: "x" is not a number`},
		{"gid", "#\n\nalice:::-1:", "", `users:3:9: "-1" is not a number`},
		{"quota", "alice:::::much:", "", `users:1:11: "much" is not a quota`},
		{"too many", "alice:::::::x", "", "users:1:12: too many fields"},
		{"twice", "alice:\nALICE@try.test:", "", "users:2:1: alice@try.test stands in line 1 already"},
		{"address", "a b@c d:", "", `users:1:1: "a b@c d" is not an address`},
		{"credentials", "alice:secret:", "", "users:1:7: malformed credentials"},
		{"catch-all without Maildir", "@try.test:", "", "users:1:14: a catch-all needs"},
		{"no colon", "alice:", "list alice", "aliases:1:1: no colon"},
		{"alias twice", "alice:", "a: alice\nb: alice\nA: bob", "aliases:3:1: \"a\" stands in line 1"},
		{"empty", "alice:", "a: ,", "aliases:1:2: \"a\" leads nowhere"},
		{"continuation of nothing", "alice:", "  alice", "aliases:1:3: a line that begins"},
		{"open quote", "alice:", "a: bob,\n \"|x", "aliases:2:2: a quotation mark"},
		{"relative include", "alice:", "a: bob,\n\t:include:x", "aliases:2:2: :include: wants"},
		{"not an address", "alice:", "a: x y z@b", "aliases:1:4: not an address"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := open(t, t.TempDir(), tt.users+"\n", tt.aliases)
			if err == nil || !strings.Contains(err.Error(), tt.want) || sysexits.Code(err) != sysexits.Config {
				t.Errorf("error %v (exit code %d), want %q", err, sysexits.Code(err), tt.want)
			}
		})
	}
}

func TestMissingFile(t *testing.T) {
	_, err := Open(Options{Users: filepath.Join(t.TempDir(), "users"), Domains: []string{"try.test"}})
	if sysexits.Code(err) != sysexits.Config || !strings.Contains(err.Error(), "postmaster user add") {
		t.Errorf("missing users file: %v", err)
	}
}

// A file is read again when it changes, and one that went wrong changes nothing.
func TestReread(t *testing.T) {
	dir := t.TempDir()
	d, err := open(t, dir, "alice:\n", "x: alice\n")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	d.opt.Log = slog.New(slog.NewTextHandler(&out, nil))
	has := func(addr string, want bool) {
		t.Helper()
		if got, err := d.Exists(context.Background(), addr); got != want || err != nil {
			t.Errorf("Exists(%s) = %v, %v; want %v", addr, got, err, want)
		}
	}
	write(t, filepath.Join(dir, "users"), "alice:\nnew:\n")
	write(t, filepath.Join(dir, "aliases"), "fresh: alice\n")
	has("new", true)
	has("fresh", true)
	has("x", false)
	write(t, filepath.Join(dir, "users"), "alice:\nnew:::::oh dear\n")
	has("new", true)
	has("new", true)
	if got := strings.Count(out.String(), "level=WARN"); got != 1 {
		t.Errorf("%d warnings, want 1:\n%s", got, &out)
	}
	os.Remove(filepath.Join(dir, "users"))
	has("new", true)
	write(t, filepath.Join(dir, "users"), "new:\n")
	has("new", true)
	has("alice", false)
}

func TestEdit(t *testing.T) {
	dir := t.TempDir()
	d, err := open(t, dir, "# keep me\nalice::1:2:/a:5:\n", "")
	if err != nil {
		t.Fatal(err)
	}
	a, err := d.Add(Account{Address: "Bob", UID: -1, GID: -1, Quota: 7, Credentials: sasl.Hash("secret") + " {TOTP}x"})
	if err != nil || a.Address != "bob@try.test" || a.Maildir != "/mail/try.test/bob" {
		t.Fatalf("%+v, %v", a, err)
	}
	if _, err := d.Add(Account{Address: "bob@try.test"}); !errors.Is(err, ErrTaken) {
		t.Errorf("second bob: %v", err)
	}
	for _, bad := range []Account{{Address: "a:b"}, {Address: "a@b\nroot"}, {Address: "x y"}, {Address: "x", Maildir: "/a:b"}} {
		if _, err := d.Add(bad); !errors.Is(err, ErrEntry) || sysexits.Code(err) != sysexits.Data {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if err := d.SetPassword("bob", "other"); err != nil {
		t.Fatal(err)
	}
	c, err := d.Lookup("bob@try.test")
	if err != nil || !c.Verify("other", "imap") || c.Verify("secret", "imap") || len(c.Other) != 1 || c.Account != "bob@try.test" {
		t.Errorf("%+v, %v", c, err)
	}
	if err := d.Remove("carl"); !errors.Is(err, ErrNoUser) {
		t.Errorf("remove carl: %v", err)
	}
	if err := d.Remove("BOB@try.test"); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(filepath.Join(dir, "users"))
	if string(b) != "# keep me\nalice::1:2:/a:5:\n" {
		t.Errorf("file is now\n%s", b)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, ".users-*")); len(files) > 0 {
		t.Errorf("left behind: %q", files)
	}
}

// Who does not exist, or cannot log in, has one name however it is written:
// package sasl answers alike then, as it does for the others.
func TestLookupNamesStrangers(t *testing.T) {
	d := db(t, "nopass:\n", "")
	for _, name := range []string{"nobody", "NoBody", "nobody@try.test", "nobody@TRY.test."} {
		if c, err := d.Lookup(name); !errors.Is(err, sasl.ErrNoUser) || c.Account != "nobody@try.test" {
			t.Errorf("%s: %q, %v", name, c.Account, err)
		}
	}
	if c, err := d.Lookup("NOPASS"); !errors.Is(err, sasl.ErrNoUser) || c.Account != "nopass@try.test" {
		t.Errorf("without a password: %q, %v", c.Account, err)
	}
}

// Many editors at once lose nothing of one another.
func TestEditTogether(t *testing.T) {
	dir := t.TempDir()
	d, err := open(t, dir, "alice:\n", "")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if _, err := d.Add(Account{Address: fmt.Sprintf("u%d", i), UID: -1, GID: -1}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if list, err := d.List(); len(list) != 21 || err != nil {
		t.Errorf("%d accounts, %v; want 21", len(list), err)
	}
}

// Whatever an aliases file says, resolving ends, and a name it gives can be
// asked for.
func FuzzAliases(f *testing.F) {
	f.Add(testAliases, "list")
	f.Add("a: b, c\nb: a\nc: \\a\n@try.test: a", "a")
	f.Add("a: \"|x\\\"\", :include:/dev/null", "a+b")
	f.Fuzz(func(t *testing.T, text, name string) {
		a, err := parseAliases("aliases", text)
		if err != nil || strings.Contains(text, "include") {
			return
		}
		d := &DB{opt: Options{Domains: []string{"try.test"}, Delimiter: "+"}}
		d.aliases = source[*aliases]{}
		r := resolver{db: d, view: view{users: &users{}, aliases: a}, seen: map[string]bool{}}
		local, domain, err := d.parse(name)
		if err == nil {
			r.follow(local, domain)
		}
		for n, e := range a.entries {
			if len(e.targets) == 0 {
				t.Errorf("%q has no targets", n)
			}
			for _, x := range e.targets {
				if x.text == "" || x.line < 1 || x.col < 1 {
					t.Errorf("%q: target %+v", n, x)
				}
			}
		}
	})
}
