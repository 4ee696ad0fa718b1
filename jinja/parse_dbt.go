package jinja

import "strings"

// Block is a named part of a file that is neither text nor a macro: kind
// "docs", whose text is never rendered, or "snapshot".
type Block struct {
	Kind, Name string
	Text       string    // the source between the tags
	Template   *Template // the body, to be rendered on its own; nil for docs
	off        int
}

func (p *parser) blockTag(t token) (stmt, error) {
	name, err := p.expectKind(tokName)
	if err != nil {
		return nil, err
	}
	b := &Block{Kind: t.text, Name: name.text, off: t.off}
	start := p.toks[min(p.i+1, len(p.toks)-1)].off
	p.within++
	body, err := p.block("end" + t.text)
	p.within--
	if err != nil {
		return nil, err
	}
	end := p.toks[p.i-1].off
	b.Text = p.src[start:max(start, end)]
	if strings.HasPrefix(p.src[end:], "{%-") {
		b.Text = strings.TrimRightFunc(b.Text, isSpace)
	}
	if t.text != "docs" {
		part := *p.tmpl
		part.body, part.macros, part.blocks, part.plain = body, nil, nil, false
		b.Template = &part
	}
	p.i++
	p.tmpl.blocks = append(p.tmpl.blocks, b)
	return nil, nil
}

// materializationTag parses dbt's {% materialization name, adapter='x' %}:
// the macro materialization_name_x. Its languages are kept with the macro.
func (p *parser) materializationTag(t token) (stmt, error) {
	name, err := p.expectKind(tokName)
	if err != nil {
		return nil, err
	}
	def := &macroDef{at: at(t.off)}
	adapter := "default"
	for p.skipOp(",") {
		key, err := p.expectKind(tokName)
		if err != nil {
			return nil, err
		}
		if key.text == "default" {
			continue
		}
		if err := p.expectOp("="); err != nil {
			return nil, err
		}
		val, err := p.expression(true)
		if err != nil {
			return nil, err
		}
		lit, _ := literal(val)
		var ok bool
		switch key.text {
		case "adapter":
			if adapter, ok = lit.(string); !ok {
				return nil, p.fail(key, "adapter must be a string")
			}
		case "supported_languages":
			if def.languages, ok = stringsOf(lit); !ok {
				return nil, p.fail(key, "supported_languages must be a list of strings")
			}
		default:
			return nil, p.fail(key, "a materialization has no argument '%s'", key.text)
		}
	}
	def.name = "materialization_" + name.text + "_" + adapter
	if err := p.macroBody(def, "endmaterialization"); err != nil {
		return nil, err
	}
	if p.within == 0 {
		p.tmpl.macros = append(p.tmpl.macros, def)
	}
	return &macroStmt{def}, nil
}

func stringsOf(v any) ([]string, bool) {
	l, ok := v.(*List)
	if !ok {
		return nil, false
	}
	out := make([]string, len(l.Items))
	for i, it := range l.Items {
		if out[i], ok = it.(string); !ok {
			return nil, false
		}
	}
	return out, true
}
