package message

import "bytes"

// maxRefs is how many references are kept: the oldest, which names the thread, and the last ones.
const maxRefs = 1000

// firstID returns the first id in v without angle brackets; the whole of v if it has none and is one word.
func firstID(v []byte) string {
	id, _ := nextID(v)
	if id == "" {
		if v = bytes.Trim(v, " \t\r\n<>"); len(v) < 1000 && !bytes.ContainsAny(v, " \t\r\n") {
			id = string(v)
		}
	}
	return plainText(oneLine(id), "")
}

// nextID returns the next id in angle brackets, and what follows it. White space within is a fold gone wrong.
func nextID(v []byte) (id string, rest []byte) {
	for {
		i := bytes.IndexByte(v, '<')
		if i < 0 {
			return "", nil
		}
		v = v[i+1:]
		j := bytes.IndexAny(v, "<>")
		if j < 0 {
			return "", nil
		}
		if v[j] == '<' { // opened twice
			v = v[j:]
			continue
		}
		id := v[:j]
		v = v[j+1:]
		if bytes.ContainsAny(id, " \t\r\n") {
			id = bytes.Join(bytes.Fields(id), nil)
		}
		if len(id) > 0 && len(id) < 1000 {
			return string(id), v
		}
	}
}

// references joins the ids of References and In-Reply-To. RFC 5322, 3.6.4: the last is the message answered.
func references(refs, reply []byte) []string {
	var ids []string
	if n := min(bytes.Count(refs, []byte("<")), maxRefs); n > 0 {
		ids = make([]string, 0, n+1)
	}
	for rest := refs; ; {
		var id string
		if id, rest = nextID(rest); id == "" {
			break
		}
		if len(ids) == 2*maxRefs { // not at each one: moving them would take longer than reading them
			ids = newest(ids, maxRefs-1)
		}
		ids = append(ids, plainText(id, ""))
	}
	ids = newest(ids, maxRefs)
	// Of In-Reply-To the first id counts: what follows is often the mail address in a sentence around it.
	if id, _ := nextID(reply); id != "" {
		for _, have := range ids {
			if have == id {
				return ids
			}
		}
		ids = append(ids, plainText(id, ""))
	}
	return ids
}

// newest keeps the first id, which is the thread's, and of the others the last ones.
func newest(ids []string, n int) []string {
	if len(ids) <= n {
		return ids
	}
	copy(ids[1:], ids[len(ids)-n+1:])
	return ids[:n]
}
