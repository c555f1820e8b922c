package digest

import "testing"

func TestLang(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"English", "\nThe engine is one of those that weave.\n", "en"},
		{"German", "\nDie Maschine ist nicht das, was wir von den Webstühlen kennen, und auf Dauer zu teuer.\n", "de"},
		{"French", "\nNous vous prions de bien vouloir noter que les réunions sur le sujet et une autre sont reportées.\n", "fr"},
		{"Russian", "\nАналитическая машина ткёт узоры\n", "ru"},
		{"Japanese", "\n解析機関は代数のパターンを織る\n", "ja"},
		{"Chinese", "\n分析機編織代數圖案如同織布機\n", "zh"},
		{"declared", "Content-Language: DE-at, en\n\nThe engine is one of those that weave.\n", "de"},
		{"too short", "\nok\n", ""},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Decode(Make(nil, []byte(tt.in)))
			if err != nil || d.Lang() != tt.want {
				t.Errorf("got %q, %v, want %q", d.Lang(), err, tt.want)
			}
		})
	}
}
