package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"pneu/mta/queue"
)

// spool: it must be whole, ours, on a disk that keeps its promises, with room.
func (k *checkup) spool() {
	dir := k.file.Spool
	s, err := queue.Open(queue.Options{Dir: dir})
	if err != nil {
		k.bad("spool", strings.TrimSuffix(err.Error(), ": run postmaster init"), "run postmaster init")
		return
	}
	good := len(k.list)
	k.spoolOwner(dir)
	k.spoolDisk(dir)
	if refs, err := s.All(); err != nil {
		if os.Geteuid() == 0 || s.Own() {
			k.bad("spool", err.Error(), "look at the permissions in "+dir)
		}
	} else {
		damaged := 0
		for _, r := range refs {
			if r.State == queue.Bad {
				damaged++
			}
		}
		if damaged > 0 {
			k.warn("spool", fmt.Sprintf("%d damaged messages were put aside", damaged), "qrun list --state failed says why; nothing deletes them but you")
		}
	}
	// Somebody must be there to take mail on.
	if f, err := os.OpenFile(filepath.Join(dir, "wake"), os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
		f.Close()
	} else if errors.Is(err, syscall.ENXIO) {
		k.warn("qrun", "none is waiting for mail", `run "qrun -d", or "qrun" from cron every few minutes`)
	}
	if len(k.list) == good {
		k.ok("spool", "%s", dir)
	}
}

func (k *checkup) spoolOwner(dir string) {
	for _, part := range []string{"q", "hold", "bad"} {
		fi, err := os.Stat(filepath.Join(dir, part))
		if err != nil {
			k.bad("spool", err.Error(), "run postmaster init, which makes what is missing")
			continue
		}
		if fi.Mode().Perm()&0o077 != 0 {
			k.bad("spool", "others than its owner may look into "+filepath.Join(dir, part), "chmod 700 "+filepath.Join(dir, part))
		}
	}
	drop := filepath.Join(dir, "drop")
	fi, err := os.Stat(drop)
	if err != nil {
		k.bad("spool", err.Error(), "run postmaster init, which makes what is missing")
		return
	}
	if fi.Mode().Perm()&0o007 != 0 {
		k.bad("spool", "everybody may write into "+drop, "chmod 3730 "+drop)
	}
	// Other users submit by way of sendmail's group.
	self, err := os.Executable()
	if err != nil || os.Geteuid() != 0 {
		return
	}
	send, err := os.Stat(filepath.Join(filepath.Dir(self), "sendmail"))
	if err != nil {
		return
	}
	want, have := groupOf(fi), groupOf(send)
	if send.Mode()&os.ModeSetgid == 0 || want != have {
		name := strconv.Itoa(want)
		if g, err := user.LookupGroupId(name); err == nil {
			name = g.Name
		}
		path := filepath.Join(filepath.Dir(self), "sendmail")
		k.warn("sendmail", "users other than the spool's owner cannot submit mail: it is not set to the group of "+drop,
			"chgrp "+name+" "+path+" && chmod 2755 "+path)
	}
}

func groupOf(fi os.FileInfo) int {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return int(st.Gid)
	}
	return -1
}

// A disk is what there is to know of the file system that a path lies on.
type disk struct {
	kind        uint32 // one of the magic numbers; 0: not told here
	free        int64  // bytes
	files, left int64  // there may be, and still to be had; 0: no such bound
}

// The magic numbers of statfs(2) of Linux.
const (
	nfsMagic   = 0x6969
	tmpfsMagic = 0x01021994
	extMagic   = 0xef53
	xfsMagic   = 0x58465342
	btrfsMagic = 0x9123683e
	f2fsMagic  = 0xf2f52010
	zfsMagic   = 0x2fc12fc1
	overMagic  = 0x794c7630
	smbMagic   = 0xff534d42
	fuseMagic  = 0x65735546
)

func (k *checkup) spoolDisk(dir string) {
	d, err := diskOf(dir)
	if errors.Is(err, errors.ErrUnsupported) {
		return
	} else if err != nil {
		k.bad("spool", dir+": "+err.Error(), "is its disk mounted?")
		return
	}
	switch d.kind {
	case 0:
	case nfsMagic, smbMagic, fuseMagic:
		k.bad("spool", dir+" lies on a file system of the network, where locks do not hold", "move it to a local disk: set spool and run postmaster init")
	case tmpfsMagic:
		k.warn("spool", dir+" lies in memory: a power cut loses accepted mail", "move it to a disk")
	case extMagic, xfsMagic, btrfsMagic, f2fsMagic, zfsMagic:
	case overMagic:
		k.warn("spool", dir+" lies on an overlay, as in a container: does it outlive it?", "mount a volume there")
	default:
		k.warn("spool", fmt.Sprintf("%s lies on a file system of a kind we do not know (0x%x)", dir, d.kind), `set sync = "strict" in [qrun] and [deliver]`)
	}
	if opts := mountOptions(dir); strings.Contains(","+opts+",", ",discard,") {
		k.warn("spool", dir+" is mounted with discard, which makes removing synced files slow", "mount it without, and run fstrim from time to time")
	}
	if d.free < 2*int64(k.file.MessageSize)+100<<20 {
		k.bad("spool", fmt.Sprintf("%d MB are left on the disk of %s", d.free>>20, dir), "make room: mail is refused, not lost, when there is none")
	}
	if d.files > 0 && d.left < 10_000 {
		k.bad("spool", fmt.Sprintf("the disk of %s has room for %d more files", dir, d.left), "make room")
	}
}

// mountOptions returns those of the file system that path lies on.
func mountOptions(path string) string {
	b, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return ""
	}
	best, opts := "", ""
	for line := range strings.SplitSeq(string(b), "\n") {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		at := strings.ReplaceAll(f[1], `\040`, " ")
		if (path == at || strings.HasPrefix(path, strings.TrimSuffix(at, "/")+"/")) && len(at) >= len(best) {
			best, opts = at, f[3]
		}
	}
	return opts
}
