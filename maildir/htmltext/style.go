package htmltext

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// paint is what of an element's colours is known; -1 is unknown.
type paint struct{ fg, bg int32 }

func attrOf(attr []html.Attribute, key string) (string, bool) {
	for _, a := range attr {
		if a.Key == key {
			return a.Val, true
		}
	}
	return "", false
}

// declarations calls f with each property of a style attribute, in lower case and
// without "!important". Semicolons in quotes or url() are not looked for: such a
// declaration is cut, which loses nothing that is asked about here.
func declarations(style string, f func(name, value string)) {
	for style != "" {
		var d string
		d, style, _ = strings.Cut(style, ";")
		name, value, ok := strings.Cut(d, ":")
		if !ok {
			continue
		}
		value = strings.ToLower(strings.TrimSpace(value))
		value = strings.TrimSpace(strings.TrimSuffix(value, "!important"))
		f(strings.ToLower(strings.TrimSpace(name)), value)
	}
}

// paintOf returns the colours of an element below one painted up. A background that
// cannot be known (a picture, a gradient) makes the colour below unknown too.
func paintOf(up paint, attr []html.Attribute) paint {
	p := up
	if len(attr) == 0 {
		return p
	}
	if v, ok := attrOf(attr, "bgcolor"); ok {
		p.bg = colour(v)
	}
	if v, ok := attrOf(attr, "color"); ok {
		p.fg = colour(v)
	}
	if v, ok := attrOf(attr, "style"); ok {
		declarations(v, func(name, value string) {
			switch name {
			case "color":
				p.fg = colour(value)
			case "background-color":
				if value != "transparent" && value != "inherit" {
					p.bg = colour(value)
				}
			case "background":
				switch c := colour(value); {
				case value == "none" || value == "transparent":
				case c >= 0:
					p.bg = c
				default:
					p.bg = -1
				}
			case "background-image":
				if value != "none" {
					p.bg = -1
				}
			}
		})
	}
	return p
}

// colour reads #rgb, #rrggbb, rgb(r,g,b) and the names spammers use to hide text.
func colour(s string) int32 {
	s = strings.ToLower(strings.TrimSpace(s))
	switch s {
	case "white":
		return 0xffffff
	case "black":
		return 0
	case "red":
		return 0xff0000
	case "blue":
		return 0x0000ff
	case "gray", "grey":
		return 0x808080
	case "silver":
		return 0xc0c0c0
	case "whitesmoke":
		return 0xf5f5f5
	}
	if in, ok := strings.CutPrefix(s, "rgb("); ok {
		in, _, _ = strings.Cut(in, ")")
		var c int32
		parts := strings.FieldsFunc(in, func(r rune) bool { return r == ',' || r == ' ' })
		if len(parts) != 3 {
			return -1
		}
		for _, f := range parts {
			n, err := strconv.ParseUint(f, 10, 8)
			if err != nil {
				return -1
			}
			c = c<<8 | int32(n)
		}
		return c
	}
	s = strings.TrimPrefix(s, "#")
	if len(s) == 3 {
		s = string([]byte{s[0], s[0], s[1], s[1], s[2], s[2]})
	}
	if len(s) != 6 {
		return -1
	}
	n, err := strconv.ParseUint(s, 16, 32)
	if err != nil {
		return -1
	}
	return int32(n)
}

// alike reports whether no reader could tell text from ground. It is asked about
// each piece of text: below a white cell may stand an element of another colour.
func (p paint) alike() bool {
	if p.fg < 0 || p.bg < 0 {
		return false
	}
	for shift := 0; shift <= 16; shift += 8 {
		d := (p.fg>>shift)&0xff - (p.bg>>shift)&0xff
		if d > 8 || d < -8 {
			return false
		}
	}
	return true
}

// hidden reports whether the sender made the element invisible, by its attributes.
// Not by mso-hide: that hides from Outlook alone, and the usual button has its
// Outlook form in a conditional comment, so readers would lose it.
func hidden(attr []html.Attribute) bool {
	if len(attr) == 0 {
		return false
	}
	if _, ok := attrOf(attr, "hidden"); ok {
		return true
	}
	v, ok := attrOf(attr, "style")
	if !ok {
		return false
	}
	hide, overflow, zero := false, false, false
	declarations(v, func(name, value string) {
		switch name {
		case "display":
			hide = hide || value == "none"
		case "visibility":
			hide = hide || value == "hidden" || value == "collapse"
		case "opacity":
			hide = hide || isZero(value)
		case "font-size":
			hide = hide || isZero(value) || value == "1px" || value == "1pt"
		case "max-height":
			hide = hide || isZero(value)
		case "height", "width", "max-width":
			zero = zero || isZero(value)
		case "overflow":
			overflow = value == "hidden"
		case "text-indent":
			n, _, _ := strings.Cut(value, "px")
			f, err := strconv.ParseFloat(n, 64)
			hide = hide || err == nil && f <= -999
		}
	})
	return hide || zero && overflow
}

// isZero reports whether a CSS length or number is nothing: 0, 0px, 0.0em.
func isZero(v string) bool {
	v = strings.TrimRight(v, "abcdefghijklmnopqrstuvwxyz%")
	f, err := strconv.ParseFloat(v, 64)
	return err == nil && f < 0.05
}

// styleOf returns the value of one property of the node's style, lower case.
func (n *node) styleOf(name string) (value string) {
	if v := n.get("style"); v != "" {
		declarations(v, func(k, val string) {
			if k == name {
				value = val
			}
		})
	}
	return value
}
