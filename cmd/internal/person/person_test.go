package person

import (
	"os"
	"path/filepath"
	"testing"

	"pneu/cmd/internal/conf"
)

func TestAddresses(t *testing.T) {
	t.Setenv("EMAIL", "Ada <ada@example.org>, ada")
	f := conf.Default()
	f.Domains = []string{"here.test"}
	got := Addresses("Boss <boss@example.org>", f)
	if len(got) < 3 || got[0].Addr != "boss@example.org" || got[1].Name != "Ada" || got[2].Addr != "ada@here.test" {
		t.Errorf("got %v", got)
	}
	if again := Addresses("ada@EXAMPLE.org", f); again[0].Addr != "ada@EXAMPLE.org" || again[1].Addr == "ada@example.org" {
		t.Errorf("one address twice: %v", again)
	}
}

func TestSignature(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	if s := Signature(); s != "" {
		t.Errorf("signature from nowhere: %q", s)
	}
	if err := os.WriteFile(filepath.Join(home, ".signature"), []byte("-- \nAda\nThe Mill\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := Signature(); s != "Ada\nThe Mill" {
		t.Errorf("signature %q", s)
	}
}
