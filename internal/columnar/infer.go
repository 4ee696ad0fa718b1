package columnar

import (
	"bytes"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/canon"
)

// MaxColumns bounds the columns that are inferred for a table; members beyond
// go to UnknownColumn.
const MaxColumns = 1000

var (
	jsonType     = tidemill.JSON()
	integerType  = &arrow.Decimal128Type{Precision: 38}
	fractionType = &arrow.Decimal128Type{Precision: 38, Scale: 18}
)

// typeOf returns the narrowest type that holds v exactly, nil for null:
// bool, int64, decimal(38,0), double where the shortest decimal of the double
// is the number as it stands, string, and JSON for all else.
func typeOf(v canon.Value) arrow.DataType {
	switch v.Kind() {
	case canon.True, canon.False:
		return arrow.FixedWidthTypes.Boolean
	case canon.String:
		return arrow.BinaryTypes.String
	case canon.Number:
		return numberType(v.Bytes())
	case canon.Null, 0:
		return nil
	}
	return jsonType
}

func numberType(text []byte) arrow.DataType {
	if bytes.IndexByte(text, '.') < 0 {
		if _, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			return arrow.PrimitiveTypes.Int64
		}
		if len(bytes.TrimPrefix(text, []byte("-"))) <= 38 {
			return integerType
		}
	}
	if _, ok := exactFloat(text, 64); ok {
		return arrow.PrimitiveTypes.Float64
	}
	return jsonType
}

// exactFloat parses a canonical number; ok says that it is the shortest
// decimal of the float.
func exactFloat(text []byte, bits int) (f float64, ok bool) {
	f, err := strconv.ParseFloat(string(text), bits)
	if err != nil {
		return 0, false
	}
	var scratch [512]byte
	return f, bytes.Equal(strconv.AppendFloat(scratch[:0], f, 'f', -1, bits), text)
}

// Inference finds a schema that holds a number of payloads exactly. The zero
// value is ready.
type Inference struct {
	doc    canon.Doc
	index  map[string]int
	fields []inferred
	over   bool // there were more than MaxColumns members
}

type inferred struct {
	member string
	typ    arrow.DataType
	large  bool // an integer that a double cannot hold was seen
}

// Add takes the members of a payload into account.
func (in *Inference) Add(payload []byte) error {
	v, err := in.doc.Parse(payload)
	if err != nil {
		return err
	}
	if in.index == nil {
		in.index = make(map[string]int)
	}
	for name, value := range v.Members() {
		if t := typeOf(value); t != nil {
			in.add(name.Bytes(), t, value)
		}
	}
	return nil
}

func (in *Inference) add(name []byte, t arrow.DataType, v canon.Value) {
	large := false
	if t.ID() == arrow.INT64 {
		_, exact := exactFloat(v.Bytes(), 64)
		large = !exact
	}
	i, ok := in.index[string(name)]
	switch {
	case ok:
		f := &in.fields[i]
		f.large = f.large || large
		f.typ = unite(f.typ, t, f.large)
	case len(in.fields) >= MaxColumns:
		in.over = true
	default:
		in.index[string(name)] = len(in.fields)
		in.fields = append(in.fields, inferred{string(name), t, large})
	}
}

// unite returns a type that holds all that was seen of a and b, where no
// table exists yet and so nothing has to be converted.
func unite(a, b arrow.DataType, large bool) arrow.DataType {
	if arrow.TypeEqual(a, b) {
		return a
	}
	ia, ib := a.ID(), b.ID()
	if ia == arrow.INT64 || ib == arrow.INT64 {
		switch other := max(ia, ib); {
		case other == arrow.DECIMAL128:
			return integerType
		case other == arrow.FLOAT64 && !large:
			return arrow.PrimitiveTypes.Float64
		}
	}
	return jsonType
}

// Schema returns the columns in the order in which members appeared.
func (in *Inference) Schema() *arrow.Schema {
	var fields []arrow.Field
	for _, f := range in.fields {
		fields = append(fields, newField(fields, f.member, f.typ))
	}
	s := arrow.NewSchema(fields, nil)
	if in.over {
		s = WithUnknown(s)
	}
	return s
}

// Infer returns the schema of one payload.
func Infer(payload []byte) (*arrow.Schema, error) {
	var in Inference
	if err := in.Add(payload); err != nil {
		return nil, err
	}
	return in.Schema(), nil
}

// newField returns a nullable column for a member beside fields.
func newField(fields []arrow.Field, member string, t arrow.DataType) arrow.Field {
	return arrow.Field{
		Name: FreeName(fields, member), Type: t, Nullable: true,
		Metadata: arrow.NewMetadata([]string{MetaName}, []string{member}),
	}
}

func unknownField() arrow.Field {
	return arrow.Field{Name: UnknownColumn, Type: jsonType, Nullable: true}
}
