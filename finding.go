package tidemill

// Finding is one thing that a check of a connection looked at.
type Finding struct {
	OK   bool   // it works
	Warn bool   // it works, but may go wrong later; only with OK
	What string // what was looked at: "connect to amqp://127.0.0.1:5672/", "queue orders"
	Why  string // one line on what is wrong, or "", secrets redacted
	Hint string // the remedy, or ""
}
