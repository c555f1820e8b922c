package digest

// A fieldID names a header field that is kept. The numbers are part of the format.
type fieldID byte

const (
	fieldNone fieldID = iota
	fieldFrom
	fieldSender
	fieldReplyTo
	fieldTo
	fieldCc
	fieldBcc
	fieldSubject
	fieldDate
	fieldMessageID
	fieldInReplyTo
	fieldReferences
	fieldListID
	fieldUnsubscribe
	fieldUnsubscribePost
	fieldAuth
	fieldType
	fieldEncoding
	fieldDisposition
	fieldContentID
	fieldDescription
	fieldLanguage
	fieldLocation
	fieldMD5
	fieldAutoSubmitted
	fieldPrecedence
	fieldXPriority
	fieldImportance
	fieldPriority
	fieldOther // kept only so that it need not be read from the file
	numFields
)

// How a field is written in the section of fields: as one of the spellings below, with a colon and a blank before the
// value and the line end of the message behind it, so that only the value is kept; or whole.
const (
	spellWhole   = 0
	spellDay     = 30 // Date: Mon, 2 Jan 2006 15:04:05 -0700, which follows from the fixed part
	spellDay2    = 31 // Date: Mon, 02 Jan 2006 15:04:05 -0700
	spellAnother = 32 // the first of anotherSpelling
	formatDay    = "Mon, 2 Jan 2006 15:04:05 -0700"
	formatDay2   = "Mon, 02 Jan 2006 15:04:05 -0700"
	maxFormatted = len(formatDay2)
)

// usualSpelling has the names of the fields with a number. anotherSpelling only grows, and is part of the format.
var (
	usualSpelling = [...]string{fieldFrom: "From", fieldSender: "Sender", fieldReplyTo: "Reply-To", fieldTo: "To", fieldCc: "Cc", fieldBcc: "Bcc",
		fieldSubject: "Subject", fieldDate: "Date", fieldMessageID: "Message-ID", fieldInReplyTo: "In-Reply-To", fieldReferences: "References",
		fieldListID: "List-Id", fieldUnsubscribe: "List-Unsubscribe", fieldUnsubscribePost: "List-Unsubscribe-Post",
		fieldAuth: "Authentication-Results", fieldType: "Content-Type", fieldEncoding: "Content-Transfer-Encoding",
		fieldDisposition: "Content-Disposition", fieldContentID: "Content-ID", fieldDescription: "Content-Description",
		fieldLanguage: "Content-Language", fieldLocation: "Content-Location", fieldMD5: "Content-MD5", fieldAutoSubmitted: "Auto-Submitted",
		fieldPrecedence: "Precedence", fieldXPriority: "X-Priority", fieldImportance: "Importance", fieldPriority: "Priority"}
	anotherSpelling = [...]string{"MIME-Version", "Mime-Version", "Message-Id", "CC", "List-ID", "List-Post", "List-Subscribe", "Content-type",
		"Content-transfer-encoding", "Disposition-Notification-To", "Organization", "X-MSMail-Priority", "X-Original-To", "Feedback-ID",
		"Mail-Followup-To", "Newsgroups", "Keywords", "X-Label", "Reply-to", "message-id", "from", "to", "subject", "date"}
)

// spelling returns the number of a name as it is spelled, spellWhole if it has none.
func spelling(id fieldID, name []byte) byte {
	if int(id) < len(usualSpelling) && string(name) == usualSpelling[id] {
		return byte(id)
	}
	for i, s := range anotherSpelling {
		if string(name) == s {
			return byte(spellAnother + i)
		}
	}
	return spellWhole
}

// spelled returns the name with a number, and the field it is.
func spelled(n byte) ([]byte, fieldID) {
	switch n := int(n); {
	case n == spellDay || n == spellDay2:
		return spellings[fieldDate].name, fieldDate
	case n < len(usualSpelling) || n >= spellAnother && n < len(spellings):
		return spellings[n].name, spellings[n].id
	}
	return nil, fieldNone
}

// spellings has the names of both lists at their numbers.
var spellings = func() (t [spellAnother + len(anotherSpelling)]struct {
	name []byte
	id   fieldID
}) {
	for i, s := range usualSpelling {
		t[i].name, t[i].id = []byte(s), fieldID(i)
	}
	for i, s := range anotherSpelling {
		t[spellAnother+i].name, t[spellAnother+i].id = []byte(s), fieldOf([]byte(s))
	}
	return t
}()

// The address lists, in their order.
const (
	listFrom = iota
	listSender
	listReplyTo
	listTo
	listCc
	listBcc
	numLists
)

// fieldOf says which field a name in any case is.
func fieldOf(name []byte) fieldID {
	var room [32]byte
	if len(name) > len(room) {
		return fieldNone
	}
	b := room[:len(name)]
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		b[i] = c
	}
	switch string(b) {
	case "from":
		return fieldFrom
	case "sender":
		return fieldSender
	case "reply-to":
		return fieldReplyTo
	case "to":
		return fieldTo
	case "cc":
		return fieldCc
	case "bcc":
		return fieldBcc
	case "subject":
		return fieldSubject
	case "date":
		return fieldDate
	case "message-id":
		return fieldMessageID
	case "in-reply-to":
		return fieldInReplyTo
	case "references":
		return fieldReferences
	case "list-id":
		return fieldListID
	case "list-unsubscribe":
		return fieldUnsubscribe
	case "list-unsubscribe-post":
		return fieldUnsubscribePost
	case "authentication-results":
		return fieldAuth
	case "content-type":
		return fieldType
	case "content-transfer-encoding":
		return fieldEncoding
	case "content-disposition":
		return fieldDisposition
	case "content-id":
		return fieldContentID
	case "content-description":
		return fieldDescription
	case "content-language":
		return fieldLanguage
	case "content-location":
		return fieldLocation
	case "content-md5":
		return fieldMD5
	case "auto-submitted":
		return fieldAutoSubmitted
	case "precedence":
		return fieldPrecedence
	case "x-priority":
		return fieldXPriority
	case "importance":
		return fieldImportance
	case "priority":
		return fieldPriority
	case "mime-version", "newsgroups", "list-post", "list-subscribe", "mail-followup-to", "mail-reply-to", "disposition-notification-to",
		"keywords", "comments", "organization", "lines", "x-label", "x-original-to", "x-msmail-priority", "x-uniform-type-identifier",
		"x-universally-unique-identifier", "x-draft-info", "x-identity-key", "resent-from", "resent-to", "resent-date", "followup-to",
		"content-class", "feedback-id":
		return fieldOther
	}
	return fieldNone
}
