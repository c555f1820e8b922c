package index

import (
	"os"
	"path/filepath"
	"testing"
)

// A running Dovecot compares seconds: two changes within one must differ in them,
// or it gives a letter that we have given to another word (rule 6).
func TestRule6TimeOfKeywordsGrows(t *testing.T) {
	path := filepath.Join(t.TempDir(), keywordFile)
	last := int64(0)
	for _, text := range []string{"0 a\n", "0 a\n1 b\n", "0 a\n1 b\n2 c\n"} {
		if err := replaceFile(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if now := st.ModTime().Unix(); now <= last {
			t.Errorf("time of the file was %d, is %d", last, now)
		} else {
			last = now
		}
	}
}
