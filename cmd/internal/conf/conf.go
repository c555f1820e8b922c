// Package conf reads pneu's one configuration file.
//
// The file is TOML. Its top-level keys, known to every program, are the fields
// of [File]; each program has one table, decoded into the Options of the
// package that does its work. An unknown key or a value that does not fit is
// an error that names file, line, column and the remedy, with exit code 78:
//
//	pneu.toml:12:3: unknown key "lisen" (did you mean "listen"?)
//
// Relative paths in the top-level keys are meant from the file's own folder,
// so that a system can be moved as a whole.
package conf

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"pneu/mta/sysexits"
)

// File holds the top-level keys of the configuration file.
type File struct {
	// Path is where the settings were read from.
	Path string `toml:"-"`
	// Hostname is this machine's name in mail: EHLO, Received, Message-ID.
	// Default: the system's host name.
	Hostname string `toml:"hostname"`
	// Domains are those whose mail is delivered here; the first completes
	// names without a domain. Default: the host name.
	Domains []string `toml:"domains"`
	// Spool is the queue's folder. Default: /var/spool/pneu.
	Spool string `toml:"spool"`
	// Users is the file of accounts; empty: local Unix users own ~/Maildir.
	Users string `toml:"users"`
	// Aliases is the file of aliases; empty: none.
	Aliases string `toml:"aliases"`
	// Mail is the template of an account's Maildir: %u user, %d domain, %h
	// home folder. Default: %h/Maildir.
	Mail string `toml:"mail"`
	// Relay is the smart host that takes all mail for other domains:
	// smtp://host:port, submission://host:port (STARTTLS required) or
	// smtps://host:port. Empty: by MX.
	Relay string `toml:"relay"`
	// RelayAuth is user:password for Relay, or file:PATH of a file with that
	// in its first line.
	RelayAuth string `toml:"relay_auth"`
	// Resolver is the DNS server to ask, host:port. Default: /etc/resolv.conf.
	Resolver string `toml:"resolver"`
	// Trusted networks are spared limits and delays; it grants no relaying.
	// Default: loopback.
	Trusted []string `toml:"trusted"`
	// RelayNetworks may send to other domains without logging in. Default: none.
	RelayNetworks []string `toml:"relay_networks"`
	// MessageSize is the largest message taken, as bytes or with a unit
	// ("20MB", "20MiB"). Default: 50 MB.
	MessageSize Size `toml:"message_size"`
}

// tables are the programs that may have a table of their own.
var tables = []string{"sendmail", "smtpd", "qrun", "deliver", "lmtpd", "imapd", "pop3d", "pneu", "tui", "mailauth", "sieve", "postmaster"}

// DefaultPath is where the system's configuration lies.
const DefaultPath = "/etc/pneu/pneu.toml"

// ErrNone says that there is no configuration file anywhere.
var ErrNone = errors.New("no configuration file (postmaster init writes one)")

// Find returns the path of the configuration file: flag if given, else
// $PNEU_CONFIG, else the system's, else the user's own. Without any it returns
// ErrNone, with exit code 78.
func Find(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if p := os.Getenv("PNEU_CONFIG"); p != "" {
		return p, nil
	}
	own := UserPath()
	for _, p := range []string{DefaultPath, own} {
		if p == "" {
			continue
		}
		if _, err := os.Stat(p); !errors.Is(err, fs.ErrNotExist) {
			return p, nil // one that cannot be read is an error later, not "none"
		}
	}
	return "", sysexits.Wrap(sysexits.Config, ErrNone)
}

// UserPath is where a user's own configuration lies; "" without a home.
func UserPath() string {
	dir := os.Getenv("XDG_CONFIG_HOME")
	if dir == "" {
		home := os.Getenv("HOME")
		if home == "" {
			return ""
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "pneu", "pneu.toml")
}

// Load reads the file at path and decodes the program's table into opt, a
// pointer to a struct that holds the defaults; table "" reads the top level
// alone.
func Load(path, table string, opt any) (*File, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, sysexits.Wrap(sysexits.Config, errors.New("read configuration: "+errText(err)))
	}
	f, err := Parse(path, string(b), table, opt)
	return f, sysexits.Wrap(sysexits.Config, err)
}

// Parse is Load for a text at hand; path names it in errors.
func Parse(path, text, table string, opt any) (*File, error) {
	top := struct {
		*File
		Tables map[string]toml.Primitive `toml:"-"`
	}{File: Default()}
	top.Path = path
	raw := map[string]toml.Primitive{}
	meta, err := toml.Decode(text, &raw)
	if err != nil {
		return nil, located(path, text, err)
	}
	if _, err := toml.Decode(text, top.File); err != nil {
		return nil, located(path, text, err)
	}
	values := map[string]any{}
	if _, err := toml.Decode(text, &values); err != nil {
		return nil, located(path, text, err)
	}
	if p, ok := raw[table]; ok && table != "" && opt != nil {
		if !isTable(values[table]) {
			return nil, at(path, text, toml.Key{table}, quoted(table)+" is a table: write ["+table+"]")
		}
		if err := meta.PrimitiveDecode(p, opt); err != nil {
			return nil, located(path, text, err)
		}
		if key := bareTime(reflect.TypeOf(opt), values[table], toml.Key{table}); key != nil {
			return nil, at(path, text, key, key[len(key)-1]+" must be a time with its unit: "+writeTime)
		}
	}
	known := append(keysOf(File{}), tables...)
	for _, k := range meta.Keys() {
		switch {
		case len(k) == 1 && !contains(known, k[0]):
			return nil, at(path, text, k, "unknown key "+quoted(k[0])+suggest(k[0], known))
		case len(k) == 1 && contains(tables, k[0]) && !isTable(values[k[0]]):
			return nil, at(path, text, k, quoted(k[0])+" is a table: write ["+k[0]+"]")
		}
	}
	if opt != nil {
		for _, k := range meta.Undecoded() {
			if len(k) > 1 && k[0] == table {
				last := k[len(k)-1]
				return nil, at(path, text, k, "unknown key "+quoted(last)+suggest(last, keysOf(opt)))
			}
		}
	}
	f := top.File
	if err := f.complete(); err != nil {
		var ve *valueError
		if errors.As(err, &ve) {
			return nil, at(path, text, toml.Key{ve.key}, ve.text)
		}
		return nil, err
	}
	return f, nil
}

// Default returns the settings in force without a file.
func Default() *File {
	return &File{
		Spool:       "/var/spool/pneu",
		Mail:        "%h/Maildir",
		Trusted:     []string{"127.0.0.0/8", "::1"},
		MessageSize: 50_000_000,
	}
}

type valueError struct{ key, text string }

func (e *valueError) Error() string { return e.key + ": " + e.text }

// complete fills what the file left out and makes paths absolute.
func (f *File) complete() error {
	if f.Hostname == "" {
		h, err := os.Hostname()
		if err != nil || h == "" {
			h = "localhost"
		}
		f.Hostname = h
	}
	if bad := badName(f.Hostname); bad != "" {
		return &valueError{"hostname", bad}
	}
	if len(f.Domains) == 0 {
		f.Domains = []string{f.Hostname}
	}
	for i, d := range f.Domains {
		f.Domains[i] = strings.ToLower(strings.TrimSuffix(d, "."))
		if bad := badName(f.Domains[i]); bad != "" {
			return &valueError{"domains", bad}
		}
	}
	if f.MessageSize <= 0 {
		return &valueError{"message_size", "must be above 0"}
	}
	dir := filepath.Dir(f.Path)
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	for _, p := range []*string{&f.Spool, &f.Users, &f.Aliases, &f.Mail} {
		if *p != "" && !filepath.IsAbs(*p) && !strings.HasPrefix(*p, "%h") {
			*p = filepath.Join(dir, *p)
		}
	}
	return nil
}

// badName says what is wrong with a host or domain name, "" if nothing.
func badName(s string) string {
	if s == "" {
		return "a name must not be empty"
	}
	if len(s) > 255 {
		return "a name has at most 255 bytes"
	}
	for _, r := range s {
		if r <= ' ' || r == 0x7f || strings.ContainsRune(`@<>()[]\,;:"/`, r) {
			return quoted(s) + " is not a host name: it holds " + strconv.QuoteRune(r)
		}
	}
	return ""
}

// Size is a number of bytes; in the file a number, or a string with a unit.
type Size int64

// UnmarshalTOML takes 20000000, "20000000", "20MB" and "20MiB".
func (s *Size) UnmarshalTOML(v any) error {
	switch v := v.(type) {
	case int64:
		*s = Size(v)
		return nil
	case string:
		n, err := ParseSize(v)
		*s = Size(n)
		return err
	}
	return errors.New(`a size is a number of bytes or a string such as "20MB"`)
}

// ParseSize reads a number of bytes with an optional unit: kB MB GB (powers of
// 1000), KiB MiB GiB or K M G (powers of 1024).
func ParseSize(s string) (int64, error) {
	t := strings.TrimSpace(s)
	i := 0
	for i < len(t) && t[i] >= '0' && t[i] <= '9' {
		i++
	}
	n, err := strconv.ParseInt(t[:i], 10, 64)
	if err != nil {
		return 0, errors.New(quoted(s) + " is not a size: write a number of bytes or one such as \"20MB\"")
	}
	unit := int64(0)
	switch strings.ToLower(strings.TrimSpace(t[i:])) {
	case "", "b":
		unit = 1
	case "kb":
		unit = 1e3
	case "mb":
		unit = 1e6
	case "gb":
		unit = 1e9
	case "k", "kib":
		unit = 1 << 10
	case "m", "mib":
		unit = 1 << 20
	case "g", "gib":
		unit = 1 << 30
	}
	if unit == 0 || n > (1<<62)/unit {
		return 0, errors.New(quoted(s) + " is not a size: write a number of bytes or one such as \"20MB\"")
	}
	return n * unit, nil
}

// errText is what a file error says without its operation: "PATH: reason".
func errText(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Path + ": " + pe.Err.Error()
	}
	return err.Error()
}
