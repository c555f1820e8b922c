package main

import (
	"errors"
	"strings"
	"time"

	"pneu/mta/sysexits"
)

type mode int

const (
	modeSubmit mode = iota
	modeQueue
	modeRun
	modeSMTP
	modeAliases
	modeVerify
	modeVersion
	modeHelp
)

// What to do about a message that cannot be accepted (-oe, -e).
type onError byte

const (
	errDefault onError = 0   // say so
	errPrint   onError = 'p' // and save it in dead.letter
	errMail    onError = 'm' // mail it back, or save it
	errWrite   onError = 'w' // the same: nobody is written to on a terminal
	errZero    onError = 'e' // mail it back and exit 0
	errQuiet   onError = 'q' // exit code alone
)

type options struct {
	mode       mode
	config     string
	fromHeader bool // -t
	ignoreDots bool // -i
	verbose    bool
	printID    bool
	sender     string
	senderSet  bool
	fullName   string
	notify     string
	ret        string
	envid      string
	body       string
	tag        string
	onError    onError
	holdFor    time.Duration
	recipients []string
	rest       []string // of another program's command line
}

var errUsage = errors.New("usage")

type usageError struct{ text string }

func (e *usageError) Error() string        { return e.text }
func (e *usageError) Is(target error) bool { return target == errUsage }

func wrong(text string) error { return sysexits.Wrap(sysexits.Usage, &usageError{text}) }

// withValue are the letters that take a value, glued to them or as the next
// argument. The values of A, D, h, O, p and X are read and not used.
const withValue = "ABCDFLNORVXbfhopr"

// glued are those whose value, if any, can only be glued to them.
const glued = "deq"

// alone are the letters without a value; they may stand together, as in -it.
const alone = "GUimntvxc"

func parse(name string, args []string) (*options, error) {
	o := &options{}
	switch name {
	case "mailq":
		o.mode = modeQueue
	case "newaliases":
		o.mode = modeAliases
	}
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			o.recipients = append(o.recipients, args[i+1:]...)
			i = len(args)
			continue
		case strings.HasPrefix(a, "--"):
			used, err := o.long(a[2:], args[i+1:])
			if err != nil {
				return o, err
			}
			i += used
			continue
		case len(a) < 2 || a[0] != '-':
			o.recipients = append(o.recipients, a)
			continue
		}
		for j := 1; j < len(a); j++ {
			c := a[j]
			switch {
			case strings.IndexByte(withValue, c) >= 0:
				v := a[j+1:]
				if v == "" {
					if i+1 >= len(args) {
						return o, wrong("-" + string(rune(c)) + " wants a value")
					}
					i++
					v = args[i]
				}
				if err := o.value(c, v); err != nil {
					return o, err
				}
				j = len(a)
			case strings.IndexByte(glued, c) >= 0:
				v := a[j+1:]
				if c == 'q' && len(v) == 1 && strings.Contains("IRS", v) && i+1 < len(args) {
					i++
					v += args[i]
				}
				if err := o.value(c, v); err != nil {
					return o, err
				}
				j = len(a)
			case c == 'I' && len(a) == 2: // initialise aliases, in old scripts
				o.mode = modeAliases
			case strings.IndexByte(alone, c) >= 0:
				o.flag(c)
			default:
				return o, wrong("unknown flag -" + string(rune(c)))
			}
		}
	}
	if o.mode == modeQueue && len(o.recipients) > 0 {
		return o, wrong("mailq takes no names: see qrun list")
	}
	return o, nil
}

func (o *options) flag(c byte) {
	switch c {
	case 'i':
		o.ignoreDots = true
	case 't':
		o.fromHeader = true
	case 'v':
		o.verbose = true
	}
}

// value sets a flag with a value.
func (o *options) value(c byte, v string) error {
	switch c {
	case 'C':
		o.config = v
	case 'F':
		o.fullName = v
	case 'L':
		o.tag = v
	case 'f', 'r':
		o.sender, o.senderSet = v, true
	case 'B':
		if u := strings.ToUpper(v); u != "7BIT" && u != "8BITMIME" {
			return wrong("-B wants 7BIT or 8BITMIME")
		}
		o.body = strings.ToUpper(v)
	case 'N':
		return o.setNotify(v)
	case 'R':
		if o.ret = strings.ToUpper(v); o.ret != "FULL" && o.ret != "HDRS" {
			return wrong("-R wants full or hdrs")
		}
	case 'V':
		if len(v) > 100 || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
			return wrong("-V wants up to 100 printable characters") // RFC 3461, 4.4
		}
		o.envid = v
	case 'b':
		return o.setMode(v)
	case 'q':
		return o.setRun(v)
	case 'e':
		return o.setOnError(v)
	case 'o':
		switch {
		case v == "":
			return wrong("-o wants a value")
		case v[0] == 'i':
			o.ignoreDots = true
		case v[0] == 'e':
			return o.setOnError(v[1:])
		case v[0] == 't':
			o.fromHeader = true
		case v[0] == 'v':
			o.verbose = true
		}
	}
	return nil
}

// setNotify: RFC 3461, 4.1.
func (o *options) setNotify(v string) error {
	v = strings.ToUpper(v)
	parts := strings.Split(v, ",")
	for _, p := range parts {
		if p != "FAILURE" && p != "SUCCESS" && p != "DELAY" && !(p == "NEVER" && len(parts) == 1) {
			return wrong("-N wants never, or some of failure,delay,success")
		}
	}
	o.notify = v
	return nil
}

func (o *options) setMode(v string) error {
	m, ok := map[string]mode{"m": modeSubmit, "p": modeQueue, "s": modeSMTP, "i": modeAliases, "v": modeVerify}[v]
	if !ok {
		if v == "d" || v == "D" {
			return wrong("-b" + v + ": the daemons are smtpd and qrun -d")
		}
		return wrong("unknown mode -b" + v)
	}
	o.mode = m
	return nil
}

// setRun: -q, -qf, and -q with a time (a pass has no use for that, and is in the
// foreground always), -qI, -qR, -qS.
func (o *options) setRun(v string) error {
	o.mode, o.rest = modeRun, nil
	if v == "" || v == "f" || v[0] >= '0' && v[0] <= '9' {
		return nil
	}
	filter := map[byte]string{'I': "--id", 'R': "--to", 'S': "--from"}[v[0]]
	if filter == "" || len(v) == 1 {
		return wrong("-q wants nothing, f, a time, or I, R, S with a text")
	}
	o.rest = []string{"try", filter, v[1:]}
	return nil
}

func (o *options) setOnError(v string) error {
	if len(v) != 1 || !strings.Contains("pmweq", v) {
		return wrong("-oe wants one of e m p q w")
	}
	o.onError = onError(v[0])
	return nil
}

// long reads the options that are pneu's own; it says how many further
// arguments it used.
func (o *options) long(s string, next []string) (int, error) {
	key, v, glued := strings.Cut(s, "=")
	switch key {
	case "help":
		o.mode = modeHelp
		return 0, nil
	case "version":
		o.mode = modeVersion
		return 0, nil
	case "print-id":
		o.printID = true
		return 0, nil
	case "json":
		o.rest = append(o.rest, "--json")
		return 0, nil
	case "config", "hold-for":
		used := 0
		if !glued {
			if len(next) == 0 {
				return 0, wrong("--" + key + " wants a value")
			}
			v, used = next[0], 1
		}
		if key == "config" {
			o.config = v
			return used, nil
		}
		d, err := time.ParseDuration(v)
		if err != nil || d < 0 {
			return 0, wrong("--hold-for wants a time such as 10s or 2h")
		}
		o.holdFor = d
		return used, nil
	}
	return 0, wrong("unknown option --" + key)
}

const usage = `usage: sendmail [flags] [recipient ...] < message
       sendmail -t [flags] < message
       mailq [--json]

  -t             take recipients from To, Cc, Bcc; arguments are left out
  -i, -oi        a line of a single dot does not end the message
  -f, -r ADDR    envelope sender; "" or <> for none
  -F NAME        full name, for a From field that is missing
  -N LIST        notify: never, or failure,delay,success
  -R full|hdrs   how much of the message a bounce returns
  -V ID          envelope id, returned in bounces
  -oe, -e p|m|e|w|q   on error: print and save, mail back, ...
  -bm            take a message (default); -bp list the queue; -bs SMTP
  -bv            verify recipients; -bi nothing (as newaliases)
  -q, -qI ID, -qR TO, -qS FROM   run the queue, or parts of it
  -C, --config FILE   configuration
  --hold-for TIME     first attempt no earlier than in TIME
  --print-id     print the queue id
  -v             say what was done
  -L TAG         begin error messages with TAG
  --version, --help
Accepted and of no effect: -A -B -D -G -O -U -X -c -d -h -m -n -o* -p -x
`
