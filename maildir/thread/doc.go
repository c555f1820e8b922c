// Package thread puts messages into conversations, as THREAD=REFERENCES of RFC 5256
// does: by References and In-Reply-To first, then by base subject.
//
// Two things are done differently. Links that messages state for themselves are made
// before those that follow from the References of others, so the outcome does not
// depend on the order messages are given in. And no dummies are returned: where the
// parent of several messages is missing, the oldest of them takes its place and the
// others are its children, marked Loose.
//
// Time is n log n, whatever the references say.
package thread
