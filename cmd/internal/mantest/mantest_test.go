package mantest

import (
	"reflect"
	"testing"
)

func TestItems(t *testing.T) {
	page := `.Sh OPTIONS
Not an item: Fl x.
.Bl -tag -width Ds
.It Fl C Ar file , Fl -config Ar file
.It Fl -no-tui
.It Fl i , oi
.It Cm user add Ar address Op Fl -password-stdin
.It Cm check
.It Pa /etc
.El
`
	want := map[string]bool{"C": true, "config": true, "no-tui": true, "i": true, "oi": true, "password-stdin": true}
	if got := items(page); !reflect.DeepEqual(got, want) {
		t.Errorf("options: %v, want %v", got, want)
	}
	commands := map[string]bool{"user add": true, "check": true}
	if got := verbs(page); !reflect.DeepEqual(got, commands) {
		t.Errorf("commands: %v, want %v", got, commands)
	}
}
