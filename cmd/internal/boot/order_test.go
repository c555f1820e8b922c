package boot

import (
	"slices"
	"testing"

	"github.com/urfave/cli/v2"
)

func TestOrder(t *testing.T) {
	app := &cli.App{
		Flags: []cli.Flag{&cli.StringFlag{Name: "config", Aliases: []string{"C"}}, &cli.BoolFlag{Name: "json"}},
		Commands: []*cli.Command{
			{Name: "user", Subcommands: []*cli.Command{{Name: "add", Flags: []cli.Flag{&cli.BoolFlag{Name: "password-stdin"}, &cli.IntFlag{Name: "quota"}}}}},
			{Name: "flag", SkipFlagParsing: true},
		},
	}
	tests := []struct {
		name      string
		have, own []string
	}{
		{"nothing", []string{"p"}, []string{"p"}},
		{"behind the word", []string{"p", "user", "add", "a@b", "--password-stdin"}, []string{"p", "user", "add", "--password-stdin", "a@b"}},
		{"with a value", []string{"p", "-C", "f", "user", "add", "a@b", "--quota", "3", "c"}, []string{"p", "-C", "f", "user", "add", "--quota", "3", "a@b", "c"}},
		{"glued", []string{"p", "x", "-C=f", "y"}, []string{"p", "-C=f", "x", "y"}},
		{"dashes end it", []string{"p", "x", "--json", "--", "--json"}, []string{"p", "--json", "--", "x", "--json"}},
		{"a command parses for itself", []string{"p", "flag", "+S", "-F", "."}, []string{"p", "flag", "+S", "-F", "."}},
		{"a lone dash is a word", []string{"p", "-", "--json"}, []string{"p", "--json", "-"}},
		{"value missing", []string{"p", "x", "-C"}, []string{"p", "-C", "x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := order(app, tt.have); !slices.Equal(got, tt.own) {
				t.Errorf("%q, want %q", got, tt.own)
			}
		})
	}
}
