package search

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pneu/maildir/message"
)

// correspondence is three conversations: 0 1 2, 3 4 and 5.
func correspondence() []*file {
	var files []*file
	for i, h := range []string{
		"From: ada@example.org\nMessage-ID: <a@x>\nSubject: tea",
		"From: grace@navy.example\nMessage-ID: <b@x>\nIn-Reply-To: <a@x>\nSubject: Re: tea",
		"From: zoe@uni.example\nMessage-ID: <c@x>\nReferences: <a@x> <b@x>\nSubject: cake",
		"From: ada@example.org\nMessage-ID: <d@x>\nSubject: coffee",
		"From: grace@navy.example\nMessage-ID: <e@x>\nIn-Reply-To: <d@x>\nSubject: Re: coffee",
		"From: zoe@uni.example\nSubject: water",
	} {
		f := newFile([]byte(fmt.Sprintf("%s\nDate: Sat, 21 Nov 2026 10:%02d:00 +0000\n\nhello\n", h, i)))
		f.uid, f.seq, f.received = uint32(i+1), i+1, now
		files = append(files, f)
	}
	return files
}

func TestConversations(t *testing.T) {
	files := correspondence()
	docs := Docs{In: "INBOX"}
	for _, f := range files {
		docs.List = append(docs.List, f)
	}
	tests := []struct {
		query string
		want  []int
	}{
		{"thread:{from:ada}", []int{0, 1, 2, 3, 4}},
		{"thread:{from:zoe}", []int{0, 1, 2, 5}},
		{"thread:{from:zoe} from:grace", []int{1}},
		{"thread:{from:zoe} -body:/h.l/", nil},
		{"thread:{from:zoe} body:/h.l/ from:/^ada@/", []int{0}},
		{"-thread:{from:ada}", []int{5}},
		{"thread:{subject:water} OR thread:d@x", []int{3, 4, 5}},
		{"thread:b@x", []int{0, 1, 2}},
		{"thread:B@X", []int{0, 1, 2}},
		{"thread:nobody@x", nil},
		{"thread:{.}", []int{0, 1, 2}},
		{"thread:{thread:{subject:coffee} from:ada}", []int{3, 4}},
		{"~(~s cake)", []int{0, 1, 2}},
		{"-thread:{from:nobody}", []int{0, 1, 2, 3, 4, 5}},
	}
	for _, tt := range tests {
		q, err := ParseWith(tt.query, Options{Now: now, Current: &message.Summary{MessageID: "c@x", References: []string{"a@x", "b@x"}}})
		if err != nil {
			t.Fatal(err)
		}
		for name, src := range map[string]Source{"index": newMemory(files), "files": docs} {
			rows, err := q.Run(t.Context(), src)
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.Collect(rows.Rows()); !slices.Equal(got, tt.want) {
				t.Errorf("%s in %s: %v, want %v", tt.query, name, got, tt.want)
			}
		}
	}
}

// A caller that knows all folders says who is in a conversation.
func TestResolve(t *testing.T) {
	q, err := Parse("thread:{from:ada} -thread:a@x OR is:flagged")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(q.Threads()); n != 2 {
		t.Fatalf("%d conversations", n)
	}
	wrong := errors.New("wrong")
	if _, err := q.Resolve(func(Conversation) ([]string, error) { return nil, wrong }); !errors.Is(err, wrong) {
		t.Error(err)
	}
	text := q.String()
	q, err = q.Resolve(func(c Conversation) ([]string, error) {
		if c.ID != "" {
			return []string{"a@x", "b@x"}, nil
		}
		return []string{"B@x", "e@x"}, nil
	})
	if err != nil || len(q.Threads()) != 0 || q.String() != text {
		t.Fatal(q, err)
	}
	files := correspondence()
	rows, err := q.Run(t.Context(), newMemory(files))
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Collect(rows.Rows()); !slices.Equal(got, []int{4}) {
		t.Error(got)
	}
	for i, f := range files {
		if q.Match(f) != rows.Has(i) {
			t.Error(i)
		}
	}
}
