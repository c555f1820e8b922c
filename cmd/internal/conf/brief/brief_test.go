package brief

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pneu/cmd/internal/conf"
	"pneu/mta/sysexits"
)

func TestParse(t *testing.T) {
	tests := []struct{ name, text, err string }{
		{"empty", "", ""},
		{"all", "# c\nhostname = \"mx.example.org\" # c\ndomains = [ \"a.org\", # c\n  'b.org',\n]\nspool='sp'\nmessage_size = 1_000\nusers=\"u\"\nrelay_networks=[]\ntrusted = [\"10.0.0.0/8\"]\n[smtpd]\nlisten = [\":25\"]\n", ""},
		{"CRLF", "spool = \"/s\"\r\nmessage_size = \"20 MiB\"\r\n\r\n", ""},
		{"escapes", `spool = "/a\"b\\c"`, ""},
		{"a domain ends in a dot", `domains = ["A.org."]`, ""},
		{"unknown key", "\n  spol = 1", `f.toml:2:3: unknown key "spol"`},
		{"twice", "spool='a'\nspool='b'", `f.toml:2:1: key "spool" stands here twice`},
		{"not a list", `domains = "x"`, "f.toml:1:1: domains must be a list of strings"},
		{"no value", "spool =\n", "f.toml:1:8: expected a string, a number or a list of strings"},
		{"no end", "spool = \"x\n", "f.toml:1:11: the string does not end"},
		{"two values", "spool = 'x' 'y'", "f.toml:1:13: expected the end of the line after the value of spool"},
		{"several lines", `spool = """x"""`, "f.toml:1:9: a string of several lines is not read here: write it in one"},
		{"unit", `message_size = "20 pages"`, `f.toml:1:1: message_size: "20 pages" is not a size: write a number of bytes or one such as "20MB"`},
		{"bad name", `hostname = "a b"`, `f.toml: "a b" is not a host name`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Parse("f.toml", tt.text)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err || sysexits.Code(err) != sysexits.Config {
					t.Errorf("error %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			agree(t, tt.text, f)
		})
	}
}

// agree holds what brief read against package conf.
func agree(t *testing.T, text string, f *File) {
	t.Helper()
	c, err := conf.Parse("f.toml", text, "", nil)
	if err != nil {
		t.Fatalf("conf does not read what brief does: %v", err)
	}
	want := &File{Path: "f.toml", Hostname: c.Hostname, Domains: c.Domains, Spool: c.Spool, MessageSize: int64(c.MessageSize)}
	if !reflect.DeepEqual(f, want) {
		t.Errorf("brief reads %+v, conf %+v", f, want)
	}
}

// TestKeys: what is a top-level key for conf is one here.
func TestKeys(t *testing.T) {
	var keys []string
	for f := range reflect.TypeFor[conf.File]().Fields() {
		if k := f.Tag.Get("toml"); k != "-" {
			keys = append(keys, k)
		}
	}
	ours := append(strings.Fields(other), "hostname", "domains", "spool", "message_size")
	slices.Sort(keys)
	slices.Sort(ours)
	if !slices.Equal(keys, ours) {
		t.Errorf("conf knows %q, brief %q", keys, ours)
	}
	if DefaultPath != conf.DefaultPath {
		t.Error("conf looks elsewhere")
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	own := filepath.Join(dir, "pneu", "pneu.toml")
	if err := os.MkdirAll(filepath.Dir(own), 0o700); err != nil {
		t.Fatal(err)
	}
	check := func(flag, env, xdg string) {
		t.Helper()
		t.Setenv("PNEU_CONFIG", env)
		t.Setenv("XDG_CONFIG_HOME", xdg)
		t.Setenv("HOME", "")
		got, err := Find(flag)
		want, werr := conf.Find(flag)
		if got != want || sysexits.Code(err) != sysexits.Code(werr) {
			t.Errorf("Find(%q) with %q, %q = %q, %v; conf says %q, %v", flag, env, xdg, got, err, want, werr)
		}
	}
	check("flag", "env", dir)
	check("", "env", dir)
	check("", "", dir)
	if err := os.WriteFile(own, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	check("", "", dir)
	check("", "", "")
}

// FuzzParse: what brief accepts, conf reads alike.
func FuzzParse(f *testing.F) {
	f.Add("hostname = \"a\"\ndomains = ['b', \"c\"] # x\nmessage_size = 1_0\n")
	f.Add("spool = \"\\t\"\r\n[x]\n")
	tables := regexp.MustCompile(`(?s)(^|\n)[ \t]*\[.*`) // what follows is not brief's to check
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Parse("f.toml", text)
		if err != nil {
			return
		}
		if top := tables.ReplaceAllString(text, "\n"); !strings.Contains(top, "[") || !strings.Contains(text, "\n[") {
			if again, err := Parse("f.toml", top); err == nil && reflect.DeepEqual(again, got) {
				agree(t, top, got)
			}
		}
	})
}
