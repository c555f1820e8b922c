// Package index keeps what one folder's files do not say: UIDs, UIDVALIDITY,
// MODSEQ, keywords, and columns from which a folder of a million messages is
// opened, counted, listed and searched without reading its directory.
package index
