package jinja

func (f *frame) exec(body []stmt) error {
	for _, s := range body {
		if err := s.exec(f); err != nil {
			return err
		}
	}
	return nil
}

func (s *textStmt) exec(f *frame) error { return f.out.write(s.text) }

func (s *outStmt) exec(f *frame) error {
	v, err := s.in.eval(f)
	if err != nil {
		return err
	}
	text, err := f.run.str(v)
	if err == nil {
		err = f.out.write(text)
	}
	if err != nil {
		return f.at(s.in.pos(), err)
	}
	return nil
}

func (s *doStmt) exec(f *frame) error {
	_, err := s.in.eval(f)
	return err
}

func (s *ifStmt) exec(f *frame) error {
	for i, test := range s.tests {
		ok, err := f.truth(test)
		if err != nil {
			return err
		}
		if ok {
			return f.exec(s.bodies[i])
		}
	}
	if len(s.bodies) > len(s.tests) {
		return f.exec(s.bodies[len(s.tests)])
	}
	return nil
}

func (s *setStmt) exec(f *frame) error {
	v, err := s.val.eval(f)
	if err != nil {
		return err
	}
	if err := s.target.assign(f, v); err != nil {
		return f.at(s.pos(), err)
	}
	return nil
}

// text renders body apart and returns it.
func (f *frame) text(pos int, body []stmt) (string, error) {
	g := f.capture()
	if err := g.exec(body); err != nil {
		return "", err
	}
	s := g.out.String()
	if err := f.run.alloc(len(s)); err != nil {
		return "", f.at(pos, err)
	}
	return s, nil
}

func (s *setBlock) exec(f *frame) error {
	text, err := f.text(s.pos(), s.body)
	if err != nil {
		return err
	}
	v := any(text)
	if s.filter != nil {
		if v, err = f.applyChain(s.filter, text); err != nil {
			return err
		}
	}
	if err := s.target.assign(f, v); err != nil {
		return f.at(s.pos(), err)
	}
	return nil
}

func (s *filterBlock) exec(f *frame) error {
	text, err := f.text(s.pos(), s.body)
	if err != nil {
		return err
	}
	v, err := f.applyChain(s.filter, text)
	if err != nil {
		return err
	}
	if text, err = f.run.str(v); err == nil {
		err = f.out.write(text)
	}
	if err != nil {
		return f.at(s.pos(), err)
	}
	return nil
}

func (s *withStmt) exec(f *frame) error {
	vals, err := f.evalAll(s.vals)
	if err != nil {
		return err
	}
	g := f.inner()
	for i, to := range s.targets {
		if err := to.assign(g, vals[i]); err != nil {
			return f.at(s.vals[i].pos(), err)
		}
	}
	return g.exec(s.body)
}

func (s *controlStmt) exec(*frame) error { return s.signal }

func (s *macroStmt) exec(f *frame) error {
	f.vars.set(s.def.name, &macro{def: s.def, frame: f})
	return nil
}

func (s *callBlock) exec(f *frame) error {
	v, err := s.call.with(f, Kwarg{"caller", &macro{def: s.caller, frame: f}})
	if err != nil {
		return err
	}
	text, err := f.run.str(v)
	if err == nil {
		err = f.out.write(text)
	}
	if err != nil {
		return f.at(s.call.pos(), err)
	}
	return nil
}

func (t nameTarget) assign(f *frame, v any) error {
	f.vars.set(string(t), v)
	return nil
}

func (t *attrTarget) assign(f *frame, v any) error {
	obj, _ := f.lookup(t.obj)
	ns, ok := obj.(*namespace)
	if !ok {
		return f.at(t.pos(), errType("cannot assign attribute on non-namespace object"))
	}
	if err := f.run.list(4); err != nil {
		return f.at(t.pos(), err)
	}
	return ns.vars.Set(t.attr, v)
}

func (t *tupleTarget) assign(f *frame, v any) error {
	items, err := f.run.collect(v)
	if err != nil {
		return f.at(t.pos(), errType("cannot unpack non-iterable %s object", typeName(v)))
	}
	if len(items) > len(t.items) {
		return f.at(t.pos(), errType("too many values to unpack (expected %d)", len(t.items)))
	}
	if len(items) < len(t.items) {
		return f.at(t.pos(), errType("not enough values to unpack (expected %d, got %d)", len(t.items), len(items)))
	}
	for i, to := range t.items {
		if err := to.assign(f, items[i]); err != nil {
			return err
		}
	}
	return nil
}
