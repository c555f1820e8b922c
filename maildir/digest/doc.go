// Package digest is what an index keeps of a message: made once from its bytes, and read without parsing them again.
//
// A digest has what a list shows (sender, subject, date, kind of message, first words), what threads are made of, the
// fields of the header that mail programs ask for as they stand in the file, and the tree of MIME parts with their
// places, so that a server can answer ENVELOPE and BODYSTRUCTURE and find BODY[n] without the file. It takes some 400 to
// 800 bytes of an ordinary message and at most 64 KB of any; what does not fit is left out, and Truncated says so.
//
// The package has also the one text that is searched of a message (Text), the folding by which texts and needles are
// compared (Fold), and the folded header (Head). Indexes and searches of files use the same, so they find the same.
//
// All functions are pure: equal bytes give equal digests. No bytes make Decode or a Digest panic; that they are those
// that were written is for the file that holds them to check.
//
// # Encoding
//
// Integers are little endian, places count from the start of the digest, and a span is the length of a string and,
// unless that is 0, its place, each as an unsigned varint (encoding/binary).
//
//	 0  u8   Version
//	 1  u8   1: truncated, 2: has a date, 4: line ends of the header are CRLF
//	 2  u16  Class
//	 4  i16  zone of the date in minutes east of UTC
//	 6  2    language, two letters, or zeros
//	 8  i64  date in seconds since 1970
//	16  u64  octets of the message
//	24  u32  line ends without a CR: what the message has more on the wire
//	28  u32  lines
//	32  u64  FNV-1a of the folded base subject; 0 if that is empty
//	40  each a u16 place and a u16 length: decoded subject, first sender's name or else address, that address, preview,
//	    Message-ID
//	60  u16  places of addresses, fields, parts, attachments; end
//	70       strings
//
// The strings begin with the fields that are kept, in the order of the message. Every other string is a piece of those
// wherever it can be.
//
// Addresses: for each of From, Sender, Reply-To, To, Cc, Bcc the number of mailboxes (varint) and for each the spans of
// its decoded name and its address; then the spans of list id and first id in In-Reply-To; then the number of references
// (varint) and their spans.
//
// Fields: for each that is kept how it is (u8) and its length among the strings (varint). It is 1 to 28 or from 32 on for
// a name in field.go, a colon and a blank: then the value is there, without line end. It is 30 or 31 for a date that is
// written as usual, 2 or 02, and nothing is there. It is 0 for all else: then the whole field is there, and a varint more
// here says where in it the value starts.
//
// Parts: their number (u16), then for each, depth first: depth (u8); as varints the number of children, the distance of
// its header from the start of the body of the part before, the length of header and body, lines of the body, line ends
// without a CR in the header, and (signed) the lines of the body less those without a CR; u8 1: format=flowed, 2: delsp;
// type, transfer encoding, charset and disposition, each a u8 into the lists in tree.go, where 255 is followed by a span;
// the span of the file's name; the number (u8) of fields kept of it, and for each its number (u8) and the span of its
// value. Those are the ones that begin with Content-, and of a message within those of its envelope. The first part, which
// is the message, has none here.
//
// Attachments: their number (u16), then for each the part and its decoded size (varints).
package digest
