package jinja

import "slices"

func (p *parser) ifTag(token) (stmt, error) {
	s := &ifStmt{}
	for {
		test, err := p.tuple(false, nil)
		if err != nil {
			return nil, err
		}
		body, err := p.block("elif", "else", "endif")
		if err != nil {
			return nil, err
		}
		s.tests, s.bodies = append(s.tests, test), append(s.bodies, body)
		switch t := p.next(); t.text {
		case "elif":
			continue
		case "else":
			body, err := p.endBlock("endif")
			s.bodies = append(s.bodies, body)
			return s, err
		}
		return s, nil
	}
}

func (p *parser) forTag(t token) (stmt, error) {
	s := &forStmt{at: at(t.off)}
	var err error
	if s.target, err = p.target(false, "in"); err != nil {
		return nil, err
	}
	if binds(s.target, "loop") {
		return nil, p.fail(t, "cannot assign to the special variable 'loop'")
	}
	if !p.skipName("in") {
		return nil, p.fail(p.cur(), "expected 'in', got %s", p.cur())
	}
	if s.in, err = p.tuple(false, []string{"recursive"}); err != nil {
		return nil, err
	}
	if p.skipName("if") {
		if s.filter, err = p.expression(true); err != nil {
			return nil, err
		}
	}
	s.recursive = p.skipName("recursive")
	p.loops++
	s.body, err = p.block("endfor", "else")
	p.loops--
	if err != nil {
		return nil, err
	}
	if p.next().text == "else" {
		s.orElse, err = p.endBlock("endfor")
	}
	return s, err
}

func (p *parser) setTag(t token) (stmt, error) {
	to, err := p.target(true)
	if err != nil {
		return nil, err
	}
	if p.skipOp("=") {
		val, err := p.tuple(true, nil)
		return &setStmt{at(t.off), to, val}, err
	}
	s := &setBlock{at: at(t.off), target: to}
	for p.skipOp("|") {
		if s.filter, err = p.filter(s.filter); err != nil {
			return nil, err
		}
	}
	s.body, err = p.endBlock("endset")
	return s, err
}

func (p *parser) withTag(token) (stmt, error) {
	s := &withStmt{}
	for p.cur().kind != tokBlockEnd {
		if len(s.vals) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
		}
		to, err := p.primaryTarget(false)
		if err != nil {
			return nil, err
		}
		if err := p.expectOp("="); err != nil {
			return nil, err
		}
		val, err := p.expression(true)
		if err != nil {
			return nil, err
		}
		s.targets, s.vals = append(s.targets, to), append(s.vals, val)
	}
	var err error
	s.body, err = p.endBlock("endwith")
	return s, err
}

func (p *parser) filterTag(t token) (stmt, error) {
	f, err := p.filter(nil)
	for err == nil && p.skipOp("|") {
		f, err = p.filter(f)
	}
	if err != nil {
		return nil, err
	}
	s := &filterBlock{at: at(t.off), filter: f}
	s.body, err = p.endBlock("endfilter")
	return s, err
}

func (p *parser) doTag(token) (stmt, error) {
	e, err := p.tuple(true, nil)
	return &doStmt{e}, err
}

func (p *parser) printTag(token) (stmt, error) {
	e, err := p.tuple(true, nil)
	if t, ok := e.(*tupleExpr); ok { // {% print a, b %} prints both
		e = &concatExpr{t.at, t.items}
	}
	return &outStmt{e}, err
}

func (p *parser) controlTag(t token) (stmt, error) {
	if p.loops == 0 {
		return nil, p.fail(t, "'%s' outside of a loop", t.text)
	}
	if t.text == "break" {
		return &controlStmt{at(t.off), errBreak}, nil
	}
	return &controlStmt{at(t.off), errContinue}, nil
}

func (p *parser) macroTag(t token) (stmt, error) {
	name, err := p.expectKind(tokName)
	if err != nil {
		return nil, err
	}
	return p.macro(t, name.text, "endmacro")
}

// testTag parses dbt's {% test name(args) %}: the macro test_name.
func (p *parser) testTag(t token) (stmt, error) {
	name, err := p.expectKind(tokName)
	if err != nil {
		return nil, err
	}
	return p.macro(t, "test_"+name.text, "end"+t.text)
}

func (p *parser) macro(t token, name, end string) (stmt, error) {
	def := &macroDef{at: at(t.off), name: name}
	if err := p.signature(def); err != nil {
		return nil, err
	}
	if err := p.macroBody(def, end); err != nil {
		return nil, err
	}
	if p.within == 0 {
		p.tmpl.macros = append(p.tmpl.macros, def)
	}
	return &macroStmt{def}, nil
}

func (p *parser) macroBody(def *macroDef, end string) (err error) {
	loops := p.loops
	p.loops = 0
	p.within++
	p.macros = append(p.macros, def)
	def.body, err = p.endBlock(end)
	p.macros = p.macros[:len(p.macros)-1]
	p.within--
	p.loops = loops
	return err
}

func (p *parser) signature(def *macroDef) error {
	if err := p.expectOp("("); err != nil {
		return err
	}
	for !p.cur().op(")") {
		if len(def.params) > 0 {
			if err := p.expectOp(","); err != nil {
				return err
			}
		}
		name, err := p.expectKind(tokName)
		if err != nil {
			return err
		}
		if !assignable(name.text) {
			return p.fail(name, "cannot assign to '%s'", name.text)
		}
		def.params = append(def.params, name.text)
		if name.text == "caller" && !p.cur().op("=") {
			return p.fail(name, "the argument 'caller' must be left out or have a default")
		}
		if p.skipOp("=") {
			p.macros = append(p.macros, def)
			val, err := p.expression(true)
			p.macros = p.macros[:len(p.macros)-1]
			if err != nil {
				return err
			}
			def.defaults = append(def.defaults, val)
		} else if len(def.defaults) > 0 {
			return p.fail(name, "non-default argument follows default argument")
		}
	}
	return p.expectOp(")")
}

func (p *parser) callTag(t token) (stmt, error) {
	def := &macroDef{at: at(t.off)}
	if p.cur().op("(") {
		if err := p.signature(def); err != nil {
			return nil, err
		}
	}
	off := p.cur()
	e, err := p.expression(true)
	if err != nil {
		return nil, err
	}
	c, ok := e.(*callExpr)
	if !ok {
		return nil, p.fail(off, "expected a call")
	}
	return &callBlock{call: c, caller: def}, p.macroBody(def, "endcall")
}

func assignable(name string) bool {
	switch name {
	case "true", "false", "none", "True", "False", "None":
		return false
	}
	return true
}

// target parses what a value is assigned to: names with commas between, also
// in brackets, up to one of ends; attrs allows ns.attr.
func (p *parser) target(attrs bool, ends ...string) (target, error) {
	off := p.cur().off
	var items []target
	isTuple := false
	for {
		t := p.cur()
		if t.op(")") || t.kind == tokBlockEnd || t.kind == tokName && len(ends) > 0 && t.text == ends[0] {
			break
		}
		to, err := p.primaryTarget(attrs)
		if err != nil {
			return nil, err
		}
		items = append(items, to)
		if !p.skipOp(",") {
			break
		}
		isTuple = true
	}
	if isTuple || len(items) == 0 {
		if len(items) == 0 {
			return nil, p.fail(p.cur(), "expected a name, got %s", p.cur())
		}
		return &tupleTarget{at(off), items}, nil
	}
	return items[0], nil
}

// binds reports whether t assigns name.
func binds(t target, name string) bool {
	switch t := t.(type) {
	case nameTarget:
		return string(t) == name
	case *tupleTarget:
		return slices.ContainsFunc(t.items, func(it target) bool { return binds(it, name) })
	}
	return false
}

func (p *parser) primaryTarget(attrs bool) (target, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	t := p.next()
	if t.op("(") {
		to, err := p.target(false)
		if err != nil {
			return nil, err
		}
		return to, p.expectOp(")")
	}
	if t.kind != tokName || !assignable(t.text) {
		return nil, p.fail(t, "cannot assign to %s", t)
	}
	if attrs && p.skipOp(".") {
		attr, err := p.expectKind(tokName)
		return &attrTarget{at(t.off), t.text, attr.text}, err
	}
	return nameTarget(t.text), nil
}
