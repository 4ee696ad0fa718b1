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
package jinja
