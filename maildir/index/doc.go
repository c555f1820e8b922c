// Package index keeps what one folder's files do not say: UIDs, UIDVALIDITY,
// MODSEQ, keywords, and columns from which a folder of a million messages is
// opened, counted, listed and searched without reading its directory.
//
// # Promises
//
//   - The files in cur/ and new/ are the truth. The index may be deleted at any
//     time; it is made again, and with it go only annotations, keywords that have no
//     letter, and the UIDs no record is left of.
//   - A UID or MODSEQ that anybody was shown is never given to something else, be
//     it after kill -9 or a loss of power. UIDVALIDITY changes only if both
//     pneu.log and pneu.idx are lost and no list of UIDs can be imported.
//   - Death of a process at any write leaves the state of the last commit.
//     After a loss of power some commits may be missing; their messages are found
//     again in the files, under new UIDs. With Options.SyncEach none is missing.
//   - A [View] never changes. Readers take no lock and wait for nobody.
//   - A delivery never waits for the index: without the lock it leaves its
//     message to whoever scans next.
//   - A version it does not know is left alone (ErrVersion). Where it cannot
//     write it lives in memory (Volatile), and UIDs are good for that long: see
//     below.
//
// It leaves to maildir/digest what is kept of a message, and to maildir/store
// what programs ask for.
//
// # Files
//
// Beside cur, new and tmp, all of mode 0600. Numbers are little endian. "Sum" is
// CRC32C. A uvarint and a varint are those of encoding/binary; a string is its
// length as uvarint and its bytes. Times are seconds since 1970 unless said
// otherwise. Names ending in ".tmp" are left over from a crash.
//
//	pneu.log    journal: what was committed since pneu.idx
//	pneu.idx    snapshot: columns, names, hash table
//	pneu.cache  digests, and
//	pneu.head   folded header text: can be made again from the messages
//	pneu.uids   text copy of the UIDs, as dovecot-uidlist version 3
//	pneu.lock   in safe mode (Options.Safe), or where directories cannot be locked
//
// No file is ever truncated, and but for the two first kinds of sector below no
// byte that was committed is written again: what is mapped stays. A file is
// replaced by rename.
//
// All but pneu.uids begin with an identity of 64 bytes:
//
//	 0  magic: "pneu.log", "pneu.idx", "pneu.cac", "pneu.hea"
//	 8  u32 version, 1; u32 page size, 4096
//	16  u64 generation (log, idx), or the number of the pair (cache, head)
//	24  GUID of the folder, 16 bytes
//	40  u64 key of the hash of names
//	60  u32 sum of bytes 0 to 59
//
// The GUID and UIDVALIDITY stay with these files wherever the folder goes: to another name,
// file system or machine, or back from a backup. A copy made of a folder with them has
// both, too, until pneu.* is removed from it: then it gets new ones with the next Sync (and
// UIDs of dovecot-uidlist, if that was copied). Nothing else changes them: other inodes than
// before would tell a copy, but a backup that was put back as well, which must keep its UIDs.
// Package store tells the log of two folders of a tree with one GUID. UIDs of one say nothing of
// the other, although UIDVALIDITY is the same.
//
// # pneu.log
//
// The first page has sectors of 512 bytes. At 512 and 1024 lie two slots: a
// commit with an even number writes the first, one with an odd number the other.
// The slot with a right sum and the higher number is in force. At 1536 and 2048
// lie two reservations that take turns likewise; the highest of each value in
// force.
//
//	slot: u64 number of the commit, not 0, length of the log that is committed, boot
//	      id, number of pneu.cache, end of pneu.cache, end of pneu.head, how much
//	      of each is on the disk, HIGHESTMODSEQ, floor of tombstones, sizes as
//	      files, sizes with CRLF, mtime of new/ and cur/ in ns, end of last scan
//	      in ns; u32 UIDVALIDITY, UIDNEXT, messages, unseen (without S), deleted
//	      (with T), in new/, pending, without digest, settled (1: new/, 2: cur/);
//	      u32 sum at 508
//	reservation: u64 number, bound of UIDNEXT, bound of HIGHESTMODSEQ, neither
//	      of which may be passed; u32 sum at 508
//
// A sum at 508 is that of the bytes before it in the sector. A directory is
// settled if its time was old enough when it was read that any change since
// would have given it another. The boot id is 4 in safe mode; else hashBytes with
// key 0 of what /proc/sys/kernel/random/boot_id says, with the highest bit set, or
// 1 where there is no such file.
//
// From 4096 on come batches, each at a multiple of 8 behind zeros: u32 length of
// the payload, u32 sum of all that follows in the batch but the zeros, u64 number
// of the commit, which may have several, payload.
// A payload is records one after the other, each a byte for its kind and:
//
//	 1 add      uvarint UID; byte, 1 if in new/; byte, flags the name lacks;
//	            uvarint MODSEQ, size+1 (0: unknown), CRLF size less size+1 (0:
//	            unknown); varint received, saved (0: as received), sent; uvarint
//	            class, place in pneu.cache/8 (0: none); list of keywords; string
//	            file name
//	 2 flags    ranges; bytes set, clear, pending; uvarint MODSEQ; lists of
//	            keywords to add and to remove. Rows that it does not change keep
//	            their MODSEQ. With pending 1 those that it changes are pending
//	            from now on; with 0 those are no longer whose name has their flags
//	 3 name     ranges; byte flags in the name; byte, 2: in new/, 4: no info part.
//	            The names are base + ":2," + letters. Rows that have these flags
//	            are no longer pending, nor are they after 4
//	 4 rename   uvarint UID; byte, 1 if in new/; string file name
//	 5 expunge  ranges; uvarint MODSEQ
//	 6 keyword  uvarint number, the next free one; string
//	 7 meta     string key; byte, 0: removed; string value
//	 8 detail   uvarint UID, sizes as in add; varint received (0: stays), sent;
//	            uvarint class, place in pneu.cache/8
//	 9 saved    uvarint UID; varint time
//	10 written  ranges that are no longer pending
//	11 cache    no row has a digest any longer
//	12 reset    uvarint UIDVALIDITY: all rows and tombstones are forgotten
//	13 raise    uvarint UIDNEXT and HIGHESTMODSEQ, at least
//
// Ranges are their number as uvarint, and for each, as uvarints, its first UID
// less the last one of the range before (of the first, less 0) and its length less
// one; they ascend. UIDs without a row are passed over. A list of keywords is its
// length and their numbers. The bits of flags are 1 S, 2 R, 4 F, 8 T, 16 D, 32 P;
// other letters are in names alone. The info part of a name, behind its base, begins
// with the last ":2,", or if there is none with the last ";2,", "!2,", ":1,",
// ";1," or "!1,", in this order; those with a 2 have flags. Class is that of package digest; it and sent,
// which is received where the message does not say it, are 0 until the message was
// read. A row is pending while its name on disk lacks a change. A UIDNEXT that is
// not above those of all rows, a MODSEQ from 2^48 on and a keyword from 2^16 on
// are damage; a kind that is not above is, too.
//
// Metas are, by key:
//
//	"keyword letters"   dovecot-keywords, by which the names were last read: a line
//	                    for each, number (0 is a), blank, keyword. Letters that got
//	                    a meaning since give it to the messages with them
//	"letters met"       letters without a meaning that names had of messages that
//	                    were moved away: u32, 1 for a. They get none, for undo may
//	                    bring the messages back
//	"arriving"          while messages are moved here: of each whose name will not
//	                    say all its keywords the base as string, and those as list
//	                    of strings. Found after a crash it is for files that come
//	                    without a row
//	"imported"          name of the file that the UIDs came from
//	"dovecot guid"      GUID of the folder there, 16 bytes
//	"uidl " u32         POP3 UIDL of the UID, which is big endian
//	"order " u32        likewise its place in POP3's order: u32, big endian
//	"annotation " entry what is kept for METADATA (RFC 5464)
//	"young"             files that were written to less than 2 s before they were
//	                    read, and are read once more if they have changed: uvarint
//	                    UID; varint size, mtime in ns, when it was read in ns
//	"revised"           messages that were digested again, since their files had
//	                    changed, whose texts are to be indexed again: uvarint UID
//	                    and the place in pneu.cache/8 as of then. UID 0: all
//
// # pneu.idx
//
// After the identity: u64 rows, sections, UIDNEXT, HIGHESTMODSEQ; at 512 a slot;
// at 1024 for each section u32 number, u32 sum, u64 offset, u64 length; at 4092
// the sum of the page before it. Sections begin at multiples of 64. Unknown
// sections are passed over. The columns have one element a row, in ascending
// order of UIDs:
//
//	 1 UID u32            2 flags u8            3 flags in the name u8
//	 4 state u8: 1 pending, 2 in new/, 4 no info part, 8 info part with the name,
//	   for it is not ":2," and letters of flags in the order of names
//	 5 keyword set u16    6 class u16           7, 8 MODSEQ u32 low, u16 high
//	 9 size u32          10 CRLF size less size u32 (both 2^32-1: unknown)
//	11 received u32      12, 13 sent u32 low, i8 high
//	14 place in pneu.cache/8 u32
//
// and the rest:
//
//	15 names' blocks: u32 offset into 16 for every 16 rows
//	16 names: byte kind; byte, how much of the head of the entry before is shared;
//	   byte, length of the rest of the head; the rest. By the bits of kind:
//	   32 the rest is packed, two characters a byte, low half first, of
//	   "0123456789.MPQR_"; 16 after the head come "R" and 16 hexadecimal digits,
//	   kept as u64; 4 uvarint number of a host to append; 1 append ",S=" and the
//	   size; 2 append ",W=" and the CRLF size; 8 append a string. The first
//	   entry of a block shares nothing. The name is the base, or with state 8 all
//	   of the file name
//	17 hosts: strings, numbered from 0
//	18 hash table of entries of u32 row+1 (0: free), u32 upper half of the hash of
//	   the base, u32 hash of the whole name; its place is the lower half times the
//	   number of entries over 2^32, and on from there
//	19 save dates that are not the received date: pairs of u32 row and time
//	20 keywords: strings, numbered from 0    21 keyword sets: lists; 0 is empty
//	22 tombstones: u64 MODSEQ, u32 first and last UID; ascending
//	23 u32 offsets into 24, in order of keys; 24 pairs of strings, key and value
//	25 UID u32 of the last of every 4096 rows, and of the last row
//
// The hash of a base is hashBytes with the key of the identity; that of a whole
// name the upper half of hashBytes of what follows the base, with the hash of the
// base as its key, plus 1 if it is in new/. Let mix be the upper xor the lower
// half of a product of 128 bits, k0 = a0761d6478bd642f, k1 = e7037ed1a0b428db and
// k2 = 8ebc6af09c88c6e3. hashBytes of n bytes:
//
//	h = key xor k0; for each 16 bytes, as two u64 a and b: h = mix(a xor k1, b xor h)
//	of those left, x is the first u64 if there are 8, else 0; y the others, as u64
//	p = (x xor k2) * (y xor h); mix(upper p xor n xor k1, lower p xor key xor k0)
//
// # pneu.cache and pneu.head
//
// Records follow the first page: u32 UID, u32 length, u32 sum of the text xor
// sum of the eight bytes before, the text. In pneu.cache they begin at multiples
// of 8; in pneu.head they do not cross multiples of 2^20, and UID 0 says that
// nothing more comes before the next. Both files bear the number that the slot
// says; others are replaced by new ones, and record 11 forgets the old. What
// records of UIDs that are gone take is given back by who compacts, if it is more than
// half and 16 MB: both are written anew under another number, and put in place before
// the pneu.idx that has it. A pair that bears another number than the slot is as if it
// were not there.
//
// # pneu.uids
//
// The first line is "3 V", UIDVALIDITY, " N", UIDNEXT + 2^20, " G", GUID in
// hexadecimal digits, " M", HIGHESTMODSEQ + 2^40: what may be given before it is
// written again. Then, in order of UIDs, a line for each: UID; " S" and " W" with
// the sizes that the base lacks; " P" and " O", UIDL and order of POP3; " D", when
// it was saved; " K", the keywords that have no letter, with % between; " :", base.
// Last, but before " :", comes " C" with the sum of the line without this field and its
// end, in 8 hexadecimal digits, in the first line too. A line with a wrong sum is passed
// over; if it is the first, the file is. Without " C" in the first line none has one: so
// pneu wrote it at first, and it is believed. Programs of then, and Dovecot, pass over
// " C" as over any field they do not know, and what they write has none.
// It is written anew when it is a week old, or half of what it is ahead is used.
//
// # Locks and order of writes
//
// Writers hold flock(LOCK_EX) on the directory of the folder, or on pneu.lock;
// once they have it they look whether it still has its path.
// To commit: write a reservation and fsync it if UIDNEXT or HIGHESTMODSEQ would
// pass it; append to pneu.cache and pneu.head; append batches behind the
// committed end of pneu.log; write the slot. That last write of 512 bytes is the
// commit, and what watchers of pneu.log are woken for. A reader reads the page,
// takes the newest whole slot and applies the batches up to its length.
//
// In safe mode pneu.log is fsynced before the slot is written too, and again after
// it. Before pneu.log is read, and before pneu.cache and pneu.head are appended to,
// flock(LOCK_SH) is had on the file itself and let go: NFS clients read it anew then.
//
// A writer that has the lock also looks whether pneu.idx is still the file it goes on from:
// who made a newer one may have died, or had no room, before the log.
//
// To compact: write pneu.idx.tmp with the next generation, fsync, rename, fsync
// the directory; the same with an empty pneu.log of that generation. A log of an
// older generation than pneu.idx is one whose replacement did not happen any
// more: all of it is in pneu.idx, and nothing may be appended to it. A reader
// that finds its log without a link opens the files again; until then its view
// stays good. A log of generation 0 has no pneu.idx.
//
// When the boot id in the slot is not that of the running system, the last
// writes may be missing. Then sums decide where the log ends, UIDNEXT and
// HIGHESTMODSEQ go on from the reservation, and digests written since they were
// last synced are checked. That the flags of a message are by this the older ones
// is not announced; SyncEach keeps it from happening.
//
// Of damage this is kept: pneu.idx without pneu.log, all rows as of the
// snapshot, with counters raised by more than a log can hold; pneu.log without
// pneu.idx, what came since and the rows of pneu.uids. The directories are read
// again in both cases, every row gets a new MODSEQ, and tombstones are forgotten.
//
// A pneu.idx of up to 1 MB is read as a whole when it is opened, of a larger one
// the sections up to 16 KB. Who makes the next one reads all that is copied, and
// if a sum is wrong goes on as without it.
//
// # In memory
//
// Where there is no room, or no permission, an index goes on in memory from the last commit it
// has read: State.Sticky is false, and UIDs are those of this process, under the UIDVALIDITY
// of before. A server says UIDNOTSTICKY (RFC 4315) to whom it opens the folder then. If the
// process ends, what it has given out is forgotten, and the next one may give the same UIDs to
// other messages.
//
// As long as it lives, [Index.Refresh] and [Index.Sync] try again, first after 10 seconds and
// then ever more rarely, down to once in 5 minutes. If nobody has committed meanwhile, all that
// was in memory is written as it was shown. Else what was committed holds: of messages that were
// shown under one UID here and another there the committed one stays, messages with the UID
// that another one had here get a new one, all rows get a MODSEQ above any that either has
// shown, tombstones are forgotten, and flags are taken along that no name has yet. No UID that
// anyone was shown by then is given to another message. Only if what was committed is of
// another UIDVALIDITY, that one is shown from then on, as after the loss of an index.
package index
