package main

import (
	"reflect"
	"testing"
	"time"

	"pneu/mta/sysexits"
)

func TestParse(t *testing.T) {
	tests := []struct {
		args []string
		want options
		code int
	}{
		{[]string{"a@b"}, options{recipients: []string{"a@b"}}, 0},
		{[]string{"-fada@x", "-oi", "a@b"}, options{sender: "ada@x", senderSet: true, ignoreDots: true, recipients: []string{"a@b"}}, 0},
		{[]string{"-f", "ada@x", "-i", "--", "-a@b"}, options{sender: "ada@x", senderSet: true, ignoreDots: true, recipients: []string{"-a@b"}}, 0},
		{[]string{"-r", "", "a@b"}, options{senderSet: true, recipients: []string{"a@b"}}, 0},
		{[]string{"-it"}, options{ignoreDots: true, fromHeader: true}, 0},
		{[]string{"-ti", "-oem"}, options{ignoreDots: true, fromHeader: true, onError: errMail}, 0},
		{[]string{"-o", "i", "-o", "ee", "a"}, options{ignoreDots: true, onError: errZero, recipients: []string{"a"}}, 0},
		{[]string{"-oiXX", "-ep", "a"}, options{ignoreDots: true, onError: errPrint, recipients: []string{"a"}}, 0},
		{[]string{"-odb", "-om", "-oQ/x", "-O", "A=b", "-OC=d", "-G", "-U", "-n", "-m", "-Am", "-A", "c", "-h3", "-p", "ESMTP", "-X", "/log", "-d0.1", "-x", "a"}, options{recipients: []string{"a"}}, 0},
		{[]string{"-FAda King", "-F", "Eve", "a"}, options{fullName: "Eve", recipients: []string{"a"}}, 0},
		{[]string{"-Nnever", "-Rhdrs", "-Vx1", "-B8BITMIME", "-Ltag", "a"}, options{notify: "NEVER", ret: "HDRS", envid: "x1", body: "8BITMIME", tag: "tag", recipients: []string{"a"}}, 0},
		{[]string{"-N", "failure,delay", "-R", "full", "-V", "x", "-B", "7bit", "-L", "tag", "a"}, options{notify: "FAILURE,DELAY", ret: "FULL", envid: "x", body: "7BIT", tag: "tag", recipients: []string{"a"}}, 0},
		{[]string{"-bp"}, options{mode: modeQueue}, 0},
		{[]string{"-b", "p", "--json"}, options{mode: modeQueue, rest: []string{"--json"}}, 0},
		{[]string{"-bs", "-C", "x.toml"}, options{mode: modeSMTP, config: "x.toml"}, 0},
		{[]string{"-bi"}, options{mode: modeAliases}, 0},
		{[]string{"-I"}, options{mode: modeAliases}, 0},
		{[]string{"-bm", "a"}, options{recipients: []string{"a"}}, 0},
		{[]string{"-bv", "a"}, options{mode: modeVerify, recipients: []string{"a"}}, 0},
		{[]string{"-q"}, options{mode: modeRun}, 0},
		{[]string{"-qf"}, options{mode: modeRun}, 0},
		{[]string{"-qfx"}, options{mode: modeRun}, sysexits.Usage},
		{[]string{"-q15m"}, options{mode: modeRun}, 0},
		{[]string{"-qI1KQ"}, options{mode: modeRun, rest: []string{"try", "--id", "1KQ"}}, 0},
		{[]string{"-qRx.org"}, options{mode: modeRun, rest: []string{"try", "--to", "x.org"}}, 0},
		{[]string{"-qR", "x.org"}, options{mode: modeRun, rest: []string{"try", "--to", "x.org"}}, 0},
		{[]string{"-qS"}, options{mode: modeRun}, sysexits.Usage},
		{[]string{"-qSa@b"}, options{mode: modeRun, rest: []string{"try", "--from", "a@b"}}, 0},
		{[]string{"--hold-for", "10s", "--print-id", "a"}, options{holdFor: 10 * time.Second, printID: true, recipients: []string{"a"}}, 0},
		{[]string{"--hold-for=2h", "--config=x", "-v", "a"}, options{holdFor: 2 * time.Hour, config: "x", verbose: true, recipients: []string{"a"}}, 0},
		{[]string{"-Z"}, options{}, sysexits.Usage},
		{[]string{"-iZ"}, options{ignoreDots: true}, sysexits.Usage},
		{[]string{"-bd"}, options{}, sysexits.Usage},
		{[]string{"-bX"}, options{}, sysexits.Usage},
		{[]string{"-f"}, options{}, sysexits.Usage},
		{[]string{"-qX"}, options{mode: modeRun}, sysexits.Usage},
		{[]string{"-N", "sometimes"}, options{}, sysexits.Usage},
		{[]string{"-N", "never,delay"}, options{}, sysexits.Usage},
		{[]string{"-oex"}, options{}, sysexits.Usage},
		{[]string{"--nonsense"}, options{}, sysexits.Usage},
		{[]string{"--hold-for", "soon"}, options{}, sysexits.Usage},
	}
	for _, tt := range tests {
		got, err := parse("sendmail", tt.args)
		if sysexits.Code(err) != tt.code || !reflect.DeepEqual(*got, tt.want) {
			t.Errorf("parse(%q) = %+v, %v\nwant %+v, exit %d", tt.args, *got, err, tt.want, tt.code)
		}
	}
}

func FuzzParse(f *testing.F) { // any arguments give options or a usage error
	f.Add("-f", "a@b", "-oi")
	f.Add("-o", "", "-q")
	f.Add("-e", "--hold-for=", "-b")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if _, err := parse("sendmail", []string{a, b, c}); err != nil && sysexits.Code(err) != sysexits.Usage {
			t.Errorf("%q %q %q: %v", a, b, c, err)
		}
	})
}

func TestGecos(t *testing.T) {
	tests := []struct{ in, login, want string }{
		{"Ada King,Room 1,2,3", "ada", "Ada King"},
		{"& King", "ada", "Ada King"},
		{"", "ada", ""},
	}
	for _, tt := range tests {
		if got := gecos(tt.in, tt.login); got != tt.want {
			t.Errorf("gecos(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}
