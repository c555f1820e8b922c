package dns

import (
	"sync"
	"time"
)

type question struct {
	name string
	typ  uint16
}

// cache remembers answers until their time is over. When full it forgets what
// is over, and failing that, any: a wrong guess costs one question.
type cache struct {
	mu   sync.Mutex
	size int
	m    map[question]*entry
}

func newCache(size int) *cache {
	return &cache{size: size, m: map[question]*entry{}}
}

func (c *cache) get(q question, now time.Time) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.m[q]
	if e != nil && !now.Before(e.until) {
		delete(c.m, q)
		return nil
	}
	return e
}

func (c *cache) put(q question, e *entry) {
	if c.size <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.m) >= c.size {
		goal := c.size * 3 / 4
		for k, old := range c.m { // first what ends before the newcomer does
			if len(c.m) > goal && old.until.Before(e.until) {
				delete(c.m, k)
			}
		}
		for k := range c.m {
			if len(c.m) <= goal {
				break
			}
			delete(c.m, k)
		}
	}
	c.m[q] = e
}
