package columnar

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill/internal/canon"
)

// Evolve returns s with the new columns of d and with those that can be
// widened without loss, and what of d is left, nil if nothing is. Beyond
// MaxColumns new members go to UnknownColumn.
func Evolve(s *arrow.Schema, d *Deviation) (*arrow.Schema, *Deviation) {
	fields := slices.Clone(s.Fields())
	left := new(Deviation)
	for _, c := range d.Changed {
		i := slices.IndexFunc(fields, func(f arrow.Field) bool { return f.Name == c.Column })
		wide := arrow.DataType(nil)
		if i >= 0 && c.Path == c.Column {
			wide = widen(fields[i], c.Found)
		}
		if wide == nil {
			left.Changed = append(left.Changed, c)
			continue
		}
		fields[i].Type = wide
	}
	over := false
	for _, f := range d.New {
		if f.Name == UnknownColumn || len(fields) >= MaxColumns {
			over = true
			continue
		}
		fields = append(fields, newField(fields, member(f), f.Type))
	}
	meta := s.Metadata()
	out := arrow.NewSchema(fields, &meta)
	if over {
		out = WithUnknown(out)
	}
	if len(left.Changed) == 0 {
		left = nil
	}
	return out, left
}

// widen returns a type that holds every value of f and also the found type,
// or nil.
func widen(f arrow.Field, found arrow.DataType) arrow.DataType {
	from, to := f.Type.ID(), found.ID()
	small := from == arrow.INT32 || from == arrow.UINT32 || from == arrow.INT16 || from == arrow.UINT16 || from == arrow.INT8 || from == arrow.UINT8
	whole := small || from == arrow.INT64 || from == arrow.UINT64
	switch {
	case small && (to == arrow.INT64 || to == arrow.FLOAT64):
		return found
	case whole && to == arrow.DECIMAL128, from == arrow.UINT64 && to == arrow.INT64:
		return integerType
	case whole && to == arrow.FLOAT64:
		return fractionType
	case from == arrow.FLOAT32 && to == arrow.FLOAT64:
		return found
	}
	return nil
}

// Variant returns s with a column NAME__TYPE for every change of d, which
// holds the values that NAME cannot.
func Variant(s *arrow.Schema, d *Deviation) *arrow.Schema {
	fields := slices.Clone(s.Fields())
	for _, c := range d.Changed {
		name := variantName(c.Column, c.Whole)
		if slices.ContainsFunc(fields, func(f arrow.Field) bool { return f.Name == name }) {
			continue
		}
		fields = append(fields, arrow.Field{
			Name: name, Type: c.Whole, Nullable: true,
			Metadata: arrow.NewMetadata([]string{MetaName}, []string{c.Member}),
		})
	}
	meta := s.Metadata()
	return arrow.NewSchema(fields, &meta)
}

func variantName(column string, t arrow.DataType) string {
	name := column + "__" + TypeName(t)
	if len(name) > MaxName {
		return hashedName(name)
	}
	return name
}

// Protect returns s as it is after p: without dropped fields, and with
// strings where values are hashed or masked.
func Protect(s *arrow.Schema, p *canon.Protect) *arrow.Schema {
	if p == nil {
		return s
	}
	meta := s.Metadata()
	return arrow.NewSchema(protectFields(s.Fields(), p), &meta)
}

func protectFields(fields []arrow.Field, p *canon.Protect) []arrow.Field {
	var out []arrow.Field
	for _, f := range fields {
		treatment, inner := p.Field(member(f))
		switch {
		case treatment == canon.Dropped:
			continue
		case treatment == canon.Replaced:
			f.Type = replaced(f.Type)
			f.Metadata = arrow.NewMetadata([]string{MetaName}, []string{member(f)})
			f.Nullable = true
		case inner != nil:
			f.Type = protectType(f.Type, inner)
		}
		out = append(out, f)
	}
	return out
}

// replaced returns the type of a hashed or masked value: a string for each
// element.
func replaced(t arrow.DataType) arrow.DataType {
	if l, ok := t.(*arrow.ListType); ok {
		return arrow.ListOf(replaced(l.Elem()))
	}
	if t.ID() == arrow.EXTENSION {
		return t // JSON text holds whatever comes
	}
	return arrow.BinaryTypes.String
}

// protectType applies rules to what is inside a value. The members of a map
// are data, not fields: where a rule reaches into one, all its values become
// JSON.
func protectType(t arrow.DataType, p *canon.Protect) arrow.DataType {
	switch t := t.(type) {
	case *arrow.ListType:
		return arrow.ListOf(protectType(t.Elem(), p))
	case *arrow.StructType:
		if fields := protectFields(t.Fields(), p); len(fields) > 0 {
			return arrow.StructOf(fields...)
		}
		return jsonType
	case *arrow.MapType:
		return jsonType
	}
	return t
}

// member returns the JSON member that f holds.
func member(f arrow.Field) string {
	if name, ok := f.Metadata.GetValue(MetaName); ok {
		return name
	}
	return f.Name
}
