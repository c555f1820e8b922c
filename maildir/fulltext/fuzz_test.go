package fulltext

import (
	"bytes"
	"context"
	"os"
	"testing"
)

// segmentBytes is a small segment's file.
func segmentBytes(t testing.TB, texts ...string) []byte {
	s := newShard()
	for i, text := range texts {
		s.add(uint32(2*i+1), []byte(text))
	}
	path := t.TempDir() + "/segment"
	f, err := disk{}.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writeSegment(context.Background(), f, 1, []source{s}, nil); err != nil {
		t.Fatal(err)
	}
	f.Close()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// mend makes the checksums right, so that what is behind them is reached.
func mend(b []byte) {
	if len(b) < headerSize+footerSize {
		return
	}
	foot := b[len(b)-footerSize:]
	copy(foot, segmentMagic)
	put := func(at []byte, sum uint32) {
		at[0], at[1], at[2], at[3] = byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24)
	}
	put(foot[8:], version)
	put(foot[footerSize-4:], checksum(foot[:footerSize-4]))
	ft, err := parseFooter(foot)
	if err != nil || ft.sums > uint64(len(b)-footerSize) {
		return
	}
	sums := b[ft.sums : len(b)-footerSize]
	for c := 0; 4*c+4 <= len(sums) && c*chunkSize < int(ft.sums); c++ {
		put(sums[4*c:], checksum(b[c*chunkSize:min((c+1)*chunkSize, int(ft.sums))]))
	}
	put(foot[20:], checksum(sums))
	put(foot[footerSize-4:], checksum(foot[:footerSize-4]))
}

// FuzzSegment: whatever a segment's file holds, what it cannot answer exactly it
// hands to its caller, and merging it fails or gives a segment.
func FuzzSegment(f *testing.F) {
	f.Add(segmentBytes(f, "the invoice of the year", "of the them", "漢字 a,b", ""), []byte("of the"))
	f.Add(segmentBytes(f, "a"), []byte("a"))
	f.Fuzz(func(t *testing.T, b, needle []byte) {
		b = bytes.Clone(b)
		mend(b)
		s, err := newSegment(b)
		if err != nil {
			return
		}
		v := &View{segments: []*segment{s, s}, workers: 2}
		for uid := range v.Find(context.Background(), needle) {
			if _, ok := s.docOf(uid); !ok {
				t.Fatalf("found %d, which is not there", uid)
			}
		}
		for _, uid := range s.uids[:min(len(s.uids), 4)] {
			v.Text(uid)
		}
		v.Covered()
		out := t.TempDir() + "/segment"
		w, err := disk{}.Create(out)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if _, err := writeSegment(context.Background(), noSync{w}, 2, []source{s}, nil); err != nil {
			return
		}
		merged, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := newSegment(merged); err != nil {
			t.Fatalf("merged segment: %v", err)
		}
	})
}

type noSync struct{ file }

func (noSync) Sync() error { return nil }

// FuzzManifest: what is read is written alike.
func FuzzManifest(f *testing.F) {
	f.Add(manifest{identity: "x", generation: 3, next: 4, segments: []entry{{1, 2, 3}}}.append(nil))
	f.Add(manifest{}.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if n := len(b) - 4; n >= 0 {
			sum := checksum(b[:n])
			b = append(bytes.Clone(b[:n]), byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24))
		}
		m, err := parseManifest(b)
		if err == nil && !bytes.Equal(m.append(nil), b) {
			t.Errorf("%x is read as %+v", b, m)
		}
	})
}

// FuzzTail: whatever stands in a tail, the records that are read are whole, and
// one more can be appended.
func FuzzTail(f *testing.F) {
	whole := appendRecord(appendRecord(tailHeader("folder 1", 5), 1, []byte("one")), 2, []byte("two"))
	for _, n := range []int{len(whole), len(whole) - 1, 10, 0} {
		f.Add(whole[:n])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(dir+"/"+tailName, b, 0o600); err != nil {
			t.Fatal(err)
		}
		x, err := Open(dir, Options{Identity: "folder 1"})
		if err != nil {
			return
		}
		before := x.View().Stat().TailDocs
		added := !x.View().Has(7)
		if _, err := x.Append(7, []byte("seven")); err != nil {
			t.Fatal(err)
		}
		y := mustOpen(t, dir, Options{})
		if added {
			before++
		}
		if text, ok := y.View().Text(7); y.View().Stat().TailDocs != before || !ok || added && string(text) != "seven" {
			t.Errorf("%d, want %d; %q", y.View().Stat().TailDocs, before, text)
		}
	})
}

// FuzzFind: a document is found exactly if it contains the needle.
func FuzzFind(f *testing.F) {
	f.Add([]byte("the proof of the thing"), []byte("of the"))
	f.Add([]byte("検索、テスト abc"), []byte("索、テ"))
	f.Add([]byte("\xe3\x81\x80\x80a  b"), []byte("\x80a "))
	f.Fuzz(func(t *testing.T, text, needle []byte) {
		if !indexable(text) || len(text) > 1<<12 {
			return
		}
		b := segmentBytes(t, string(text), string(text)+string(needle), "other")
		s, err := newSegment(b)
		if err != nil {
			t.Fatal(err)
		}
		texts := map[uint32][]byte{1: text, 3: append(bytes.Clone(text), needle...), 5: []byte("other")}
		if !indexable(texts[3]) {
			return
		}
		v := &View{segments: []*segment{s}, workers: 1}
		checkFind(t, v, texts, needle)
		checkCovered(t, v, texts)
	})
}
