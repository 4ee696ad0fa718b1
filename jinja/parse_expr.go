package jinja

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// expression parses one expression; cond allows "a if b else c".
func (p *parser) expression(cond bool) (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	e, err := p.logic(true)
	if err != nil || !cond {
		return e, err
	}
	for n := 0; ; n++ {
		off := p.cur().off
		if !p.skipName("if") {
			p.depth -= n
			return e, nil
		}
		if err := p.enter(); err != nil {
			return nil, err
		}
		test, err := p.logic(true)
		if err != nil {
			return nil, err
		}
		c := &condExpr{at: at(off), test: test, then: e}
		if p.skipName("else") {
			if c.other, err = p.expression(true); err != nil {
				return nil, err
			}
		} else {
			c.none = NewUndefined(fmt.Sprintf("the inline if-expression on line %d evaluated to false and no else section was defined.", p.tmpl.posAt(off).Line))
		}
		e = c
	}
}

// logic parses operands joined by "or", or by "and" one level below.
func (p *parser) logic(or bool) (expr, error) {
	operand, word := p.not, "and"
	if or {
		operand, word = func() (expr, error) { return p.logic(false) }, "or"
	}
	off := p.cur().off
	e, err := operand()
	if err != nil || !p.cur().name(word) {
		return e, err
	}
	l := &logicExpr{at(off), or, []expr{e}}
	for p.skipName(word) {
		if e, err = operand(); err != nil {
			return nil, err
		}
		l.items = append(l.items, e)
	}
	return l, nil
}

func (p *parser) not() (expr, error) {
	t := p.cur()
	if !p.skipName("not") {
		return p.compare()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	e, err := p.not()
	return &notExpr{at(t.off), e}, err
}

func (p *parser) compare() (expr, error) {
	first, err := p.level(0)
	if err != nil {
		return nil, err
	}
	var c *compareExpr
	for {
		t := p.cur()
		op := ""
		switch {
		case t.kind == tokOp && slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, t.text):
			op = t.text
			p.i++
		case p.skipName("in"):
			op = "in"
		case t.name("not") && p.look().name("in"):
			op = "not in"
			p.i += 2
		default:
			if c == nil {
				return first, nil
			}
			return c, nil
		}
		if c == nil {
			c = &compareExpr{at: at(t.off), first: first}
		}
		e, err := p.level(0)
		if err != nil {
			return nil, err
		}
		c.ops, c.rest = append(c.ops, op), append(c.rest, e)
	}
}

// levels are the left-associative operators, loosest first. Between + and *
// stands ~, which joins any number of operands at once.
var levels = [][]string{{"+", "-"}, {"~"}, {"*", "/", "//", "%"}, {"**"}}

func (p *parser) level(n int) (expr, error) {
	if n == len(levels) {
		return p.unary(true)
	}
	e, err := p.level(n + 1)
	if err != nil {
		return nil, err
	}
	chain := 0
	for p.cur().kind == tokOp && slices.Contains(levels[n], p.cur().text) {
		t := p.next()
		y, err := p.level(n + 1)
		if err != nil {
			return nil, err
		}
		if c, ok := e.(*concatExpr); ok && t.text == "~" && chain > 0 {
			c.items = append(c.items, y)
			continue
		}
		chain++
		if err := p.enter(); err != nil {
			return nil, err
		}
		if t.text == "~" {
			e = &concatExpr{at(t.off), []expr{e, y}}
		} else {
			e = &binaryExpr{at(t.off), t.text, e, y}
		}
	}
	p.depth -= chain
	return e, nil
}

func (p *parser) unary(filters bool) (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	t := p.cur()
	var e expr
	var err error
	if p.skipOp("-") || p.skipOp("+") {
		if e, err = p.unary(false); err != nil {
			return nil, err
		}
		e = &unaryExpr{at(t.off), t.text == "+", e}
	} else if e, err = p.primary(); err != nil {
		return nil, err
	}
	depth := p.depth
	if e, err = p.postfix(e); err == nil && filters {
		e, err = p.filters(e)
	}
	p.depth = depth
	return e, err
}

func (p *parser) primary() (expr, error) {
	t := p.cur()
	switch t.kind {
	case tokName:
		p.i++
		switch t.text {
		case "true", "True":
			return &constExpr{at(t.off), true}, nil
		case "false", "False":
			return &constExpr{at(t.off), false}, nil
		case "none", "None":
			return &constExpr{at(t.off), nil}, nil
		}
		p.noteName(t.text)
		return &nameExpr{at(t.off), t.text}, nil
	case tokString:
		return p.stringConst(), nil
	case tokInt, tokFloat:
		p.i++
		return number(t)
	case tokOp:
		switch t.text {
		case "(":
			p.i++
			e, err := p.parens(t)
			if err != nil {
				return nil, err
			}
			return e, p.expectOp(")")
		case "[":
			return p.list()
		case "{":
			return p.dict()
		}
	}
	return nil, p.fail(t, "unexpected %s", t)
}

// stringConst joins adjacent string literals.
func (p *parser) stringConst() expr {
	t := p.next()
	if p.cur().kind != tokString {
		return &constExpr{at(t.off), t.text}
	}
	var b strings.Builder
	b.WriteString(t.text)
	for p.cur().kind == tokString {
		b.WriteString(p.next().text)
	}
	return &constExpr{at(t.off), b.String()}
}

func number(t token) (expr, error) {
	if t.kind == tokFloat {
		f, _ := strconv.ParseFloat(t.text, 64) // out of range is inf, as in Python
		return &constExpr{at(t.off), f}, nil
	}
	if len(t.text) > 4300 {
		return nil, syntaxAt(t.off, "int has too many digits")
	}
	n, ok := new(big.Int).SetString(t.text, 0)
	if !ok {
		n, ok = new(big.Int).SetString(t.text, 10)
	}
	if !ok {
		return nil, syntaxAt(t.off, "'%s' is not an int", t.text)
	}
	return &constExpr{at(t.off), normInt(n)}, nil
}

// tuple parses an expression, or several with commas between, up to the end
// of the tag or one of ends.
func (p *parser) tuple(cond bool, ends []string) (expr, error) {
	off := p.cur().off
	items, isTuple, err := p.tupleItems(ends, func() (expr, error) { return p.expression(cond) })
	if err != nil {
		return nil, err
	}
	if isTuple {
		return &tupleExpr{at(off), items}, nil
	}
	if len(items) == 0 {
		return nil, p.fail(p.cur(), "expected an expression, got %s", p.cur())
	}
	return items[0], nil
}

func (p *parser) parens(open token) (expr, error) {
	items, isTuple, err := p.tupleItems(nil, func() (expr, error) { return p.expression(true) })
	if err != nil {
		return nil, err
	}
	if isTuple || len(items) == 0 {
		return &tupleExpr{at(open.off), items}, nil
	}
	return items[0], nil
}

func (p *parser) tupleItems(ends []string, item func() (expr, error)) (items []expr, isTuple bool, err error) {
	for {
		t := p.cur()
		if t.kind == tokVarEnd || t.kind == tokBlockEnd || t.op(")") || t.kind == tokName && slices.Contains(ends, t.text) {
			return items, isTuple, nil
		}
		e, err := item()
		if err != nil {
			return nil, false, err
		}
		items = append(items, e)
		if !p.skipOp(",") {
			return items, isTuple, nil
		}
		isTuple = true
	}
}

func (p *parser) list() (expr, error) {
	l := &listExpr{at: at(p.next().off)}
	for !p.cur().op("]") {
		e, err := p.expression(true)
		if err != nil {
			return nil, err
		}
		l.items = append(l.items, e)
		if !p.skipOp(",") {
			break
		}
	}
	return l, p.expectOp("]")
}

func (p *parser) dict() (expr, error) {
	d := &dictExpr{at: at(p.next().off)}
	for !p.cur().op("}") {
		k, err := p.expression(true)
		if err != nil {
			return nil, err
		}
		if err := p.expectOp(":"); err != nil {
			return nil, err
		}
		v, err := p.expression(true)
		if err != nil {
			return nil, err
		}
		d.keys, d.vals = append(d.keys, k), append(d.vals, v)
		if !p.skipOp(",") {
			break
		}
	}
	return d, p.expectOp("}")
}
