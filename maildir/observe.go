package maildir

// An Observer is told when this program changes files in new/ or cur/, so that
// what it keeps of a folder need not be found out again by reading directories.
type Observer interface {
	// Begin is called before names in f change, and what it returns afterwards.
	// Calls nest, overlap, and come from several goroutines. It must not wait
	// for other programs: deliveries pass here.
	Begin(f *Folder) (end func())
}

// Observe has o told of the changes that are made through this Store, its
// folders and their holds from now on; nil ends it. There is one observer.
func (s *Store) Observe(o Observer) {
	if o == nil {
		s.observer.Store(nil)
		return
	}
	s.observer.Store(&o)
}

func ended() {}

// changing is to be called before files of f change, and its result after.
func (f *Folder) changing() (end func()) {
	o := f.store.observer.Load()
	if o == nil {
		return ended
	}
	return (*o).Begin(f)
}
