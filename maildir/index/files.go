package index

// fileSystem is what the index needs of one, so that tests can stop it at every
// step.
type fileSystem interface{}
