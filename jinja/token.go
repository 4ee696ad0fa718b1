package jinja

type kind uint8

const (
	tokEOF kind = iota
	tokData
	tokVarBegin
	tokVarEnd
	tokBlockBegin
	tokBlockEnd
	tokName
	tokString
	tokInt
	tokFloat
	tokOp
)

// token is one lexeme. text is the name, the operator, the digits, the decoded
// string or the template text; off its byte offset in the source.
type token struct {
	kind kind
	text string
	off  int
}

// String describes t in messages.
func (t token) String() string {
	switch t.kind {
	case tokEOF:
		return "end of template"
	case tokData:
		return "template text"
	case tokVarBegin:
		return "'{{'"
	case tokVarEnd:
		return "end of print statement"
	case tokBlockBegin:
		return "'{%'"
	case tokBlockEnd:
		return "end of statement block"
	case tokString:
		return "string " + Repr(t.text)
	}
	return "'" + t.text + "'"
}

func (t token) op(s string) bool   { return t.kind == tokOp && t.text == s }
func (t token) name(s string) bool { return t.kind == tokName && t.text == s }
