// Package fulltext is the text index of one Maildir folder: which messages hold
// these bytes?
//
// A document is a UID and the message's searchable text, folded by the caller.
// A needle is folded alike, and a document is found exactly if
// bytes.Contains(text, needle): the substring rule of IMAP SEARCH (RFC 9051,
// 6.4.4), not words or prefixes. Nothing is opened to verify a hit.
//
// # How
//
// A text is cut into tokens. The few bytes around a place decide whether there
// is a cut, so that a needle is cut as the text it comes from. A token is a run of
// word bytes (ASCII letters and digits, ', -, _ and all from 80 to FF but E3 to
// E9), or of other ASCII but the blank, or an ideograph: a byte from E3 to E9 and
// at most two from 80 to BF behind it. A blank is the beginning of the token after
// it, unless an ideograph, a blank or nothing follows: then it is one. A segment
// holds a dictionary of its documents' tokens, for each the documents it is in,
// and each text as the numbers of its tokens. A needle without a cut is looked
// for in the dictionary, all of it, and its documents are those of the tokens
// that hold it. One with cuts is the end of a token, tokens, and the start of a
// token: documents with all of these are candidates, and their numbers say
// whether they stand in a row. Text gives a whole text back.
//
// The index takes about a fifth of the texts' size for prose, half of it or more
// for few texts or many links, and nine tenths of it if most is hashes and base64.
// To keep texts instead of positions costs the same disk; they are written in
// one go, and serve for excerpts. Scripts written without blanks other than Chinese and
// Japanese (Thai, say) make long tokens: larger, no less exact.
//
// # Promises
//
// The index may cover less than the folder, never answer wrongly for what it
// covers. All of it can be made again from the messages. It covers less after
// a crash or a power failure, without space, when a file is damaged, and while
// it is being built: View.Missing says for which messages to look into the
// files. A text with the byte FF, which no UTF-8 has, is not covered. UIDs that
// are no longer in the folder may be found until Fold or Merge is told of them:
// the caller leaves them out.
//
// # Files
//
// In the folder, mode 0600, numbers little endian, checksums CRC-32C:
//
//	pneu.text         manifest: names the segments
//	pneu.text.<n>     segment n
//	pneu.text.tail    documents not in a segment yet
//	pneu.text.lock    empty; locked by who writes segments and manifest
//	*.new             a file being written, renamed when it is whole
//
// Manifest: "pneuman\n", version u32 = 1, length of identity u32, generation
// u64, number of the next segment u64, count of segments u32, identity; for each
// segment its number u64, the size of its file u64 and the checksum that its file
// ends with u32; checksum of all that u32. The generation grows by one with each
// manifest. A manifest with another identity than Options.Identity is that of
// another folder, or of another UIDVALIDITY: nothing is covered.
//
// Tail: "pneutail", version u32, length of identity u32, nonce u64, identity,
// checksum u32; then records of uid u32, length u32, checksum u32 of these two and the text,
// text. It ends at the first record that is not whole. What follows is cut off
// by the next to append.
//
// Segment: sections without gaps between.
//
//	header    "pneutxt\n", version u32, 0 u32
//	texts     of each document, UIDs ascending: the numbers of its tokens
//	postings  of each term, one varint whose two lowest bits say what follows:
//	          0 a list, the rest is its length in bytes: varints of differences
//	          1 nothing, the rest is the only document
//	          2 a bitmap of ceil(documents/8) bytes
//	          3 nothing: all documents
//	heap      FF, then each term followed by FF, in the order of their numbers
//	blocks    for terms 0, 64, 128, ...: offset in heap u32, offset in postings u32
//	table     UIDs u32 each, then where each text ends in texts u32 each
//	sums      checksum u32 of each 64 KB of all above, the last one may be shorter
//	footer    "pneutxt\n", version u32, documents u32, terms u32, checksum of sums u32,
//	          number of the segment u64, offsets u64 of postings, heap, blocks, table and sums,
//	          0 u32, checksum of the footer u32
//
// The number of a token takes one byte, 00 to BF, for the 192 most frequent terms;
// for the next 14336 two, the first from C0 to F7; for the next 458752 three, the
// first from F8 to FE; and four for the rest, of which the first is FF. The
// others count from the first term of their tier, the most significant in front:
// C1 02 is 192 + 256 + 2. In each tier terms are in the order of their bytes.
//
// Documents are numbered from 0 to at most 65535 in a segment. Checksums are
// compared when a part is first looked at. A segment that is damaged then, or cut
// short under the map, hands all its documents to the caller as not exact, and
// goes at the next Fold, Builder or Check. A version above ours is left alone.
//
// # Several processes
//
// Readers lock nothing: they read the tail, then the manifest, and map the
// segments, which never change. Documents leave the tail after they have come
// into a manifest, so that none is missed. Old maps stay valid when files are
// removed. Who writes segments holds flock(2) on pneu.text.lock, without waiting
// for it, writes and syncs a segment, then the manifest, renames it, syncs the
// directory and only then removes files. Files that no manifest names are left by
// someone who died, and the next holder of the lock removes them. Who appends to
// the tail, or replaces it, holds flock(2) on the tail for that moment, and looks
// afterwards whether the file still has its name. Appends are not synced.
package fulltext
