package main

import (
	"fmt"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"

	"pneu/maildir/message"
	"pneu/maildir/safe"
)

// Templates of --format and of the folder of mv see the record's fields by their names in
// JSON, and Date and Received as times: {{.subject | trunc 40}}, {{.Date.Year}}.

func parseTemplate(s string) (*template.Template, error) {
	return template.New("format").Option("missingkey=error").Funcs(template.FuncMap{
		"date": fmtDate, "trunc": fmtTrunc, "pad": fmtPad, "addr": fmtAddr, "json": fmtJSON, "sh": shellQuote, "bytes": fmtBytes,
	}).Parse(s)
}

// fields returns the record as templates see it: by the names that JSON has. What a sender wrote
// is clean, what names a file is exact; addresses keep their type, and absent dates are empty.
func (r *record) fields() map[string]any {
	m := map[string]any{
		"v": r.V, "path": r.Path, "id": r.ID, "folder": r.Folder, "new": r.New, "flags": clean(r.Flags), "keywords": cleanList(r.Keywords),
		"mid": clean(r.MID), "thread": clean(r.Thread), "depth": 0, "refs": cleanList(r.Refs), "date": "", "received": "",
		"from": cleanAddrs(r.From), "to": cleanAddrs(r.To), "cc": cleanAddrs(r.Cc), "reply_to": cleanAddrs(r.ReplyTo),
		"subject": clean(r.Subject), "size": r.Size, "lines": r.Lines, "list": nil, "auth": nil,
		"crypto": r.Crypto, "lang": clean(r.Lang), "snippet": clean(r.Snippet), "text": clean(r.Text),
		"op": clean(r.Op), "dest": clean(r.Dest), "was": clean(r.Was), "of": clean(r.Of), "err": clean(r.Err),
		"Date": r.when, "Received": r.received,
	}
	if r.when.IsZero() {
		m["Date"] = r.received
	}
	if r.Depth != nil {
		m["depth"] = *r.Depth
	}
	if r.Date != nil {
		m["date"] = *r.Date
	}
	if r.Received != nil {
		m["received"] = *r.Received
	}
	files := make([]any, len(r.Attachments))
	for i, a := range r.Attachments {
		files[i] = map[string]any{"n": a.N, "type": clean(a.Type), "name": clean(a.Name), "size": a.Size}
	}
	m["attachments"] = files
	if l := r.List; l != nil {
		m["list"] = map[string]any{"id": clean(l.ID), "unsubscribe": clean(l.Unsubscribe), "one_click": l.OneClick}
	}
	if a := r.Auth; a != nil {
		m["auth"] = map[string]any{"dkim": clean(a.DKIM), "spf": clean(a.SPF), "dmarc": clean(a.DMARC), "arc": clean(a.ARC), "by": clean(a.By)}
	}
	return m
}

func clean(s string) string { return safe.Line(s).String() }

func cleanList(l []string) []any {
	out := make([]any, len(l))
	for i, s := range l {
		out[i] = clean(s)
	}
	return out
}

// cleaned cleans the strings in a value that came from JSON.
func cleaned(v any) any {
	switch v := v.(type) {
	case string:
		return clean(v)
	case []any:
		for i := range v {
			v[i] = cleaned(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = cleaned(v[k])
		}
	}
	return v
}

// people is an address list as templates see it.
type people []map[string]string

func cleanAddrs(l []message.Addr) people {
	out := make(people, len(l))
	for i, a := range l {
		out[i] = map[string]string{"name": clean(a.Name), "addr": clean(a.Addr)}
	}
	return out
}

func execute(t *template.Template, r *record) (string, error) {
	var b strings.Builder
	err := t.Execute(&b, r.fields())
	return b.String(), err
}

// mistake reports whether the template is wrong, and not the message unfit for it: then
// there is no use in going on.
func mistake(err error) bool {
	if err == nil {
		return false
	}
	s := err.Error()
	for _, sign := range []string{"map has no entry", "wrong number of args", "wrong type for value", "expected ", "can't evaluate field", "can't call", "maximum template depth", "non-function", "too many"} {
		if strings.Contains(s, sign) {
			return true
		}
	}
	return false
}

// explain says what is wrong with a template, without the words of text/template around it.
func explain(err error) string {
	s := err.Error()
	if _, field, ok := strings.Cut(s, `map has no entry for key "`); ok {
		return fmt.Sprintf("there is no field %q (pneu help json lists them)", strings.TrimSuffix(field, `"`))
	}
	if _, field, ok := strings.Cut(s, "nil pointer evaluating interface {}."); ok { // list and auth
		_, what, _ := strings.Cut(s, " at <.")
		what, _, _ = strings.Cut(what, ".")
		return fmt.Sprintf("there is no %s, and so no %s (write {{with .%[1]s}}{{.%[2]s}}{{end}})", what, field)
	}
	if _, name, ok := strings.Cut(s, `function "`); ok {
		name, _, _ = strings.Cut(name, `"`)
		return fmt.Sprintf("there is no function %q (there are date, trunc, pad, addr, json, sh and bytes)", name)
	}
	if _, rest, ok := strings.Cut(s, "error calling "); ok {
		return rest
	}
	if _, rest, ok := strings.Cut(s, " at <"); ok {
		return "<" + rest
	}
	return strings.TrimPrefix(s, "template: ")
}

// fmtDate formats a date by a Go layout: {{.date | date "2 Jan 2006"}}.
func fmtDate(layout string, v any) (string, error) {
	switch v := v.(type) {
	case time.Time:
		return v.Format(layout), nil
	case string:
		if v == "" {
			return "", nil
		}
		if t, err := time.Parse(time.RFC3339, v); err == nil {
			return t.Format(layout), nil
		}
	}
	return "", fmt.Errorf("%q is no date", fmt.Sprint(v))
}

// maxPad is wider than any screen.
const maxPad = 10000

func fmtTrunc(w int, v any) string { return safe.Line(text(v)).Truncate(w).String() }

func fmtPad(w int, v any) (string, error) {
	if w > maxPad {
		return "", fmt.Errorf("%d columns are too many", w)
	}
	return safe.Line(text(v)).Pad(w).String(), nil
}

// text is the form of a value in a line.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case people:
		return fmtAddr(v)
	}
	return fmt.Sprint(v)
}

// fmtAddr names people: "Ada Lovelace, grace@navy.example".
func fmtAddr(v any) string {
	list, _ := v.(people)
	names := make([]string, len(list))
	for i, a := range list {
		if names[i] = a["name"]; names[i] == "" {
			names[i] = a["addr"]
		}
	}
	return strings.Join(names, ", ")
}

func fmtJSON(v any) (string, error) {
	if s, ok := v.(string); ok && !utf8.ValidString(s) {
		return "", errNoUTF8
	}
	b, err := encode(v)
	return strings.TrimSuffix(string(b), "\n"), err
}

// shellQuote makes one word for sh(1) of any value.
func shellQuote(v any) string {
	return "'" + strings.ReplaceAll(text(v), "'", `'\''`) + "'"
}

// fmtBytes writes a size for people.
func fmtBytes(v any) string {
	n, ok := v.(int64)
	if !ok {
		if i, isInt := v.(int); isInt {
			n = int64(i)
		} else if f, isFloat := v.(float64); isFloat {
			n = int64(f)
		}
	}
	if n < 1000 {
		return strconv.FormatInt(n, 10)
	}
	f := float64(n)
	for _, u := range "kMGTPE" {
		if f /= 1024; f < 999.5 {
			if f < 9.95 {
				return strconv.FormatFloat(f, 'f', 1, 64) + string(u)
			}
			return strconv.FormatFloat(f, 'f', 0, 64) + string(u)
		}
	}
	return strconv.FormatInt(n, 10)
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}
