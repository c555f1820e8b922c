package charset

import (
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

type kind uint8

const (
	kindTable   kind = iota // an encoding of x/text
	kindUnknown             // no such charset
	kindGuess               // a name that says nothing
	kindUTF8
	kindUTF7
	kindUTF16 // with a byte order mark, or without
	kindISO2022
)

type decoder struct {
	kind    kind
	ascii   bool // octets below 0x80 are ASCII, so that ASCII needs no work
	table   encoding.Encoding
	variant byte // of ISO 2022: 'j', 'k' or 'c'
}

func single(e encoding.Encoding) decoder { return decoder{ascii: true, table: e} }

// lookup finds a charset by its name. Case, hyphens, underscores and other marks are of no account, since people
// write utf8, "UTF-8", iso_8859-1 and ISO8859-1:1987.
func lookup(label string) decoder {
	var room [40]byte
	key := room[:0]
	for i := 0; i < len(label) && len(key) < len(room); i++ {
		c := label[i]
		switch {
		case 'A' <= c && c <= 'Z':
			key = append(key, c|0x20)
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			key = append(key, c)
		case c == '*': // RFC 2231, 5: a language follows
			i = len(label)
		}
	}
	if d := western(string(key)); d.kind != kindUnknown {
		return d
	}
	if d := eastern(string(key)); d.kind != kindUnknown {
		return d
	}
	// cs... are aliases in the IANA registry, x-... private names that became public.
	if len(key) > 3 && key[0] == 'x' {
		return lookup(string(key[1:]))
	}
	if len(key) > 4 && key[0] == 'c' && key[1] == 's' {
		return lookup(string(key[2:]))
	}
	return decoder{kind: kindUnknown}
}

// western has Unicode and the charsets of one octet a character.
func western(key string) decoder {
	switch key {
	case "utf8", "unicode11utf8", "unicode20utf8", "utf8mb4", "utf8sig", "cp65001", "65001":
		return decoder{kind: kindUTF8, ascii: true}
	case "", "usascii", "ascii", "ansix341968", "ansix341986", "iso646us", "iso646irv1991", "isoir6", "us", "646", "cp367",
		"unknown8bit", "unknown", "xunknown", "8bit", "7bit", "binary", "default", "none", "iso646", "ansi", "defaultcharset", "charset":
		return decoder{kind: kindGuess, ascii: true}
	case "utf7", "unicode11utf7", "unicode20utf7", "utf7imap", "cp65000", "65000":
		return decoder{kind: kindUTF7}
	case "utf16", "ucs2", "iso10646ucs2", "unicode":
		return decoder{kind: kindUTF16}
	case "utf16le", "ucs2le", "unicodelittle", "unicodefffe", "cp1200":
		return decoder{table: unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)}
	case "utf16be", "ucs2be", "unicodebig", "unicodefeff", "cp1201":
		return decoder{table: unicode.UTF16(unicode.BigEndian, unicode.UseBOM)}
	case "utf32", "ucs4", "iso10646ucs4", "utf32be", "ucs4be":
		return decoder{table: utf32.UTF32(utf32.BigEndian, utf32.UseBOM)}
	case "utf32le", "ucs4le":
		return decoder{table: utf32.UTF32(utf32.LittleEndian, utf32.UseBOM)}
	// Octets 0x80-0x9f are control characters in iso-8859-1, and where they occur windows-1252 was meant.
	case "iso88591", "88591", "iso885911987", "isoir100", "latin1", "isolatin1", "l1", "ibm819", "cp819", "windows1252", "cp1252", "win1252", "1252",
		"ansi1252", "windowslatin1", "iso8859", "latin", "westerneuropeaniso", "westerneuropeanwindows":
		return single(charmap.Windows1252)
	case "iso88592", "88592", "iso885921987", "isoir101", "latin2", "isolatin2", "l2":
		return single(charmap.ISO8859_2)
	case "iso88593", "88593", "iso885931988", "isoir109", "latin3", "isolatin3", "l3":
		return single(charmap.ISO8859_3)
	case "iso88594", "88594", "iso885941988", "isoir110", "latin4", "isolatin4", "l4":
		return single(charmap.ISO8859_4)
	case "iso88595", "88595", "iso885951988", "isoir144", "cyrillic", "isolatincyrillic":
		return single(charmap.ISO8859_5)
	case "iso88596", "88596", "iso885961987", "isoir127", "arabic", "ecma114", "asmo708", "iso88596e", "iso88596i", "isolatinarabic":
		return single(charmap.ISO8859_6)
	case "iso88597", "88597", "iso885971987", "isoir126", "greek", "greek8", "ecma118", "elot928", "isolatingreek":
		return single(charmap.ISO8859_7)
	case "iso88598", "88598", "iso885981988", "isoir138", "hebrew", "iso88598i", "iso88598e", "logical", "visual", "isolatinhebrew":
		return single(charmap.ISO8859_8)
	case "iso88599", "88599", "iso885991989", "isoir148", "latin5", "isolatin5", "l5", "windows1254", "cp1254", "win1254", "1254", "turkish":
		return single(charmap.Windows1254)
	case "iso885910", "885910", "iso8859101992", "isoir157", "latin6", "isolatin6", "l6":
		return single(charmap.ISO8859_10)
	case "iso885911", "885911", "tis620", "tis6200", "windows874", "cp874", "win874", "874", "thai", "dos874", "ibm874":
		return single(charmap.Windows874)
	case "iso885913", "885913", "latin7", "l7":
		return single(charmap.ISO8859_13)
	case "iso885914", "885914", "iso8859141998", "isoir199", "isoceltic", "latin8", "l8":
		return single(charmap.ISO8859_14)
	case "iso885915", "885915", "iso8859151998", "latin9", "l9", "latin0", "iso885915euro":
		return single(charmap.ISO8859_15)
	case "iso885916", "885916", "iso8859162001", "isoir226", "latin10", "l10":
		return single(charmap.ISO8859_16)
	case "windows1250", "cp1250", "win1250", "1250":
		return single(charmap.Windows1250)
	case "windows1251", "cp1251", "win1251", "1251":
		return single(charmap.Windows1251)
	case "windows1253", "cp1253", "win1253", "1253":
		return single(charmap.Windows1253)
	case "windows1255", "cp1255", "win1255", "1255":
		return single(charmap.Windows1255)
	case "windows1256", "cp1256", "win1256", "1256":
		return single(charmap.Windows1256)
	case "windows1257", "cp1257", "win1257", "1257":
		return single(charmap.Windows1257)
	case "windows1258", "cp1258", "win1258", "1258":
		return single(charmap.Windows1258)
	case "koi8r", "koi8", "koi", "cp20866":
		return single(charmap.KOI8R)
	case "koi8u", "koi8ru", "cp21866":
		return single(charmap.KOI8U)
	case "macintosh", "mac", "macroman", "xmacroman", "macostype":
		return single(charmap.Macintosh)
	case "maccyrillic", "xmaccyrillic", "macukrainian", "xmacukrainian":
		return single(charmap.MacintoshCyrillic)
	case "ibm437", "cp437", "437", "pc8codepage437":
		return single(charmap.CodePage437)
	case "ibm850", "cp850", "850", "pc850multilingual":
		return single(charmap.CodePage850)
	case "ibm852", "cp852", "852", "pcp852":
		return single(charmap.CodePage852)
	case "ibm855", "cp855", "855":
		return single(charmap.CodePage855)
	case "ibm858", "ibm00858", "cp858", "cp00858", "pcmultilingual850euro":
		return single(charmap.CodePage858)
	case "ibm860", "cp860", "860":
		return single(charmap.CodePage860)
	case "ibm862", "cp862", "862":
		return single(charmap.CodePage862)
	case "ibm863", "cp863", "863":
		return single(charmap.CodePage863)
	case "ibm865", "cp865", "865":
		return single(charmap.CodePage865)
	case "ibm866", "cp866", "866", "ibm866nav":
		return single(charmap.CodePage866)
	case "ibm037", "cp037", "ebcdiccpus":
		return decoder{table: charmap.CodePage037}
	case "ibm1047", "cp1047":
		return decoder{table: charmap.CodePage1047}
	}
	return decoder{kind: kindUnknown}
}

// eastern has the charsets of several octets a character. Each name is read as the largest set it is used for.
func eastern(key string) decoder {
	switch key {
	case "gb2312", "gb231280", "gbk", "gb18030", "gb180302000", "gb180302022", "cp936", "ms936", "windows936", "win936", "936",
		"euccn", "chinese", "isoir58", "iso58gb231280", "gb", "xgbk", "gbkeuc":
		return single(simplifiedchinese.GB18030)
	case "hzgb2312", "hz":
		return decoder{table: simplifiedchinese.HZGB2312}
	case "big5", "big5hkscs", "cnbig5", "cp950", "ms950", "windows950", "950", "big5eten", "big5tw", "xxbig5":
		return single(traditionalchinese.Big5)
	case "euckr", "ksc56011987", "ksc56011989", "ksc5601", "ksc56011992", "isoir149", "korean", "cp949", "ms949", "uhc", "windows949",
		"949", "ksx1001", "ksx10011992", "ks", "eucks", "5601":
		return single(korean.EUCKR)
	case "shiftjis", "sjis", "mskanji", "cp932", "ms932", "windows31j", "windows932", "932", "shiftjisx0213", "shiftjis2004", "xsjis",
		"shiftjs", "ibm943", "cp943", "cp943c":
		return decoder{table: japanese.ShiftJIS}
	case "eucjp", "ujis", "eucpkdfmtjapanese", "extendedunixcodepackedformatforjapanese", "eucjpms", "eucjpwin", "cp51932", "eucjisx0213", "eucjis2004":
		return single(japanese.EUCJP)
	case "iso2022jp", "iso2022jp1", "iso2022jp2", "iso2022jp3", "iso2022jp2004", "iso2022jpext", "iso2022jpms", "cp50220", "cp50221",
		"cp50222", "jis", "jis7", "iso2022", "2022jp":
		return decoder{kind: kindISO2022, variant: 'j'}
	case "iso2022kr", "cp50225":
		return decoder{kind: kindISO2022, variant: 'k'}
	case "iso2022cn", "iso2022cnext", "cp50227":
		return decoder{kind: kindISO2022, variant: 'c'}
	}
	return decoder{kind: kindUnknown}
}
