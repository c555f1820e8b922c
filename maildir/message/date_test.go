package message

import (
	"testing"
	"time"
)

func TestParseDate(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"usual", "Tue, 03 Mar 2026 10:00:05 +0100", "2026-03-03T10:00:05+01:00"},
		{"no day of the week", "3 Mar 2026 10:00:05 -0330", "2026-03-03T10:00:05-03:30"},
		{"comments and folds", "Thu,\r\n 13\r\n Feb\r\n 1969\r\n 23:32\r\n -0330 (Newfoundland (NST) Time)", "1969-02-13T23:32:00-03:30"},
		{"two digits", "Fri, 21 Nov 97 09:55:06 EST", "1997-11-21T09:55:06-05:00"},
		{"two digits of this century", "3 Mar 26 10:00 GMT", "2026-03-03T10:00:00+00:00"},
		{"three digits", "3 Mar 126 10:00 GMT", "2026-03-03T10:00:00+00:00"},
		{"unknown zone", "3 Mar 2026 10:00:00 XYZ", "2026-03-03T10:00:00+00:00"},
		{"military zone", "3 Mar 2026 10:00:00 A", "2026-03-03T10:00:00+00:00"},
		{"no zone", "3 Mar 2026 10:00:00", "2026-03-03T10:00:00+00:00"},
		{"zone with a colon", "3 Mar 2026 10:00:00 +05:30", "2026-03-03T10:00:00+05:30"},
		{"zone and name", "3 Mar 2026 10:00:00 GMT+0200", "2026-03-03T10:00:00+02:00"},
		{"impossible zone", "3 Mar 2026 10:00:00 +9999", "2026-03-03T10:00:00+00:00"},
		{"asctime", "Tue Mar  3 10:00:05 2026", "2026-03-03T10:00:05+00:00"},
		{"asctime with zone", "Tue Mar  3 10:00:05 CET 2026", "2026-03-03T10:00:05+01:00"},
		{"ISO 8601", "2026-03-03T10:00:05.123+01:00", "2026-03-03T10:00:05+01:00"},
		{"ISO 8601, UTC", "2026-03-03T10:00:05Z", "2026-03-03T10:00:05+00:00"},
		{"hyphens", "03-Mar-2026 10:00:05 +0100", "2026-03-03T10:00:05+01:00"},
		{"dots in the time", "3 Mar 2026 10.00.05 +0100", "2026-03-03T10:00:05+01:00"},
		{"long names", "Tuesday, 3 March 2026 10:00:05 +0100", "2026-03-03T10:00:05+01:00"},
		{"afternoon", "3 Mar 2026 01:00:05 PM +0100", "2026-03-03T13:00:05+01:00"},
		{"midnight", "3 Mar 2026 12:00:05 AM", "2026-03-03T00:00:05+00:00"},
		{"leap second", "31 Dec 2016 23:59:60 +0000", "2017-01-01T00:00:00+00:00"},
		{"no time", "3 Mar 2026", "2026-03-03T00:00:00+00:00"},
		{"empty", "", ""},
		{"words", "yesterday at noon", ""},
		{"31 February", "31 Feb 2026 10:00:00 +0000", ""},
		{"hour 25", "3 Mar 2026 25:00:00 +0000", ""},
		{"many digits", "Fri, 99999999999999 Mar 2026 10:00:00", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if d, err := ParseDate(tt.in); err == nil {
				got = d.Format("2006-01-02T15:04:05-07:00")
			}
			if got != tt.want {
				t.Errorf("ParseDate(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

// What is read is a date that can be written, and is then read alike.
func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"Tue, 03 Mar 2026 10:00:05 +0100", "Fri, 21 Nov 97 09:55:06 EST", "2026-03-03T10:00:05Z", "Tue Mar  3 10:00:05 2026", "3 Mar 26 1:2 PM (x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDate(s)
		if err != nil {
			return
		}
		out := d.Format(time.RFC1123Z)
		if again, err := ParseDate(out); err != nil || !again.Equal(d) {
			t.Fatalf("%q read as %v, written as %q, read as %v, %v", s, d, out, again, err)
		}
	})
}
