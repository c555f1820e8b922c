package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/cmd/internal/conf"
	"pneu/maildir/safe"
	"pneu/mta/queue"
	"pneu/mta/sysexits"
)

// systemUser is who owns the spool of a whole machine, if there is such a user.
const systemUser = "pneu"

// A plan is where a new system's parts go.
type plan struct {
	config, spool, users, aliases, mail string
	hostname                            string
	domains                             []string
	own                                 string // the address that this user's own Maildir gets
	ownMaildir                          string
}

func initialize(c *cli.Context) error {
	if c.NArg() > 0 {
		return boot.Usage("init takes no names, only options")
	}
	p, err := makePlan(c)
	if err != nil {
		return err
	}
	say := func(format string, args ...any) {
		fmt.Fprintln(c.App.Writer, safe.Line(fmt.Sprintf(format, args...)))
	}
	wrote, err := writeNew(p.config, p.text(), 0o644)
	if err != nil {
		return err
	}
	if !wrote { // it says where the rest is
		say("kept   %s", p.config)
		f, err := conf.Load(p.config, "", nil)
		if err != nil {
			return err
		}
		p.spool, p.users, p.aliases, p.mail, p.own = f.Spool, f.Users, f.Aliases, f.Mail, ""
	} else {
		say("wrote  %s", p.config)
	}
	if err := os.MkdirAll(filepath.Dir(p.spool), 0o755); err != nil {
		return sysexits.Wrap(sysexits.CantCreate, err)
	}
	if err := queue.Create(p.spool); err != nil {
		return err
	}
	if err := giveAway(p.spool, p.users); err != nil {
		return err
	}
	say("spool  %s", p.spool)
	files := []struct{ path, text string }{{p.users, usersText(p)}, {p.aliases, aliasesText}}
	for i, f := range files {
		if f.path == "" {
			continue
		}
		wrote, err := writeNew(f.path, f.text, []fs.FileMode{0o600, 0o644}[i])
		if err != nil {
			return err
		}
		say("%s  %s", map[bool]string{true: "wrote", false: "kept "}[wrote], f.path)
	}
	if err := giveAway("", p.users); err != nil {
		return err
	}
	if p.users != "" {
		if err := mailFolder(p.mail); err != nil {
			return err
		}
	}
	c2 := ""
	if found, err := conf.Find(""); err != nil || found != p.config {
		c2 = " -C " + p.config
	}
	if p.users != "" && p.own == "" {
		say("next   postmaster%s user add NAME, then postmaster%[1]s check", c2)
	} else {
		say("next   postmaster%s check", c2)
	}
	return nil
}

func makePlan(c *cli.Context) (*plan, error) {
	p := &plan{hostname: c.String("hostname"), domains: c.StringSlice("domain")}
	guessed, mailname := names()
	if p.hostname == "" {
		p.hostname = guessed
	}
	if len(p.domains) == 0 {
		p.domains = []string{mailname}
		if c.String("hostname") != "" {
			p.domains = []string{p.hostname}
		}
	}
	p.config = configured(c).String("config")
	perUser := "%u"
	if len(p.domains) > 1 {
		perUser = "%d/%u"
	}
	dir := c.String("dir")
	switch {
	case dir != "":
		dir, err := filepath.Abs(dir)
		if err != nil {
			return nil, err
		}
		p.spool, p.users, p.aliases, p.mail = dir+"/spool", dir+"/users", dir+"/aliases", dir+"/mail/"+perUser+"/Maildir"
		if p.config == "" {
			p.config = dir + "/pneu.toml"
		}
	case os.Geteuid() == 0:
		p.spool, p.aliases = "/var/spool/pneu", "/etc/pneu/aliases"
		if p.config == "" {
			p.config = conf.DefaultPath
		}
		if c.Bool("accounts") {
			p.users, p.mail = "/etc/pneu/users", "/var/mail/pneu/"+perUser+"/Maildir"
		}
	default:
		u, err := user.Current()
		home := os.Getenv("HOME") // as conf.UserPath has it: all lies in one place
		if err == nil && home == "" {
			home = u.HomeDir
		}
		if err != nil || home == "" {
			return nil, sysexits.New(sysexits.OSFile, "this user has no home folder: give --dir")
		}
		base := home + "/.local/share/pneu"
		p.spool, p.users, p.aliases, p.mail = base+"/spool", base+"/users", base+"/aliases", base+"/mail/"+perUser+"/Maildir"
		p.own, p.ownMaildir = u.Username+"@"+p.domains[0], home+"/Maildir"
		if p.config == "" {
			p.config = conf.UserPath()
		}
	}
	abs, err := filepath.Abs(p.config)
	p.config = abs
	if err != nil {
		return nil, err
	}
	_, err = conf.Parse(p.config, p.text(), "", nil) // names given by hand may be bad
	return p, sysexits.Wrap(sysexits.Usage, err)
}

// names finds what this machine is called and which domain's mail it has.
func names() (host, domain string) {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "localhost"
	}
	if !strings.Contains(host, ".") { // hosts(5) has the full name, if anyone
		b, _ := os.ReadFile("/etc/hosts")
		for line := range strings.SplitSeq(string(b), "\n") {
			line, _, _ = strings.Cut(line, "#")
			if f := strings.Fields(line); len(f) > 2 && strings.HasPrefix(f[1], host+".") {
				host = f[1]
				break
			}
		}
	}
	domain = host
	if b, err := os.ReadFile("/etc/mailname"); err == nil {
		if name := strings.TrimSpace(string(b)); name != "" {
			domain = name
		}
	}
	return strings.ToLower(host), strings.ToLower(domain)
}

// text is the configuration file. Paths below its own folder are written
// relative to it, so that the whole can be moved.
func (p *plan) text() string {
	base := filepath.Dir(p.config) + "/"
	path := func(s string) string { return strconv.Quote(strings.TrimPrefix(s, base)) }
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Configuration of pneu, see pneu.conf(5). Written by postmaster init.")
	line("")
	line("# This machine's name in mail.")
	line("hostname = %s", strconv.Quote(p.hostname))
	line("# Mail for these domains is delivered here; the first completes bare names.")
	var quoted []string
	for _, d := range p.domains {
		quoted = append(quoted, strconv.Quote(d))
	}
	line("domains = [%s]", strings.Join(quoted, ", "))
	line("")
	line("spool = %s", path(p.spool))
	line("aliases = %s", path(p.aliases))
	if p.users != "" {
		line("users = %s", path(p.users))
		line("mail = %s", path(p.mail))
	} else {
		line("# Without a users file, the system's users have their mail in ~/Maildir.")
		line("# users = %s", path("/etc/pneu/users"))
		line("# mail = %s", path("/var/mail/pneu/%d/%u/Maildir"))
	}
	line("")
	line("# A smart host that takes the mail for all other domains.")
	line(`# relay = "submission://smtp.example.net:587"`)
	line(`# relay_auth = "file:/etc/pneu/relay"`)
	if os.Geteuid() == 0 && !strings.HasPrefix(p.spool, base) {
		if _, err := user.Lookup(systemUser); err == nil {
			line("")
			line("[smtpd]")
			line("user = %s", strconv.Quote(systemUser))
		}
	}
	return b.String()
}

func usersText(p *plan) string {
	s := "# Accounts, one a line: address:credentials:uid:gid:maildir:quota:\n# postmaster user add|passwd|rm edits this file.\n"
	if p.own != "" {
		s += p.own + "::::" + p.ownMaildir + "::\n"
	}
	return s
}

const aliasesText = `# Aliases: a name, a colon, and where its mail goes. See pneu.conf(5).
# postmaster and root are delivered without an entry, too: to root, or, where
# root has no mailbox, postmaster to the first account.
#
# sales: alice, bob@example.net
# list: :include:/etc/pneu/list
`

// writeNew writes a file that is not there, and says whether it did.
func writeNew(path, text string, mode fs.FileMode) (bool, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return false, sysexits.Wrap(sysexits.CantCreate, err)
	}
	if _, err := os.Stat(path); err == nil {
		return false, nil
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, []byte(text), mode); err != nil {
		return false, sysexits.Wrap(sysexits.CantCreate, err)
	}
	defer os.Remove(tmp)
	err := os.Link(tmp, path) // whole, and never over one that came meanwhile
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, sysexits.Wrap(sysexits.CantCreate, err)
}

// giveAway hands what root made to the user whom daemons run as, if there is
// one: the spool, and the right to read the users file. A spool that somebody
// else owns already is left alone.
func giveAway(spool, users string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup(systemUser)
	if err != nil {
		return dropGroup(spool)
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2); err != nil {
		return sysexits.Wrap(sysexits.OSFile, err)
	}
	if spool != "" && ownerOf(spool+"/q") == 0 {
		err := filepath.WalkDir(spool, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return os.Lchown(path, uid, gid)
		})
		if err != nil {
			return sysexits.Wrap(sysexits.NoPerm, err)
		}
		if err := os.Chmod(spool+"/drop", 0o730|fs.ModeSetgid|fs.ModeSticky); err != nil { // chown clears it
			return sysexits.Wrap(sysexits.NoPerm, err)
		}
	}
	if users != "" {
		if fi, err := os.Stat(users); err == nil && fi.Mode().Perm() == 0o600 && ownerOf(users) == 0 {
			return sysexits.Wrap(sysexits.NoPerm, errors.Join(os.Chown(users, 0, gid), os.Chmod(users, 0o640)))
		}
	}
	return nil
}

// mailFolder makes the folder that the Maildirs of accounts lie in, and gives
// it to the user whom daemons run as: accounts that name no user are those of
// the folder's owner, and root is not to own people's mail.
func mailFolder(template string) error {
	base, _, found := strings.Cut(template, "%")
	base = filepath.Dir(base + "x")
	u, err := user.Lookup(systemUser)
	if os.Geteuid() != 0 || err != nil || !found || !filepath.IsAbs(base) {
		return nil
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2, os.MkdirAll(filepath.Dir(base), 0o755)); err != nil {
		return sysexits.Wrap(sysexits.CantCreate, err)
	}
	err = os.Mkdir(base, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil {
		err = os.Lchown(base, uid, gid)
	}
	return sysexits.Wrap(sysexits.CantCreate, err)
}

// dropGroup gives drop/ to the group mail, which scripts/install gives to
// sendmail where there is no group of our own.
func dropGroup(spool string) error {
	g, err := user.LookupGroup("mail")
	if spool == "" || err != nil {
		return nil
	}
	gid, err := strconv.Atoi(g.Gid)
	if err != nil {
		return sysexits.Wrap(sysexits.OSFile, err)
	}
	drop := spool + "/drop"
	if fi, err := os.Stat(drop); err != nil || ownerOf(drop) != 0 || gid == groupOf(fi) {
		return nil
	}
	return sysexits.Wrap(sysexits.NoPerm, errors.Join(os.Lchown(drop, 0, gid), os.Chmod(drop, 0o730|fs.ModeSetgid|fs.ModeSticky)))
}
