package mantest

import (
	"reflect"
	"testing"
	"time"
)

func TestCompareSettings(t *testing.T) {
	type options struct {
		Wait   time.Duration `toml:"wait"`
		Limits struct {
			Most int `toml:"most"`
		} `toml:"limits"`
		Hidden string `toml:"-"`
	}
	const head = ".Sh A\n.It Ic other Pq time\n.Ss [x]\n"
	tests := []struct {
		name, page string
		want       []string
	}{
		{"sound", head + ".It Ic wait Pq time\nIt waits.\nDefault: 5m.\n.It Ic limits.most Pq number\nDefault: 1.\n.El\n.Ss [y]\n.It Ic z Pq time\n", nil},
		{"missing", head + ".It Ic wait Pq time\nDefault: 5m.\n", []string{"limits.most is not described"}},
		{"left over", head + ".It Ic wait Pq time\nDefault: 5m.\n.It Ic limits.most Pq number\nDefault: 1.\n.It Ic old Pq time\nDefault: 1s.\n", []string{"old is no setting"}},
		{"type and default", head + ".It Ic wait Pq number\nDefault: 5m.\n.It Ic limits.most Pq number\n", []string{"wait is a time, not a number", "limits.most has no default"}},
		{"two in one item", head + ".It Ic wait , limits.most\nDefault: 5m.\n", []string{"wait is not described", "limits.most is not described", ".It Ic wait , limits.most is no setting"}},
	}
	for _, tt := range tests {
		if got := compare(tt.page, "[x]", reflect.TypeFor[options]()); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
