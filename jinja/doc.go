// Package jinja renders Jinja2 templates as Python's jinja2 does, with what
// dbt adds to the language. It knows no SQL and reads no files.
//
//	env := jinja.NewEnv(jinja.Options{})
//	t, err := env.Parse("models/orders.sql", src)
//	text, err := t.Render(ctx, &jinja.Scope{Vars: map[string]any{"name": "x"}})
//
// It promises:
//
//   - The text is what jinja2 renders, byte for byte, for the language below:
//     ordered dicts, tuples, big ints, float and repr formatting, slices, and
//     the methods of str, list, dict, tuple and set.
//   - A template may be parsed once and rendered from many goroutines.
//   - Every failure is a *tidemill.Error with file, line, column and the
//     macros around it, and Code Invalid unless a function of the caller
//     chose another. No template ends in a panic.
//   - Time, memory, output and depth of one render are bounded by Limits, and
//     the context ends it.
//
// From dbt it has return(), the tag do, and the tags test, data_test,
// materialization, docs and snapshot. A file's macros are found without
// rendering it (Template.Macros), and static calls such as ref('x') without
// running it (Template.Calls).
//
// It differs from jinja2 where that cannot matter to SQL, or must:
//
//   - The tags import, from, include, extends, block, autoescape and trans,
//     line statements, dunder attributes, bytes and the filters random and
//     urlize are not there; using them is an error. There is no Markup:
//     escape returns a plain str, and safe does nothing.
//   - An unknown filter or test is an error of Parse, also in a branch that
//     is not taken.
//   - jinja2 folds constants first, which hides some errors ({{ 1[1:] }}) and
//     copies lists in constant expressions. Here they act as at run time.
//   - A filter that makes a generator does all its work at the first read.
//   - Functions and generators print without a memory address. Sets keep
//     their order of insertion. pprint does not break lines.
//   - Case mapping is one letter to one letter but for ß; complex numbers and
//     ints of more than 2^18 bits are errors. Text is UTF-8 without lone
//     surrogates, and \N{name} is not known in literals.
//   - Messages other than those about undefined values are worded otherwise.
package jinja
