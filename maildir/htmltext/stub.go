package htmltext

import "strings"

// Prefer says whether a message is better read in its HTML than in the plain text
// that came with it: where that is empty, a pointer to a browser, or less than
// 15 % of what the HTML says.
func Prefer(plain string, html Result) bool {
	p, h := letters(plain), letters(html.Text)
	if h == 0 {
		return false
	}
	if p*100 < h*15 {
		return true
	}
	if p < 600 && h > p {
		low := strings.ToLower(plain)
		for _, s := range []string{"view in browser", "view in a browser", "view this email in your browser", "view it in your browser",
			"does not support html", "doesn't support html", "html-capable", "html capable", "not displayed correctly",
			"enable html", "html version of this", "im browser ansehen", "dans votre navigateur"} {
			if strings.Contains(low, s) {
				return true
			}
		}
	}
	return false
}

// letters counts what is neither blank nor a mark of quoting.
func letters(s string) int {
	n := 0
	for _, r := range s {
		if r > ' ' && r != '>' && r != '-' && r != '\u00a0' {
			n++
		}
	}
	return n
}
