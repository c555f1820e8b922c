package index

import (
	"context"
	"slices"
	"strings"
)

// metaAnnotation and the entry's name: an annotation of the folder.
const metaAnnotation = "annotation "

// Annotate keeps a value under a name with the folder, as the METADATA of RFC 5464 wants it. It is
// there for all processes when it returns, goes where the folder goes, and is lost with the index.
// Nil removes it. ErrFull: name and value have more than 16 MB. MODSEQs stay.
func (x *Index) Annotate(ctx context.Context, entry string, value []byte) error {
	t, err := x.begin(ctx)
	if err != nil {
		return err
	}
	defer t.end()
	was, ok := t.view().Annotation(entry)
	if ok == (value != nil) && slices.Equal(was, value) {
		return nil
	}
	if err := t.meta(metaAnnotation+entry, value); err != nil {
		return err
	}
	_, err = t.commit()
	return err
}

// Annotation returns what Annotate keeps under that name.
func (v *View) Annotation(entry string) (value []byte, ok bool) {
	return v.Meta(metaAnnotation + entry)
}

// Annotations returns the names of all annotations, sorted.
func (v *View) Annotations() []string {
	keys := v.MetaKeys(metaAnnotation)
	for i, k := range keys {
		keys[i] = strings.TrimPrefix(k, metaAnnotation)
	}
	return keys
}
