package message

// intern returns b in lower case. Words that most messages have cost no allocation.
func intern(b []byte) string {
	var room [48]byte
	if len(b) > len(room) {
		return string(lower(make([]byte, 0, len(b)), b))
	}
	return known(lower(room[:0], b))
}

func lower(to, b []byte) []byte {
	for _, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		to = append(to, c)
	}
	return to
}

func known(b []byte) string {
	switch string(b) {
	case "":
		return ""
	case "text":
		return "text"
	case "plain":
		return "plain"
	case "html":
		return "html"
	case "multipart":
		return "multipart"
	case "mixed":
		return "mixed"
	case "alternative":
		return "alternative"
	case "related":
		return "related"
	case "signed":
		return "signed"
	case "report":
		return "report"
	case "application":
		return "application"
	case "octet-stream":
		return "octet-stream"
	case "pdf":
		return "pdf"
	case "pgp-signature":
		return "pgp-signature"
	case "image":
		return "image"
	case "png":
		return "png"
	case "jpeg":
		return "jpeg"
	case "gif":
		return "gif"
	case "message":
		return "message"
	case "rfc822":
		return "rfc822"
	case "utf-8":
		return "utf-8"
	case "us-ascii":
		return "us-ascii"
	case "iso-8859-1":
		return "iso-8859-1"
	case "windows-1252":
		return "windows-1252"
	case "7bit":
		return "7bit"
	case "8bit":
		return "8bit"
	case "base64":
		return "base64"
	case "quoted-printable":
		return "quoted-printable"
	case "attachment":
		return "attachment"
	case "inline":
		return "inline"
	}
	return string(b)
}
