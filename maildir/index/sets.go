package index

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// keywordSets numbers combinations of keywords. All tables that came from one snapshot
// share it: numbers are only ever added.
type keywordSets struct {
	list atomic.Pointer[[][]uint16] // of sorted numbers; set 0 is empty
	mu   sync.Mutex
	ids  map[string]uint16
}

func newKeywordSets(list [][]uint16) *keywordSets {
	s := &keywordSets{}
	list = list[:len(list):len(list)]
	s.list.Store(&list)
	return s
}

// all returns the sets by their number.
func (s *keywordSets) all() [][]uint16 { return *s.list.Load() }

// get returns the keywords of a set, none if there is no such set.
func (s *keywordSets) get(set uint16) []uint16 {
	if list := s.all(); int(set) < len(list) {
		return list[set]
	}
	return nil
}

// number returns the number of a set, a new one if it has none yet. It is false if there
// are no more.
func (s *keywordSets) number(ids []uint16) (uint16, bool) {
	if len(ids) == 0 {
		return 0, true
	}
	ids = slices.Clone(ids)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.all()
	if s.ids == nil {
		s.ids = make(map[string]uint16, len(list))
		for k, set := range list {
			s.ids[string(bytesOf(set))] = uint16(k)
		}
	}
	key := string(bytesOf(ids))
	if id, ok := s.ids[key]; ok {
		return id, true
	}
	if len(list) > math.MaxUint16 {
		return 0, false
	}
	id := uint16(len(list))
	list = append(list, ids) // who has the shorter list does not look this far
	s.list.Store(&list)
	s.ids[key] = id
	return id, true
}
