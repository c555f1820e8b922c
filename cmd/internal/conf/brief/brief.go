// Package brief reads the few settings that cmd/sendmail needs, without the
// TOML library: that library and what it links would cost a quarter of the
// time the program lives.
//
// It reads the same file as package conf, as far as the first table, and in
// the plain forms of TOML: a string in one line, a number, a list of strings.
// What it cannot read is an error with file, line and column, never a guess;
// a test holds it against package conf.
package brief

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"

	"pneu/mta/sysexits"
)

// File holds the settings.
type File struct {
	Path        string
	Hostname    string
	Domains     []string
	Spool       string
	MessageSize int64
}

// DefaultPath is where the system's configuration lies.
const DefaultPath = "/etc/pneu/pneu.toml"

// Find returns the path of the configuration file: flag if given, else
// $PNEU_CONFIG, else the system's, else the user's own. A program with more
// rights than its user gives them up before it reads any but the system's.
func Find(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if p := os.Getenv("PNEU_CONFIG"); p != "" {
		return p, nil
	}
	own := os.Getenv("XDG_CONFIG_HOME")
	if home := os.Getenv("HOME"); own == "" && home != "" {
		own = home + "/.config"
	}
	var st syscall.Stat_t
	if err := syscall.Stat(DefaultPath, &st); err != syscall.ENOENT && err != syscall.ENOTDIR {
		return DefaultPath, nil
	}
	if own != "" && syscall.Stat(own+"/pneu/pneu.toml", &st) == nil {
		return own + "/pneu/pneu.toml", nil
	}
	return "", sysexits.New(sysexits.Config, "no configuration file (postmaster init writes one)")
}

// Load reads the file at path.
func Load(path string) (*File, error) {
	b, err := read(path)
	if err != nil {
		return nil, sysexits.New(sysexits.Config, "read configuration: "+path+": "+err.Error())
	}
	return Parse(path, string(b))
}

// maxFile is far more than a configuration has.
const maxFile = 4 << 20

// read is os.ReadFile without the poller that the first *os.File starts: eight
// system calls less.
func read(path string) ([]byte, error) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	b := make([]byte, 0, 2<<10)
	for {
		if len(b) == cap(b) {
			b = append(b, make([]byte, len(b))...)[:len(b)]
		}
		n, err := syscall.Read(fd, b[len(b):cap(b)])
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return nil, err
		case n == 0:
			return b, nil
		case len(b)+n > maxFile:
			return nil, syscall.EFBIG
		default:
			b = b[:len(b)+n]
		}
	}
}

// other are the top-level keys that sendmail does not need.
const other = " users aliases mail relay relay_auth resolver trusted relay_networks "

// Parse reads the text of a file.
func Parse(path, text string) (*File, error) {
	f := &File{Path: path, Spool: "/var/spool/pneu", MessageSize: 50_000_000}
	p := &parser{text: text}
	if p.at = unprintable(text); p.at >= 0 {
		line, col := p.position()
		return nil, sysexits.New(sysexits.Config, path+":"+strconv.Itoa(line)+":"+strconv.Itoa(col)+": a control character, or not UTF-8")
	}
	p.at = 0
	seen := map[string]bool{}
	for {
		p.blank()
		if p.at >= len(p.text) || p.text[p.at] == '[' {
			break
		}
		start := p.at
		key, v, err := p.pair()
		if err == nil && seen[key] {
			err = errors.New("key \"" + key + "\" stands here twice")
			p.at = start
		}
		seen[key] = true
		if err == nil {
			if err = f.set(key, v); err != nil {
				p.at = start
			}
		}
		if err != nil {
			line, col := p.position()
			return nil, sysexits.New(sysexits.Config, path+":"+strconv.Itoa(line)+":"+strconv.Itoa(col)+": "+err.Error())
		}
	}
	if err := f.complete(); err != nil {
		return nil, sysexits.New(sysexits.Config, path+": "+err.Error())
	}
	return f, nil
}

// A value is one of the three.
type value struct {
	kind byte // 's' string, 'n' number, 'l' list, 'b' bool
	text string
	list []string
}

func (f *File) set(key string, v value) error {
	text := func(to *string) error {
		if v.kind != 's' {
			return errors.New(key + " must be a string")
		}
		*to = v.text
		return nil
	}
	switch key {
	case "hostname":
		return text(&f.Hostname)
	case "spool":
		return text(&f.Spool)
	case "domains":
		if v.kind != 'l' {
			return errors.New("domains must be a list of strings")
		}
		f.Domains = v.list
		return nil
	case "message_size":
		if v.kind != 's' && v.kind != 'n' {
			return errors.New("message_size must be a number of bytes or a string such as \"20MB\"")
		}
		n, ok := parseSize(v.text)
		if !ok || n <= 0 {
			return errors.New("message_size: \"" + v.text + "\" is not a size: write a number of bytes or one such as \"20MB\"")
		}
		f.MessageSize = n
		return nil
	}
	if !strings.Contains(other, " "+key+" ") {
		return errors.New("unknown key \"" + key + "\"")
	}
	return nil
}

func parseSize(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	n, err := strconv.ParseInt(s[:i], 10, 64)
	unit := map[string]int64{
		"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9,
		"k": 1 << 10, "kib": 1 << 10, "m": 1 << 20, "mib": 1 << 20, "g": 1 << 30, "gib": 1 << 30,
	}[strings.ToLower(strings.TrimSpace(s[i:]))]
	if err != nil || unit == 0 || n > (1<<62)/unit {
		return 0, false
	}
	return n * unit, true
}

func (f *File) complete() error {
	if f.Hostname == "" {
		if h, err := os.Hostname(); err == nil && h != "" {
			f.Hostname = h
		} else {
			f.Hostname = "localhost"
		}
	}
	if len(f.Domains) == 0 {
		f.Domains = []string{f.Hostname}
	}
	for i, d := range f.Domains {
		f.Domains[i] = strings.ToLower(strings.TrimSuffix(d, "."))
	}
	for _, name := range append([]string{f.Hostname}, f.Domains...) {
		if name == "" || len(name) > 255 || strings.ContainsAny(name, " \t\r\n@<>()[]\\,;:\"/\x00\x7f") {
			return errors.New(strconv.Quote(name) + " is not a host name")
		}
	}
	if f.Spool != "" && f.Spool[0] != '/' {
		dir := "."
		if i := strings.LastIndexByte(f.Path, '/'); i >= 0 {
			dir = f.Path[:i+1]
		}
		if dir[0] != '/' {
			wd, err := os.Getwd()
			if err != nil {
				return err
			}
			dir = wd + "/" + dir
		}
		f.Spool = clean(dir + "/" + f.Spool)
	}
	return nil
}
