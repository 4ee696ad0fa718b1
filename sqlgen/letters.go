package sqlgen

// SelectLetters reads dead letters: delivery, pipeline, source, type,
// message_id, code, reason, meta, protected, key, payload_hash, source_time,
// dead_at, batch, status, settled_at and size, with identities and meta as
// text. The parameters are $1 pipeline, $2 code, $3 type, $4 status, each ”
// for any, and $5 the most rows. The newest come first.
type SelectLetters struct {
	Value bool // the bytes too, as value

	Prefix bool // only deliveries that begin with $6
	Range  bool // only deliveries after $6 up to $7, in their order
}

// DiscardLetters settles letters that can land as discarded: $1 pipeline,
// $2 code, $3 type and $4 the beginning of the delivery, each ” for any, and
// $5 at.
type DiscardLetters struct{}

// RecordedLetters returns, as text, the deliveries of a pipeline that have a
// dead letter, in whatever state: $1 pipeline, $2 deliveries, joined by commas.
type RecordedLetters struct{}

// Template names the template.
func (SelectLetters) Template() string   { return "select_letters" }
func (DiscardLetters) Template() string  { return "discard_letters" }
func (RecordedLetters) Template() string { return "recorded_letters" }
