package main

import "testing"

func TestPatchOf(t *testing.T) {
	tests := []struct {
		subject string
		want    patch
		ok      bool
	}{
		{"[PATCH] one", patch{1, 1, 1, "patch"}, true},
		{"[PATCH v3 02/12] x", patch{3, 2, 12, "patch"}, true},
		{"[PATCH net-next v2 0/3] cover", patch{2, 0, 3, "patch net-next"}, true},
		{"[PATCHv2 1/2] x", patch{2, 1, 2, ""}, true},
		{"[list] [RFC PATCH 1/2] x", patch{1, 1, 2, "rfc patch"}, true},
		{"Re: [PATCH v3 02/12] x", patch{}, false},
		{"AW: [PATCH] x", patch{}, false},
		{"dispatch", patch{}, false},
		{"[list] talk of patches", patch{}, false},
		{"", patch{}, false},
		{"[PATCH 99999999999999999999/2] x", patch{1, 1, 1, "patch 99999999999999999999/2"}, true},
	}
	for _, tt := range tests {
		got, ok := patchOf(tt.subject)
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("%q: %+v, %v; want %+v, %v", tt.subject, got, ok, tt.want, tt.ok)
		}
	}
}
