package maildir

import (
	"os"
	"path/filepath"
	"testing"
)

func TestQuota(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		want       Quota
	}{
		{"size and count", "10000000S,1000C\n123 1\n", Quota{10000000, 1000}},
		{"size alone", "52428800S\n", Quota{Bytes: 52428800}},
		{"count in front, no line end", "7C, 5S", Quota{5, 7}},
		{"none", "\n12 1\n", Quota{}},
		{"not to be understood", "S,C,-5S,xS,9999999999999999999S,3T\n", Quota{}},
		{"empty", "", Quota{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Create(filepath.Join(t.TempDir(), "Maildir"))
			if err != nil {
				t.Fatal(err)
			}
			if q, err := s.Quota(); q != (Quota{}) || err != nil {
				t.Errorf("without the file: %v, %v", q, err)
			}
			if err := os.WriteFile(filepath.Join(s.Root(), "maildirsize"), []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			if q, err := s.Quota(); q != tt.want || err != nil {
				t.Errorf("got %v, %v; want %v", q, err, tt.want)
			}
		})
	}
}
