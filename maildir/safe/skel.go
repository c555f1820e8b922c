package safe

// A Text is a string without control characters, fit for a terminal, a log line or a file of records.
type Text struct{ s string }

func (t Text) String() string { return t.s }

// Line cleans a field that stands in one line: a subject, a name, an address, a server's reply.
func Line(s string) Text { panic("soon") }

// Body cleans running text: line ends stay, tabs are expanded.
func Body(s string) Text { panic("soon") }

// Path cleans a file's path for printing.
func Path(s string) Text { panic("soon") }

// Filename makes a name to save under out of a stranger's.
func Filename(s string) string { panic("soon") }

// Width is the number of terminal cells s takes.
func Width(s string) int { panic("soon") }

// Truncate cuts s to w cells, with an ellipsis where something was cut.
func Truncate(s string, w int) string { panic("soon") }

// Pad cuts or fills s with blanks to exactly w cells.
func Pad(s string, w int) string { panic("soon") }
