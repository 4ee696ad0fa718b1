package jinja

// postfix parses attributes, subscripts and calls that follow e.
func (p *parser) postfix(e expr) (expr, error) {
	for {
		t := p.cur()
		var err error
		switch {
		case t.op("."):
			e, err = p.attr(e)
		case t.op("["):
			e, err = p.subscript(e)
		case t.op("("):
			e, err = p.call(e)
		default:
			return e, nil
		}
		if err != nil {
			return nil, err
		}
		if err := p.enter(); err != nil { // the chain is as deep as it is long
			return nil, err
		}
	}
}

// filters parses filters, tests and calls that follow e.
func (p *parser) filters(e expr) (expr, error) {
	for {
		t := p.cur()
		var err error
		switch {
		case t.op("|"):
			p.i++
			e, err = p.filter(e)
		case t.name("is"):
			e, err = p.test(e)
		case t.op("("):
			e, err = p.call(e)
		default:
			return e, nil
		}
		if err != nil {
			return nil, err
		}
		if err := p.enter(); err != nil {
			return nil, err
		}
	}
}

func (p *parser) attr(e expr) (expr, error) {
	dot := p.next()
	t := p.next()
	switch t.kind {
	case tokName:
		return &attrExpr{at(dot.off), e, t.text}, nil
	case tokInt:
		key, err := number(t)
		return &itemExpr{at(dot.off), e, key}, err
	}
	return nil, p.fail(t, "expected name or number, got %s", t)
}

func (p *parser) subscript(e expr) (expr, error) {
	open := p.next()
	var keys []expr
	for !p.cur().op("]") {
		k, err := p.subscribed()
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
		if !p.cur().op("]") {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
		}
	}
	p.i++
	if len(keys) == 1 {
		return &itemExpr{at(open.off), e, keys[0]}, nil
	}
	return &itemExpr{at(open.off), e, &tupleExpr{at(open.off), keys}}, nil
}

// subscribed parses an expression or a slice between brackets.
func (p *parser) subscribed() (expr, error) {
	s := &sliceExpr{at: at(p.cur().off)}
	parts := [...]*expr{&s.start, &s.stop, &s.step}
	for i, part := range parts {
		t := p.cur()
		if !t.op(":") && !t.op("]") && !t.op(",") {
			e, err := p.expression(true)
			if err != nil {
				return nil, err
			}
			*part = e
		}
		if i == 2 {
			break
		}
		if !p.skipOp(":") {
			if i == 0 {
				if s.start == nil {
					return nil, p.fail(t, "unexpected %s", t)
				}
				return s.start, nil
			}
			break
		}
	}
	return s, nil
}

func (p *parser) call(fn expr) (expr, error) {
	off := p.cur().off
	args, err := p.callArgs()
	if err != nil {
		return nil, err
	}
	c := &callExpr{at(off), fn, args}
	p.tmpl.calls = append(p.tmpl.calls, c)
	return c, nil
}

func (p *parser) callArgs() (callArgs, error) {
	open := p.next()
	var a callArgs
	bad := func() error { return p.fail(open, "invalid syntax for function call expression") }
	for n := 0; !p.cur().op(")"); n++ {
		if n > 0 {
			if err := p.expectOp(","); err != nil {
				return a, err
			}
			if p.cur().op(")") {
				break
			}
		}
		var err error
		t := p.cur()
		switch {
		case p.skipOp("*"):
			if a.star != nil || a.starstar != nil {
				return a, bad()
			}
			a.star, err = p.expression(true)
		case p.skipOp("**"):
			if a.starstar != nil {
				return a, bad()
			}
			a.starstar, err = p.expression(true)
		case t.kind == tokName && p.look().op("="):
			if a.starstar != nil {
				return a, bad()
			}
			p.i += 2
			var e expr
			e, err = p.expression(true)
			a.names, a.kwargs = append(a.names, t.text), append(a.kwargs, e)
		default:
			if a.star != nil || a.starstar != nil || len(a.kwargs) > 0 {
				return a, bad()
			}
			var e expr
			e, err = p.expression(true)
			a.args = append(a.args, e)
		}
		if err != nil {
			return a, err
		}
	}
	return a, p.expectOp(")")
}

// dotted parses the name of a filter or test, which may have dots.
func (p *parser) dotted() (token, error) {
	t, err := p.expectKind(tokName)
	for err == nil && p.skipOp(".") {
		var part token
		part, err = p.expectKind(tokName)
		t.text += "." + part.text
	}
	return t, err
}

func (p *parser) filter(in expr) (expr, error) {
	t, err := p.dotted()
	if err != nil {
		return nil, err
	}
	fn, ok := p.env.filters[t.text]
	if !ok {
		return nil, p.fail(t, "no filter named '%s'%s", t.text, nearest(t.text, p.env.filters))
	}
	f := &filterExpr{at: at(t.off), in: in, name: t.text, fn: fn}
	if p.cur().op("(") {
		f.args, err = p.callArgs()
	}
	return f, err
}

func (p *parser) test(in expr) (expr, error) {
	is := p.next()
	negated := p.skipName("not")
	name, err := p.dotted()
	if err != nil {
		return nil, err
	}
	fn, ok := p.env.tests[name.text]
	if !ok {
		return nil, p.fail(name, "no test named '%s'%s", name.text, nearest(name.text, p.env.tests))
	}
	e := &testExpr{at: at(is.off), in: in, name: name.text, fn: fn}
	if e.args, err = p.testArgs(); err != nil {
		return nil, err
	}
	if negated {
		return &notExpr{at(is.off), e}, nil
	}
	return e, nil
}

// testArgs parses the arguments of a test: in brackets, or one bare operand.
func (p *parser) testArgs() (callArgs, error) {
	t := p.cur()
	switch {
	case t.op("("):
		return p.callArgs()
	case t.name("is"):
		return callArgs{}, p.fail(t, "tests cannot be chained with is")
	case t.name("else"), t.name("or"), t.name("and"):
		return callArgs{}, nil
	case t.kind == tokName, t.kind == tokString, t.kind == tokInt, t.kind == tokFloat, t.op("["), t.op("{"):
		e, err := p.primary()
		if err != nil {
			return callArgs{}, err
		}
		depth := p.depth
		e, err = p.postfix(e)
		p.depth = depth
		return callArgs{args: []expr{e}}, err
	}
	return callArgs{}, nil
}
