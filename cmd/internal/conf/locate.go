package conf

import (
	"errors"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"pneu/mta/sysexits"
)

// located turns the TOML library's error into one that names file, line and
// column.
func located(path, text string, err error) error {
	var pe toml.ParseError
	if errors.As(err, &pe) {
		line, col := pe.Position.Line, pe.Position.Col
		if key := lastKey(pe.LastKey); key != "" && col <= 1 {
			if l, c := find(text, strings.Split(pe.LastKey, ".")); l > 0 {
				line, col = l, c
			}
		}
		msg := pe.Message
		if msg == "" {
			msg = strings.TrimPrefix(err.Error(), "toml: ")
		}
		if strings.HasPrefix(msg, "invalid duration: ") {
			msg = strings.TrimPrefix(msg, "invalid duration: ") + " is not a time: " + writeTime
		}
		return position(path, line, max(col, 1), msg)
	}
	// Decoding errors say their place in words alone: line 2 (last key "a.b"): what.
	msg := strings.TrimPrefix(err.Error(), "toml: ")
	line, col := 1, 1
	if rest, ok := strings.CutPrefix(msg, "line "); ok {
		num, rest, _ := strings.Cut(rest, " ")
		if n, err := strconv.Atoi(strings.TrimSuffix(num, ":")); err == nil {
			line, msg = n, rest
		}
		if key, what, ok := strings.Cut(strings.TrimPrefix(rest, `(last key "`), `"): `); ok {
			if l, c := find(text, strings.Split(key, ".")); l > 0 {
				line, col = l, c
			}
			msg = plain(key, what)
		}
	}
	return position(path, line, col, msg)
}

// at is an error about a key of the file.
func at(path, text string, key toml.Key, msg string) error {
	line, col := find(text, key)
	return position(path, max(line, 1), max(col, 1), msg)
}

// Wrong is the error of a program that cannot use the value of a key, such as
// "relay" or "qrun.tls": it says where the key stands.
func (f *File) Wrong(key, text string) error {
	b, err := os.ReadFile(f.Path)
	if err != nil { // it was there a moment ago
		return sysexits.New(sysexits.Config, f.Path+": "+text)
	}
	return sysexits.Wrap(sysexits.Config, at(f.Path, string(b), strings.Split(key, "."), text))
}

func position(path string, line, col int, msg string) error {
	return errors.New(path + ":" + strconv.Itoa(line) + ":" + strconv.Itoa(col) + ": " + msg)
}

const writeTime = `write "90s", "5m" or "4h"`

// plain says what the library says of a value's type, without Go's names.
func plain(key, what string) string {
	last := lastKey(key)
	if strings.HasPrefix(what, "type mismatch for ") {
		return last + " is a table: write [" + key + "]"
	}
	_, wanted, ok := strings.Cut(what, "destination has type ")
	if !ok {
		return last + ": " + what
	}
	switch wanted {
	case "slice":
		return last + ` must be a list: write ["a", "b"]`
	case "string", "primitive (string-like)":
		return last + ` must be a string: write "..."`
	case "integer", "float":
		return last + " must be a number"
	case "boolean":
		return last + " must be true or false"
	case "map":
		return last + " is a table: write [" + key + "]"
	}
	return last + ": " + what
}

func isTable(v any) bool {
	_, ok := v.(map[string]any)
	return ok
}

// bareTime finds a time that is written as a number, which the library takes
// for nanoseconds. Zero is zero in every unit.
func bareTime(t reflect.Type, v any, key toml.Key) toml.Key {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if n, ok := v.(int64); ok && n != 0 && t == reflect.TypeFor[time.Duration]() {
		return key
	}
	table, ok := v.(map[string]any)
	if !ok || t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
		if name == "" || name == "-" {
			continue
		}
		if found := bareTime(f.Type, table[name], append(key[:len(key):len(key)], name)); found != nil {
			return found
		}
	}
	return nil
}

func lastKey(k string) string { return k[strings.LastIndexByte(k, '.')+1:] }

// find looks for the line and column where a key stands. The TOML library
// keeps positions to itself; this follows table headers and the first word of
// each line, which is where keys of a configuration file are.
func find(text string, key []string) (line, col int) {
	if len(key) == 0 {
		return 0, 0
	}
	table := []string{}
	for n, l := range strings.Split(text, "\n") {
		t := strings.TrimLeft(l, " \t")
		indent := len(l) - len(t)
		if strings.HasPrefix(t, "[") {
			head := strings.Trim(strings.TrimSpace(strings.SplitN(t, "#", 2)[0]), "[]")
			table = words(head)
			if same(table, key) {
				return n + 1, indent + 1
			}
			continue
		}
		name, _, ok := strings.Cut(t, "=")
		if !ok || strings.HasPrefix(t, "#") {
			continue
		}
		if same(append(append([]string{}, table...), words(name)...), key) {
			return n + 1, indent + 1
		}
	}
	if len(key) > 1 { // inside an inline table or an array: where that begins
		return find(text, key[:len(key)-1])
	}
	return 0, 0
}

func words(s string) []string {
	var w []string
	for _, p := range strings.Split(s, ".") {
		w = append(w, strings.Trim(strings.TrimSpace(p), `"'`))
	}
	return w
}

func same(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

func quoted(s string) string { return strconv.Quote(s) }

// keysOf lists the names under which the fields of a struct stand in the file.
func keysOf(v any) []string {
	t := reflect.TypeOf(v)
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	var keys []string
	for i := range t.NumField() {
		f := t.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
		switch {
		case tag == "-" || f.PkgPath != "" && !f.Anonymous:
		case tag != "":
			keys = append(keys, tag)
		case f.Anonymous:
			keys = append(keys, keysOf(reflect.Zero(f.Type).Interface())...)
		default:
			keys = append(keys, strings.ToLower(f.Name))
		}
	}
	return keys
}

// suggest names the known key nearest to a wrong one.
func suggest(wrong string, known []string) string {
	best, dist := "", len(wrong)/3+2
	for _, k := range known {
		if d := distance(wrong, k); d < dist {
			best, dist = k, d
		}
	}
	if best == "" {
		return ""
	}
	return ` (did you mean "` + best + `"?)`
}

// distance counts the letters to insert, delete, change or swap.
func distance(a, b string) int {
	prev2, prev := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur := make([]int, len(b)+1)
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev = prev, cur
	}
	return prev[len(b)]
}
