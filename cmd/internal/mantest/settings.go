package mantest

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Settings compares the keys of opt, a struct with toml tags, with the items of
// a section of pneu.conf(5), such as "[qrun]": each key has an item of its own
// that says its type and its default,
//
//	.It Ic backoff Pq time
//
// and no item is of a key that opt does not have.
func Settings(t *testing.T, section string, opt any) {
	t.Helper()
	b, err := os.ReadFile(find(t, "pneu.conf.5"))
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range compare(string(b), section, reflect.TypeOf(opt)) {
		t.Errorf("pneu.conf.5, %s: %s", section, fault)
	}
}

func compare(page, section string, opt reflect.Type) []string {
	var faults []string
	told := settingItems(page, section)
	has := map[string]bool{}
	for _, k := range keys("", opt) {
		has[k.name] = true
		item, ok := told[k.name]
		switch {
		case !ok:
			faults = append(faults, k.name+" is not described")
		case item.kind != k.kind:
			faults = append(faults, k.name+" is a "+k.kind+", not a "+item.kind)
		case !strings.Contains(item.text, "Default:"):
			faults = append(faults, k.name+" has no default")
		}
	}
	names := map[string]bool{}
	for n := range told {
		names[n] = true
	}
	for _, n := range sorted(names) {
		if !has[n] {
			faults = append(faults, n+" is no setting")
		}
	}
	return faults
}

type setting struct{ name, kind, text string }

// keys lists the settings of a struct; those of a struct within it as
// "timeouts.connect".
func keys(above string, typ reflect.Type) []setting {
	var list []setting
	for i := range typ.NumField() {
		f := typ.Field(i)
		tag := f.Tag.Get("toml")
		if tag == "-" || !f.IsExported() {
			continue
		}
		if tag == "" {
			tag = f.Name // what the decoder would take; no page will have it
		}
		if f.Type.Kind() == reflect.Struct {
			list = append(list, keys(above+tag+".", f.Type)...)
			continue
		}
		list = append(list, setting{name: above + tag, kind: kind(f.Type)})
	}
	return list
}

func kind(typ reflect.Type) string {
	if typ.Kind() == reflect.Pointer { // nil is the default
		typ = typ.Elem()
	}
	switch {
	case typ == reflect.TypeFor[time.Duration]():
		return "time"
	case typ.Name() == "Size":
		return "size"
	case typ.Kind() == reflect.Slice && typ.Elem().Kind() == reflect.String:
		return "list"
	case typ.Kind() == reflect.Bool:
		return "boolean"
	case typ.Kind() == reflect.String:
		return "string"
	case typ.Kind() == reflect.Int || typ.Kind() == reflect.Int64:
		return "number"
	}
	return typ.String()
}

var settingLine = regexp.MustCompile(`^\.It Ic ([a-z0-9_.]+) Pq ([a-z]+)$`)

// settingItems reads the items of the section whose heading is ".Ss section".
func settingItems(page, section string) map[string]setting {
	got := map[string]setting{}
	within := false
	var at string
	for line := range strings.Lines(page) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, ".Ss ") || strings.HasPrefix(line, ".Sh "):
			within, at = line == ".Ss "+section, ""
		case !within:
		case strings.HasPrefix(line, ".It "):
			at = line
			if m := settingLine.FindStringSubmatch(line); m != nil {
				at = m[1]
				got[at] = setting{name: m[1], kind: m[2]}
			} else {
				got[at] = setting{name: line}
			}
		case at != "":
			s := got[at]
			s.text += line + "\n"
			got[at] = s
		}
	}
	return got
}
