package address

// ParseList reads an address list. Groups are flattened, with Group set; routes are dropped.
func ParseList(s string) []Address { panic("soon") }

// Split cuts addr at the last @ outside quotes. Without one, domain is empty.
func Split(addr string) (local, domain string) { panic("soon") }

// Valid reports why addr cannot stand in an SMTP envelope (RFC 5321, 4.1.2), or nil. With utf8 set, RFC 6531 holds.
func Valid(addr string, utf8 bool) error { panic("soon") }

// Quote returns name as a phrase: as it is if it is made of atoms, else as a quoted string.
func Quote(name string) string { panic("soon") }
