package maildir

// A kind is what readdir says about an entry, as far as it matters here.
type kind byte

const (
	plain   kind = iota // a regular file
	link                // a symbolic link: followed only inside the tree
	unknown             // the file system does not say (rule: do not rely on d_type)
	other               // directory, socket, pipe, device: never a message
)
