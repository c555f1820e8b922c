package conf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pneu/mta/sysexits"
)

type options struct {
	Listen  []string      `toml:"listen"`
	Wait    time.Duration `toml:"wait"`
	MaxSize Size          `toml:"max_size"`
	Limits  struct {
		Idle time.Duration `toml:"idle"`
	} `toml:"limits"`
}

// A table may be there without a line of its own.
func TestTableByItsChild(t *testing.T) {
	var o options
	if _, err := Parse("p.toml", "[smtpd.limits]\nidle = \"1m\"\n", "smtpd", &o); err != nil || o.Limits.Idle != time.Minute {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestParse(t *testing.T) {
	text := `hostname = "mx.example.org"
domains = ["Example.org."]
spool = "spool"
message_size = "20MB"
[smtpd]
listen = ["127.0.0.1:25"]
wait = "5m"
max_size = "1KiB"
[qrun]
anything = 1
`
	var o options
	f, err := Parse("/srv/pneu.toml", text, "smtpd", &o)
	if err != nil {
		t.Fatal(err)
	}
	if f.Spool != "/srv/spool" || f.Domains[0] != "example.org" || f.MessageSize != 20_000_000 || f.Mail != "%h/Maildir" {
		t.Errorf("top level: %+v", f)
	}
	if len(o.Listen) != 1 || o.Wait != 5*time.Minute || o.MaxSize != 1024 {
		t.Errorf("table: %+v", o)
	}
}

func TestErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown top key", "hostnam = \"a\"\n", `p.toml:1:1: unknown key "hostnam" (did you mean "hostname"?)`},
		{"unknown key of the table", "\n[smtpd]\n  lisen = []\n", `p.toml:3:3: unknown key "lisen" (did you mean "listen"?)`},
		{"unknown table", "[smptd]\n", `p.toml:1:1: unknown key "smptd" (did you mean "smtpd"?)`},
		{"nothing near", "zzzzzzzzz = 1\n", `p.toml:1:1: unknown key "zzzzzzzzz"`},
		{"wrong type", "a = 1\nspool = 3\n", `p.toml:2:`},
		{"wrong type in table", "[smtpd]\n\nwait = \"x\"\n", `p.toml:3:`},
		{"syntax", "hostname = \n", `p.toml:1:`},
		{"table as value", "smtpd = 3\n", `p.toml:1:1: "smtpd" is a table: write [smtpd]`},
		{"bad host name", "\nhostname = \"a b\"\n", `p.toml:2:1: "a b" is not a host name`},
		{"bad domain", "domains = [\"a@b\"]\n", `p.toml:1:1: "a@b" is not a host name`},
		{"bad size", "message_size = \"20 apples\"\n", `p.toml:1:`},
		{"list wanted", "domains = \"a\"\n", `p.toml:1:1: domains must be a list: write ["a", "b"]`},
		{"string wanted", "spool = 3\n", `p.toml:1:1: spool must be a string: write "..."`},
		{"table wanted", "[smtpd]\nlimits = 5\n", `p.toml:2:1: limits is a table: write [smtpd.limits]`},
		{"number for a time", "[smtpd]\nwait = 60\n", `p.toml:2:1: wait must be a time with its unit: write "90s", "5m" or "4h"`},
		{"number for a time below", "[smtpd.limits]\nidle = 60\n", `p.toml:2:1: idle must be a time with its unit`},
		{"no time", "[smtpd]\nwait = \"1x\"\n", `p.toml:2:9: "1x" is not a time: write "90s", "5m" or "4h"`},
		{"no size", "message_size = 0\n", `p.toml:1:1: must be above 0`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("p.toml", tt.text, "smtpd", &options{})
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("%q: %v, want %s", tt.text, err, tt.want)
			}
		})
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	own := filepath.Join(dir, "pneu", "pneu.toml")
	t.Setenv("XDG_CONFIG_HOME", dir)
	t.Setenv("PNEU_CONFIG", "/from/env")
	if p, _ := Find("/from/flag"); p != "/from/flag" {
		t.Errorf("flag: %s", p)
	}
	if p, _ := Find(""); p != "/from/env" {
		t.Errorf("environment: %s", p)
	}
	t.Setenv("PNEU_CONFIG", "")
	if _, err := os.Stat(DefaultPath); err == nil {
		t.Skip("this machine has " + DefaultPath)
	}
	if _, err := Find(""); sysexits.Code(err) != sysexits.Config {
		t.Errorf("none: %v", err)
	}
	os.MkdirAll(filepath.Dir(own), 0o700)
	os.WriteFile(own, nil, 0o600)
	if p, err := Find(""); p != own {
		t.Errorf("own: %s, %v", p, err)
	}
}

func TestWrong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.toml")
	os.WriteFile(path, []byte("relay = \"x y\"\n[qrun]\n  tls = \"no\"\n"), 0o600)
	for key, want := range map[string]string{"relay": path + ":1:1: bad", "qrun.tls": path + ":3:3: bad", "qrun.sync": path + ":2:1: bad"} {
		f := &File{Path: path}
		if err := f.Wrong(key, "bad"); sysexits.Code(err) != sysexits.Config || err.Error() != want {
			t.Errorf("%s: %v, want %s", key, err, want)
		}
	}
}

func TestLoadMissing(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "none.toml"), "", nil)
	if sysexits.Code(err) != sysexits.Config || !strings.Contains(err.Error(), "none.toml") {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) { // whatever the file holds: settings or one error that names it, never a panic
	f.Add("hostname = \"a\"\n[smtpd]\nlisten = [\"x\"]\n")
	f.Add("[smtpd.x]\ny.z = {a = 1}\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := Parse("p.toml", text, "smtpd", &options{})
		if err != nil && !strings.HasPrefix(err.Error(), "p.toml:") {
			t.Errorf("error without a place: %v", err)
		}
	})
}
