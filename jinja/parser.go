package jinja

import (
	"slices"
	"strings"
)

const maxParseDepth = 1000

// parser turns tokens into statements. It also notes what static analysis
// needs: macros, blocks, calls and names.
type parser struct {
	env    *Env
	src    string
	toks   []token
	i      int
	depth  int
	loops  int // loops around the token in hand, inside the same macro
	within int // macros and blocks around it
	tmpl   *Template
	macros []*macroDef // the macros around the token in hand
	tags   []string    // the open block tags, outermost first
}

func (p *parser) cur() token  { return p.toks[p.i] }
func (p *parser) look() token { return p.toks[min(p.i+1, len(p.toks)-1)] }

func (p *parser) next() token {
	t := p.toks[p.i]
	if t.kind != tokEOF {
		p.i++
	}
	return t
}

func (p *parser) skipOp(s string) bool {
	if p.cur().op(s) {
		p.i++
		return true
	}
	return false
}

func (p *parser) skipName(s string) bool {
	if p.cur().name(s) {
		p.i++
		return true
	}
	return false
}

func (p *parser) fail(t token, format string, args ...any) error {
	return syntaxAt(t.off, format, args...)
}

func (p *parser) expectOp(s string) error {
	if !p.skipOp(s) {
		return p.fail(p.cur(), "expected '%s', got %s", s, p.cur())
	}
	return nil
}

func (p *parser) expectKind(k kind) (token, error) {
	t := p.cur()
	if t.kind != k {
		return t, p.fail(t, "expected %s, got %s", token{kind: k, text: "name"}, t)
	}
	return p.next(), nil
}

// enter guards every recursion; the caller defers leave.
func (p *parser) enter() error {
	p.depth++
	if p.depth > maxParseDepth {
		return p.fail(p.cur(), "template is nested too deeply")
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

// body parses statements up to a tag that is one of ends, which stays the
// token in hand. At the top level ends is empty.
func (p *parser) body(ends ...string) ([]stmt, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	var out []stmt
	for {
		t := p.cur()
		switch t.kind {
		case tokEOF:
			if len(ends) > 0 {
				return nil, p.fail(t, "unexpected end of template: expected %s for the block '%s'", oneOf(ends), p.tags[len(p.tags)-1])
			}
			return out, nil
		case tokData:
			p.i++
			out = append(out, &textStmt{t.text})
			continue
		case tokVarBegin:
			p.i++
			e, err := p.tuple(true, nil)
			if err != nil {
				return nil, err
			}
			if _, err := p.expectKind(tokVarEnd); err != nil {
				return nil, err
			}
			out = append(out, &outStmt{e})
			continue
		}
		p.i++
		if p.cur().kind == tokName && slices.Contains(ends, p.cur().text) {
			return out, nil
		}
		s, err := p.statement()
		if err != nil {
			return nil, err
		}
		if s != nil {
			out = append(out, s)
		}
		if _, err := p.expectKind(tokBlockEnd); err != nil {
			return nil, err
		}
	}
}

// block parses the end of the opening tag, the body, and the name of the tag
// that ends it.
func (p *parser) block(ends ...string) ([]stmt, error) {
	p.skipOp(":")
	if _, err := p.expectKind(tokBlockEnd); err != nil {
		return nil, err
	}
	return p.body(ends...)
}

// endBlock is block with one end tag, which it consumes.
func (p *parser) endBlock(end string) ([]stmt, error) {
	b, err := p.block(end)
	if err == nil {
		p.i++
	}
	return b, err
}

func oneOf(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = "'" + n + "'"
	}
	return strings.Join(quoted, " or ")
}

func (p *parser) statement() (stmt, error) {
	t := p.cur()
	if t.kind != tokName {
		return nil, p.fail(t, "tag name expected, got %s", t)
	}
	parse, ok := statements[t.text]
	if !ok {
		return nil, p.unknownTag(t)
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	p.tags = append(p.tags, t.text)
	p.i++
	s, err := parse(p, t)
	p.tags = p.tags[:len(p.tags)-1]
	return s, err
}

func (p *parser) unknownTag(t token) error {
	if why, ok := unsupportedTags[t.text]; ok {
		return p.fail(t, "the tag '%s' is not supported: %s", t.text, why)
	}
	if len(p.tags) == 0 {
		return p.fail(t, "unknown tag '%s'", t.text)
	}
	return p.fail(t, "unknown tag '%s': the innermost open block is '%s'", t.text, p.tags[len(p.tags)-1])
}

var unsupportedTags = map[string]string{
	"import":     "macros of the project are visible without it",
	"from":       "macros of the project are visible without it",
	"include":    "call a macro instead",
	"extends":    "call a macro instead",
	"block":      "call a macro instead",
	"autoescape": "templates here are not HTML",
	"trans":      "there is no translation",
}

var statements map[string]func(*parser, token) (stmt, error)

func init() {
	statements = map[string]func(*parser, token) (stmt, error){
		"if": (*parser).ifTag, "for": (*parser).forTag, "set": (*parser).setTag,
		"with": (*parser).withTag, "filter": (*parser).filterTag, "do": (*parser).doTag,
		"macro": (*parser).macroTag, "call": (*parser).callTag, "print": (*parser).printTag,
		"break": (*parser).controlTag, "continue": (*parser).controlTag,
		"test": (*parser).testTag, "data_test": (*parser).testTag,
		"materialization": (*parser).materializationTag,
		"docs":            (*parser).blockTag, "snapshot": (*parser).blockTag,
	}
}
