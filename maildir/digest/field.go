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
