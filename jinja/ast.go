package jinja

// expr is an expression; stmt a statement or a piece of text. pos is a byte
// offset in the source.
type expr interface {
	eval(f *frame) (any, error)
	pos() int
}

type stmt interface {
	exec(f *frame) error
}

type at int

func (a at) pos() int { return int(a) }

// Expressions.
type (
	constExpr struct {
		at
		val any
	}
	nameExpr struct {
		at
		name string
	}
	listExpr struct {
		at
		items []expr
	}
	tupleExpr struct {
		at
		items []expr
	}
	dictExpr struct {
		at
		keys, vals []expr
	}
	attrExpr struct {
		at
		obj  expr
		name string
	}
	itemExpr struct {
		at
		obj, key expr
	}
	sliceExpr struct {
		at
		start, stop, step expr // nil where left out
	}
	callExpr struct {
		at
		fn   expr
		args callArgs
	}
	filterExpr struct {
		at
		in   expr // nil in a filter block, whose text is the input
		name string
		fn   Func
		args callArgs
	}
	testExpr struct {
		at
		in   expr
		name string
		fn   Func
		args callArgs
	}
	condExpr struct {
		at
		test, then, other expr       // other is nil where there is no else
		none              *Undefined // the value where there is no else
	}
	logicExpr struct {
		at
		or    bool
		items []expr
	}
	notExpr struct {
		at
		in expr
	}
	compareExpr struct {
		at
		first expr
		ops   []string
		rest  []expr
	}
	concatExpr struct {
		at
		items []expr
	}
	binaryExpr struct {
		at
		op   string
		x, y expr
	}
	unaryExpr struct {
		at
		plus bool
		in   expr
	}
)

// callArgs are the arguments of a call as written.
type callArgs struct {
	args     []expr
	names    []string // of kwargs
	kwargs   []expr
	star     expr // *args, or nil
	starstar expr // **kwargs, or nil
}

// Statements.
type (
	textStmt struct{ text string }
	outStmt  struct{ in expr }
	doStmt   struct{ in expr }
	ifStmt   struct {
		tests  []expr
		bodies [][]stmt // one more than tests if there is an else
	}
	forStmt struct {
		at
		target    target
		in        expr
		filter    expr // nil if there is none
		recursive bool
		body      []stmt
		orElse    []stmt
	}
	setStmt struct {
		at
		target target
		val    expr
	}
	setBlock struct {
		at
		target target
		filter expr // nil, or filters whose innermost input is the text
		body   []stmt
	}
	withStmt struct {
		targets []target
		vals    []expr
		body    []stmt
	}
	filterBlock struct {
		at
		filter expr
		body   []stmt
	}
	macroStmt struct{ def *macroDef }
	callBlock struct {
		call   *callExpr
		caller *macroDef
	}
	controlStmt struct {
		at
		signal error
	}
)

// macroDef is a macro as written. A macro takes extra arguments only if its
// body names varargs, kwargs or caller.
type macroDef struct {
	at
	name                string
	params              []string
	defaults            []expr // of the last len(defaults) params
	body                []stmt
	varargs, kw, caller bool
	languages           []string // of a materialization
}

// target is what a value is assigned to.
type target interface {
	assign(f *frame, v any) error
}

type (
	nameTarget string
	attrTarget struct {
		at
		obj, attr string
	}
	tupleTarget struct {
		at
		items []target
	}
)
