package jinja

import (
	"math/big"
	"strings"
	"unicode"
)

func builtinTests() map[string]Func {
	t := map[string]Func{
		"defined":   valueTest(func(v any) bool { return !isUndefined(v) }),
		"undefined": valueTest(isUndefined),
		"none":      valueTest(func(v any) bool { return v == nil }),
		"boolean":   valueTest(func(v any) bool { _, ok := v.(bool); return ok }),
		"true":      valueTest(func(v any) bool { return v == true }),
		"false":     valueTest(func(v any) bool { return v == false }),
		"integer":   valueTest(isInteger),
		"float":     valueTest(func(v any) bool { _, ok := v.(float64); return ok }),
		"number":    valueTest(isNumber),
		"string":    valueTest(func(v any) bool { _, ok := v.(string); return ok }),
		"mapping":   valueTest(isMapping),
		"callable":  valueTest(func(v any) bool { _, ok := v.(Callable); return ok || isUndefined(v) }),
		"iterable":  valueTest(isIterable),
		"sequence":  valueTest(isSequence),
		"escaped":   valueTest(func(any) bool { return false }),
		"lower":     textTest(func(s string) bool { return s == strings.ToLower(s) && hasCase(s) }),
		"upper":     textTest(func(s string) bool { return s == strings.ToUpper(s) && hasCase(s) }),
		"odd":       parityTest("odd", 1),
		"even":      parityTest("even", 0),

		"divisibleby": divisibleTest,
		"sameas":      sameAsTest,
		"filter":      func(c *Call) (any, error) { return c.hasName("filter", c.frame.tmpl.env.filters) },
		"test":        func(c *Call) (any, error) { return c.hasName("test", c.frame.tmpl.env.tests) },
	}
	for op, names := range map[string][]string{
		"==": {"eq", "equalto", "=="}, "!=": {"ne", "!="}, "<": {"lt", "lessthan", "<"},
		"<=": {"le", "<="}, ">": {"gt", "greaterthan", ">"}, ">=": {"ge", ">="}, "in": {"in"},
	} {
		for _, name := range names {
			t[name] = compareTest(op)
		}
	}
	return t
}

func isUndefined(v any) bool { _, ok := v.(*Undefined); return ok }

func isInteger(v any) bool {
	switch v.(type) {
	case int64, *big.Int:
		return true
	}
	return false
}

func isMapping(v any) bool { _, ok := v.(*Dict); return ok }

func isIterable(v any) bool {
	if _, ok := v.(iterator); ok {
		return true
	}
	_, err := iterate(v)
	return err == nil
}

// isSequence holds for what has a length and can be indexed.
func isSequence(v any) bool {
	switch v.(type) {
	case string, *List, Tuple, *Dict, *rangeValue, *Undefined:
		return true
	case *Set, *view:
		return false
	}
	_, ok := v.(Sequence)
	return ok
}

func hasCase(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r) })
}

func valueTest(ok func(any) bool) Func {
	return func(c *Call) (any, error) {
		a, err := c.Unpack("test", "value")
		if err != nil {
			return nil, err
		}
		return ok(a[0]), nil
	}
}

func textTest(ok func(string) bool) Func {
	return func(c *Call) (any, error) {
		a, err := c.Unpack("test", "value")
		if err != nil {
			return nil, err
		}
		s, err := c.budget().str(a[0])
		return ok(s), err
	}
}

func parityTest(name string, want int64) Func {
	return func(c *Call) (any, error) {
		a, err := c.Unpack(name, "value")
		if err != nil {
			return nil, err
		}
		m, err := c.budget().binary("%", a[0], int64(2))
		if err != nil {
			return nil, err
		}
		return compareIfNumber(m, want), nil
	}
}

func compareIfNumber(v any, want int64) bool { return isNumber(v) && compareNumbers(v, want) == 0 }

func divisibleTest(c *Call) (any, error) {
	a, err := c.Unpack("divisibleby", "value", "num")
	if err != nil {
		return nil, err
	}
	m, err := c.budget().binary("%", a[0], a[1])
	if err != nil {
		return nil, err
	}
	return compareIfNumber(m, 0), nil
}

func sameAsTest(c *Call) (any, error) {
	a, err := c.Unpack("sameas", "value", "other")
	if err != nil {
		return nil, err
	}
	return sameObject(a[0], a[1]), nil
}

func compareTest(op string) Func {
	return func(c *Call) (any, error) {
		a, err := c.Unpack("test", "a", "b")
		if err != nil {
			return nil, err
		}
		return c.budget().compare(op, a[0], a[1])
	}
}

func (c *Call) hasName(fn string, names map[string]Func) (any, error) {
	a, err := c.Unpack(fn, "value")
	if err != nil {
		return nil, err
	}
	s, ok := a[0].(string)
	if !ok {
		return false, nil
	}
	_, ok = names[s]
	return ok, nil
}
