package jinja

func (s *forStmt) exec(f *frame) error {
	v, err := s.in.eval(f)
	if err != nil {
		return err
	}
	return s.loop(f, v, 0)
}

// loop runs the loop over v; depth counts its recursion.
func (s *forStmt) loop(f *frame, v any, depth int) error {
	it, err := iterate(v)
	if err != nil {
		return f.at(s.in.pos(), err)
	}
	l := &loop{stmt: s, frame: f, it: it, over: v, depth: depth, index0: -1}
	if s.filter != nil {
		l.it = &filtered{stmt: s, frame: f, it: it}
		l.over = nil
	}
	whole := false // whether an iteration ran to its end: else follows if none did
	for {
		item, ok, err := l.advance()
		if err != nil {
			return f.at(s.in.pos(), err)
		}
		if !ok {
			break
		}
		if err := f.run.step(1); err != nil {
			return f.at(s.pos(), err)
		}
		g := f.inner()
		g.vars.list = make([]variable, 0, 4)
		g.vars.set("loop", l)
		if err := s.target.assign(g, item); err != nil {
			return f.at(s.pos(), err)
		}
		err = g.exec(s.body)
		if err == errBreak {
			break
		}
		if err != nil && err != errContinue {
			return err
		}
		whole = whole || err == nil
	}
	if !whole {
		return f.inner().exec(s.orElse)
	}
	return nil
}

// filtered yields the items for which the loop's condition holds.
type filtered struct {
	stmt  *forStmt
	frame *frame
	it    iterator
}

func (x *filtered) next() (any, bool, error) {
	for {
		v, ok, err := x.it.next()
		if err != nil || !ok {
			return nil, false, err
		}
		if err := x.frame.run.step(1); err != nil {
			return nil, false, err
		}
		g := x.frame.inner()
		if err := x.stmt.target.assign(g, v); err != nil {
			return nil, false, err
		}
		if ok, err := g.truth(x.stmt.filter); err != nil || ok {
			return v, ok, err
		}
	}
}

// loop is the variable loop inside a for block.
type loop struct {
	stmt     *forStmt
	frame    *frame
	it       iterator
	over     any // what the loop is over, if it may have a length
	depth    int
	index0   int
	prev     any
	cur      any
	ahead    []any // items that were read before their turn
	ended    bool
	length   int
	measured bool
	changed  []any
}

func (l *loop) typeName() string { return "LoopContext" }

func (l *loop) advance() (any, bool, error) {
	if err := l.read(1); err != nil || len(l.ahead) == 0 {
		return nil, false, err
	}
	item := l.ahead[0]
	l.ahead = l.ahead[1:]
	l.prev, l.cur = l.cur, item
	l.index0++
	return item, true, nil
}

// read reads until n items wait or the loop's input ends; n < 0 reads it all.
func (l *loop) read(n int) error {
	for !l.ended && (n < 0 || len(l.ahead) < n) {
		v, ok, err := l.it.next()
		if err != nil {
			return err
		}
		if !ok {
			l.ended = true
			break
		}
		if n < 0 {
			if err := l.frame.run.list(1); err != nil {
				return err
			}
		}
		l.ahead = append(l.ahead, v)
	}
	return nil
}

// size returns the number of items, reading on where it must.
func (l *loop) size() (int, error) {
	if l.measured {
		return l.length, nil
	}
	if l.over != nil {
		if n, err := length(l.over); err == nil {
			l.length, l.measured = n, true
			return n, nil
		}
	}
	if err := l.read(-1); err != nil {
		return 0, err
	}
	l.length, l.measured = l.index0+1+len(l.ahead), true
	return l.length, nil
}

func (l *loop) attr(f *frame, name string) (any, error) {
	switch name {
	case "index":
		return int64(l.index0 + 1), nil
	case "index0":
		return int64(l.index0), nil
	case "first":
		return l.index0 == 0, nil
	case "depth":
		return int64(l.depth + 1), nil
	case "depth0":
		return int64(l.depth), nil
	case "length", "revindex", "revindex0":
		n, err := l.size()
		switch name {
		case "revindex":
			n -= l.index0
		case "revindex0":
			n -= l.index0 + 1
		}
		return int64(n), err
	case "last", "nextitem":
		err := l.read(1)
		if name == "last" {
			return len(l.ahead) == 0, err
		}
		if len(l.ahead) == 0 {
			return f.undefined("there is no next item"), err
		}
		return l.ahead[0], err
	case "previtem":
		if l.index0 == 0 {
			return f.undefined("there is no previous item"), nil
		}
		return l.prev, nil
	case "cycle":
		return Func(func(c *Call) (any, error) {
			if len(c.Args) == 0 {
				return nil, errType("no items for cycling given")
			}
			return c.Args[l.index0%len(c.Args)], nil
		}), nil
	case "changed":
		return Func(l.hasChanged), nil
	}
	return f.undefined("'%s' has no attribute '%s'", typeRepr(l), name), nil
}

func (l *loop) hasChanged(c *Call) (any, error) {
	if l.changed != nil {
		eq, err := c.budget().equal(Tuple(l.changed), Tuple(c.Args), 0)
		if err != nil || eq {
			return false, err
		}
	}
	l.changed = append([]any{}, c.Args...)
	return true, nil
}

// Call runs the loop again over another iterable: loop(children).
func (l *loop) Call(c *Call) (any, error) {
	a, err := c.Unpack("loop", "iterable")
	if err != nil {
		return nil, err
	}
	if !l.stmt.recursive {
		return nil, errType("the loop must have the 'recursive' marker to be called recursively")
	}
	g := *l.frame
	g.out = &output{run: g.run}
	if err := l.stmt.loop(&g, a[0], l.depth+1); err != nil {
		return nil, err
	}
	return g.out.String(), g.run.alloc(g.out.Len())
}
