package digest

import "bytes"

// lang guesses the language: what the sender says, else by the script and the small words of the text.
func (k *maker) lang(text []byte) {
	lang := declared(k.first[fieldLanguage].raw)
	text = text[:min(len(text), 1000)]
	if lang == "" {
		lang = script(text)
	}
	if lang == "" {
		lang = smallWords(text)
	}
	copy(k.b[k.start+atLang:k.start+atLang+2], lang)
}

// declared returns the first language of a Content-Language field (RFC 3282).
func declared(v []byte) string {
	v = bytes.TrimSpace(v)
	if len(v) < 2 || len(v) > 2 && v[2] != '-' && v[2] != ',' && v[2] != ' ' {
		return ""
	}
	a, b := v[0]|0x20, v[1]|0x20
	if a < 'a' || a > 'z' || b < 'a' || b > 'z' {
		return ""
	}
	return string([]byte{a, b})
}

// script returns the language that is mostly written in the script of s; "" for Latin letters.
func script(s []byte) string {
	wide := 0
	for _, c := range s {
		wide += int(c >> 7)
	}
	if wide*4 < len(s) { // of Latin text less is beyond ASCII
		return ""
	}
	var count [8]int
	langs := [...]string{"zh", "ja", "ko", "ru", "el", "he", "ar", "th"}
	for _, r := range string(s) {
		switch {
		case r < 0x370:
		case r < 0x400:
			count[4]++
		case r < 0x530:
			count[3]++
		case r >= 0x590 && r < 0x600:
			count[5]++
		case r >= 0x600 && r < 0x700:
			count[6]++
		case r >= 0xe00 && r < 0xe80:
			count[7]++
		case r >= 0x3041 && r <= 0x30ff:
			count[1] += 8 // they stand among Chinese characters
		case r >= 0x4e00 && r <= 0x9fff:
			count[0] += 2
		case r >= 0xac00 && r <= 0xd7a3:
			count[2] += 2
		}
	}
	best := 0
	for i, n := range count {
		if n > count[best] {
			best = i
		}
	}
	if count[best] < 8 {
		return ""
	}
	return langs[best]
}

// smallWords returns the language in which s has by far the most small words: those that one language alone has, of
// the eight that are told apart.
func smallWords(s []byte) string {
	langs := [...]string{"en", "de", "fr", "es", "it", "nl", "pt", "sv"}
	var count [len(langs)]int
	for i := 0; i < len(s); {
		start := i
		for i < len(s) && (s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z' || s[i] >= 0x80) {
			i++
		}
		if n := i - start; n >= 2 && n <= 5 {
			var room [5]byte
			word := append(room[:0], s[start:i]...)
			word[0] |= 0x20
			switch string(word) {
			case "the", "and", "of", "to", "is", "that", "with", "you", "this", "are", "for", "was", "have":
				count[0]++
			case "der", "und", "das", "ist", "nicht", "den", "ein", "mit", "auf", "zu", "von", "sie", "wir", "für":
				count[1]++
			case "les", "et", "des", "est", "une", "pour", "dans", "vous", "sur", "nous", "le":
				count[2]++
			case "el", "los", "las", "por", "para", "del", "como", "es", "su":
				count[3]++
			case "il", "di", "che", "non", "gli", "sono", "della", "per":
				count[4]++
			case "het", "een", "van", "dat", "niet", "voor", "zijn", "aan":
				count[5]++
			case "uma", "os", "em", "ao", "seu", "mais", "não", "são":
				count[6]++
			case "och", "att", "det", "som", "på", "är", "inte", "jag":
				count[7]++
			}
		}
		i = max(i, start+1)
	}
	best, second := 0, 0
	for i, n := range count {
		if n > count[best] {
			best = i
		}
	}
	for i, n := range count {
		if i != best {
			second = max(second, n)
		}
	}
	if count[best] < 3 || count[best] < 2*second {
		return ""
	}
	return langs[best]
}
