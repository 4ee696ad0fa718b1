package protobuf

import (
	"github.com/apache/arrow-go/v18/arrow"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/columnar"
)

// maxNesting bounds the messages that become nested columns; deeper ones are
// JSON, and so is a type within itself.
const maxNesting = 8

// columns describes the fields of p in the order of the .proto file, and a
// column for what is not known.
func (p *plan) columns() *arrow.Schema {
	return columnar.WithUnknown(arrow.NewSchema(p.columnFields(nil), nil))
}

func (p *plan) columnFields(within []*plan) []arrow.Field {
	within = append(within[:len(within):len(within)], p)
	fields := make([]arrow.Field, 0, len(p.fields))
	add := func(f *field) {
		c := f.column(within)
		c.Name = columnar.FreeName(fields, f.proto)
		fields = append(fields, c)
	}
	declared := p.desc.Fields()
	for i := range declared.Len() {
		add(p.byNumber[declared.Get(i).Number()])
	}
	for _, f := range p.fields {
		if f.desc.IsExtension() {
			add(f)
		}
	}
	return fields
}

// column returns the field of f without its name.
func (f *field) column(within []*plan) arrow.Field {
	keys, values := []string{columnar.MetaName}, []string{f.name}
	set := func(key, value string) { keys, values = append(keys, key), append(values, value) }
	t, form := f.columnType(within)
	switch {
	case f.list:
		t = arrow.ListOfField(arrow.Field{Name: "item", Type: t, Nullable: true, Metadata: formOf(form)})
	case form != "":
		set(columnar.MetaForm, form)
	}
	if f.implicit || f.list || f.key != nil {
		set(columnar.MetaPresence, columnar.PresenceImplicit)
	}
	if f.implicit && f.enum != nil {
		set(columnar.MetaZero, f.enum.names[0])
	}
	return arrow.Field{Type: t, Nullable: true, Metadata: arrow.NewMetadata(keys, values)}
}

func formOf(form string) arrow.Metadata {
	if form == "" {
		return arrow.Metadata{}
	}
	return arrow.NewMetadata([]string{columnar.MetaForm}, []string{form})
}

// columnType returns the type of one value and how the payload writes it.
func (f *field) columnType(within []*plan) (t arrow.DataType, form string) {
	if f.key != nil {
		key, _ := f.key.columnType(within)
		item, form := f.item.columnType(within)
		m := arrow.MapOf(key, item)
		if f.key.kind == protoreflect.BoolKind {
			return tidemill.JSON(), ""
		}
		return arrow.MapOfFields(
			arrow.Field{Name: m.KeyField().Name, Type: key, Metadata: formOf(columnar.FormText)},
			arrow.Field{Name: m.ItemField().Name, Type: item, Nullable: true, Metadata: formOf(form)},
		), ""
	}
	switch f.kind {
	case protoreflect.BoolKind:
		return arrow.FixedWidthTypes.Boolean, ""
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return arrow.PrimitiveTypes.Int32, ""
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return arrow.PrimitiveTypes.Uint32, ""
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return arrow.PrimitiveTypes.Int64, columnar.FormText
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return arrow.PrimitiveTypes.Uint64, columnar.FormText
	case protoreflect.DoubleKind:
		return arrow.PrimitiveTypes.Float64, columnar.FormText
	case protoreflect.FloatKind:
		return arrow.PrimitiveTypes.Float32, columnar.FormText
	case protoreflect.StringKind:
		return arrow.BinaryTypes.String, ""
	case protoreflect.BytesKind:
		return arrow.BinaryTypes.Binary, ""
	case protoreflect.EnumKind:
		return arrow.BinaryTypes.String, columnar.FormEnum
	}
	return f.message.columnType(within)
}

func (p *plan) columnType(within []*plan) (arrow.DataType, string) {
	switch p.form {
	case timestampForm:
		return tidemill.Timestamp(), ""
	case durationForm, fieldMaskForm:
		return arrow.BinaryTypes.String, ""
	case wrapperForm:
		return p.byNumber[1].columnType(within)
	case plainForm:
		if len(within) >= maxNesting || contains(within, p) || len(p.fields) == 0 {
			return tidemill.JSON(), ""
		}
		return arrow.StructOf(p.columnFields(within)...), ""
	}
	return tidemill.JSON(), ""
}

func contains(within []*plan, p *plan) bool {
	for _, w := range within {
		if w == p {
			return true
		}
	}
	return false
}
