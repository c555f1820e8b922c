// Package thread puts messages into conversations, as THREAD=REFERENCES of RFC 5256
// does: by References and In-Reply-To first, then by base subject.
//
// Two things are done differently. Links that messages state for themselves are made
// before those that follow from the References of others, so the outcome does not
// depend on the order messages are given in. And no dummies are returned: where the
// parent of several messages is missing, the oldest of them takes its place and the
// others are its children, marked Loose.
//
// Time is n log n, whatever the references say.
//
// A [Forest] keeps the threads of one folder up to date. Those of several folders together are
// made by [Join], each time: a third of a microsecond a message, if forests or others tell the
// [Facts].
//
// # File
//
// [Forest.Save] makes what [Load] maps: a cache, in the byte order of the machine, never sent.
// Who does not understand it makes the threads anew, and replaces it by rename.
//
//	 0  "pneuthr3", read as a u64: byte order and version
//	 8  u32 sum of all behind it: the CRC-32C of the CRC-32Cs of each 4 MB
//	12  u32 length of the mark
//	16  u64 1: by references alone
//	24  u64 length in bytes, of each of 20 arrays
//	    mark, by which the caller knows what it is of, and zeros up to a multiple of 8
//	    arrays, each with room for more behind it: with it, n bytes take n + n/64 + 256, up to
//	    a multiple of 8
//
// Of messages, which have numbers from 0 in order of their keys, those that are gone included:
//
//	1 key u32    2 date i64    3 base subject u64, a hash    4 state u8: 1 reply, 2 gone
//	5 box i32    6 where in 7 its references begin u32, and the end    7 references i32: boxes
//	8 the next message of the cluster i32    9 thread i32, -1: gone
//
// Of boxes, one for each id that a message has or refers to, and for each message without one:
//
//	10 Hash of the id u64, 0: none    11 the box above in union-find of clusters i32
//	12, 13 first and last message of the cluster i32, at its top    14 hash table of 10
//
// Of threads:
//
//	15 where in 20 it begins i32    16 its messages i32, 0: no more    17 newest date i64
//	18 base subject of its root u64, 0: none    19 hash table of 18
//	20 its messages in order of display: number i32, depth u16, [Bits] u16
//
// [Hash] of an id is FNV-1a in 64 bits of it without quotation marks; then h ^= h >> 32,
// h *= d6e8feb86659fd93, h ^= h >> 32; and 1 in place of 0.
// A hash table has a power of two of i32, number+1 or 0, found from the lower bits of the hash on.
package thread
