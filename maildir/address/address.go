// Package address reads and writes RFC 5322 address lists (section 3.4 with the obsolete forms of 4.4).
//
// ParseList never fails: what cannot be an address is kept as well as it can be, since a reader wants to see
// something and an answer must go somewhere. Valid is the strict side, for envelopes. The package imports only
// slices, strings and unicode/utf8, because the sendmail program, which must start fast, links it; names stay encoded as
// they stand in the header, and package message decodes them.
package address

// An Address is one mailbox of an address list.
type Address struct {
	// Name is the display name, unquoted but with encoded words (RFC 2047) left as they are.
	Name string
	// Addr is local@domain without white space and comments; a quoted local part keeps its quotes where it needs
	// them. An address without a domain (a local user) is the local part alone.
	Addr string
	// Group is the name of the group the mailbox stood in, or empty.
	Group string
}
