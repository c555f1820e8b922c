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
//	 1  u8   1: truncated, 2: has a date, 4: line ends of the header are CRLF, 8: made of the first 32 MB of a longer
//	    message; octets and line ends are those of all of it
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
// a name below, a colon and a blank: then the value is there, without line end. It is 30 or 31 for a date that is
// written as usual, 2 or 02, and nothing is there. It is 0 for all else: then the whole field is there, and a varint more
// here says where in it the value starts. The strings of fields lie one after the other from 70 on, and the line end of
// each is that of bit 4.
//
//	 1 From                    2 Sender                  3 Reply-To                4 To
//	 5 Cc                      6 Bcc                     7 Subject                 8 Date
//	 9 Message-ID             10 In-Reply-To            11 References             12 List-Id
//	13 List-Unsubscribe       14 List-Unsubscribe-Post  15 Authentication-Results 16 Content-Type
//	17 Content-Transfer-Encoding                        18 Content-Disposition    19 Content-ID
//	20 Content-Description    21 Content-Language       22 Content-Location       23 Content-MD5
//	24 Auto-Submitted         25 Precedence             26 X-Priority             27 Importance
//	28 Priority               30 Date: Mon, 2 Jan 2006 15:04:05 -0700
//	                          31 Date: Mon, 02 Jan 2006 15:04:05 -0700
//	32 MIME-Version           33 Mime-Version           34 Message-Id             35 CC
//	36 List-ID                37 List-Post              38 List-Subscribe         39 Content-type
//	40 Content-transfer-encoding                        41 Disposition-Notification-To
//	42 Organization           43 X-MSMail-Priority      44 X-Original-To          45 Feedback-ID
//	46 Mail-Followup-To       47 Newsgroups             48 Keywords               49 X-Label
//	50 Reply-to               51 message-id             52 from                   53 to
//	54 subject                55 date
//
// Kept are fields with these names in any case, and Comments, Content-Class, Followup-To, Lines, Mail-Reply-To,
// Resent-Date, Resent-From, Resent-To, X-Draft-Info, X-Identity-Key, X-Uniform-Type-Identifier and
// X-Universally-Unique-Identifier.
//
// Parts: their number (u16), then for each, depth first: depth (u8); as varints the number of children, the distance of
// its header from the start of the body of the part before (of the first from 0), the length of header and body, lines of
// the body, line ends without a CR in the header, and (signed) the lines of the body less those without a CR; u8 1:
// format=flowed, 2: delsp; type, transfer encoding, charset and disposition, each a u8: 0 none, 255 that its span
// follows, or one of the words below; the span of the file's name; the number (u8) of fields kept of it, and for each its
// number (u8) above and the span of its value. Those are the ones that begin with Content-, and of a message within those
// of its envelope. The first part, which is the message, has none here.
//
//	type         1 text/plain 2 text/html 3 multipart/mixed 4 multipart/alternative 5 multipart/related
//	             6 multipart/signed 7 multipart/report 8 message/rfc822 9 message/delivery-status
//	             10 application/octet-stream 11 application/pdf 12 application/pgp-signature
//	             13 application/pkcs7-signature 14 image/png 15 image/jpeg 16 image/gif 17 text/calendar
//	             18 text/x-patch 19 text/x-diff 20 application/zip 21 application/ics 22 multipart/encrypted
//	             23 multipart/digest 24 text/rfc822-headers 25 application/x-pkcs7-signature
//	encoding     1 7bit 2 8bit 3 quoted-printable 4 base64 5 binary
//	charset      1 us-ascii 2 utf-8 3 iso-8859-1 4 windows-1252 5 iso-8859-15 6 iso-8859-2 7 koi8-r
//	             8 iso-2022-jp 9 gb2312
//	disposition  1 attachment 2 inline
//
// Attachments: their number (u16), then for each the part and its decoded size (varints).
package digest
