package fulltext

import (
	"slices"
	"testing"
)

func TestCodes(t *testing.T) {
	var ids []uint32
	for _, border := range tiers {
		for id := max(border, 300) - 300; id < border+300 && id < maxTerms; id += 7 {
			ids = append(ids, id)
		}
		if border > 0 {
			ids = append(ids, border-1)
		}
		if border < maxTerms {
			ids = append(ids, border)
		}
	}
	var codes []byte
	for _, id := range ids {
		codes = appendCode(codes, id)
	}
	if got := decode(nil, codes); !slices.Equal(got, ids) {
		t.Errorf("%d are read as %d", ids, got)
	}
	for n := range codes {
		for _, id := range decode(nil, codes[:n]) {
			if id > maxTerms {
				t.Fatalf("cut at %d there is term %d", n, id)
			}
		}
	}
}
