package column

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tidemill/tidemill"
)

// MetaType is the key of a field's metadata that holds the name of the
// server's type, where the column holds its text.
const MetaType = "postgres.type"

// Column is a column of a table or result.
type Column struct {
	Name    string
	OID     uint32 // of its type in pg_type
	Typmod  int32  // what the type was declared with; -1 if nothing
	NotNull bool

	kind kind
	name string  // of the type, where it is not built in
	elem *Column // of an array
}

// Options choose between two forms of a type.
type Options struct {
	NumericText bool // decimals as text, which also holds NaN
	ArrayText   bool // arrays as text, which also holds several dimensions and other bounds
}

// kind is how the values of a type are read.
type kind int

const (
	unknown kind = iota // not looked at yet
	boolean
	int2
	int4
	int8
	oid
	float4
	float8
	decimal
	numeric // as text
	char    // the one-byte "char"
	text
	bytea
	date
	timestamp
	timestamptz
	timeOfDay
	timetz
	interval
	uuid
	json
	jsonb
	inet
	macaddr
	bitstring
	list
	foreign // all else: the server makes text of it
)

// builtin are the types that need no look-up.
var builtin = map[uint32]kind{
	pgtype.BoolOID: boolean, pgtype.Int2OID: int2, pgtype.Int4OID: int4, pgtype.Int8OID: int8, pgtype.OIDOID: oid,
	pgtype.Float4OID: float4, pgtype.Float8OID: float8, pgtype.NumericOID: numeric,
	pgtype.QCharOID: char, pgtype.TextOID: text, pgtype.VarcharOID: text, pgtype.BPCharOID: text, pgtype.NameOID: text,
	pgtype.ByteaOID: bytea, pgtype.DateOID: date, pgtype.TimestampOID: timestamp, pgtype.TimestamptzOID: timestamptz,
	pgtype.TimeOID: timeOfDay, pgtype.TimetzOID: timetz, pgtype.IntervalOID: interval,
	pgtype.UUIDOID: uuid, pgtype.JSONOID: json, pgtype.JSONBOID: jsonb,
	pgtype.InetOID: inet, pgtype.CIDROID: inet, pgtype.MacaddrOID: macaddr, pgtype.Macaddr8OID: macaddr,
	pgtype.BitOID: bitstring, pgtype.VarbitOID: bitstring,
}

// builtinArrays are the arrays of those types.
var builtinArrays = map[uint32]uint32{
	pgtype.BoolArrayOID: pgtype.BoolOID, pgtype.Int2ArrayOID: pgtype.Int2OID, pgtype.Int4ArrayOID: pgtype.Int4OID,
	pgtype.Int8ArrayOID: pgtype.Int8OID, pgtype.OIDArrayOID: pgtype.OIDOID,
	pgtype.Float4ArrayOID: pgtype.Float4OID, pgtype.Float8ArrayOID: pgtype.Float8OID, pgtype.NumericArrayOID: pgtype.NumericOID,
	pgtype.QCharArrayOID: pgtype.QCharOID, pgtype.TextArrayOID: pgtype.TextOID, pgtype.VarcharArrayOID: pgtype.VarcharOID,
	pgtype.BPCharArrayOID: pgtype.BPCharOID, pgtype.NameArrayOID: pgtype.NameOID, pgtype.ByteaArrayOID: pgtype.ByteaOID,
	pgtype.DateArrayOID: pgtype.DateOID, pgtype.TimestampArrayOID: pgtype.TimestampOID, pgtype.TimestamptzArrayOID: pgtype.TimestamptzOID,
	pgtype.TimeArrayOID: pgtype.TimeOID, pgtype.TimetzArrayOID: pgtype.TimetzOID, pgtype.IntervalArrayOID: pgtype.IntervalOID,
	pgtype.UUIDArrayOID: pgtype.UUIDOID, pgtype.JSONArrayOID: pgtype.JSONOID, pgtype.JSONBArrayOID: pgtype.JSONBOID,
	pgtype.InetArrayOID: pgtype.InetOID, pgtype.CIDRArrayOID: pgtype.CIDROID, pgtype.MacaddrArrayOID: pgtype.MacaddrOID,
	pgtype.BitArrayOID: pgtype.BitOID, pgtype.VarbitArrayOID: pgtype.VarbitOID,
}

// Binary reports whether a Builder reads the type's own binary form. Of other
// columns it takes text only: Select casts them, and replication must send
// text where a table has one.
func (c Column) Binary() bool { return c.kind != foreign && c.kind != unknown }

// Plain reports whether the values of the column print, by Arrow's ValueStr,
// as text that the server reads as the same value.
func (c Column) Plain() bool {
	switch c.kind {
	case int2, int4, int8, oid, decimal, numeric, text, uuid, inet, macaddr, bitstring:
		return true
	}
	return false
}

// Select returns what stands in a select list for the column of the given
// quoted name, so that the result has the binary form that Append reads.
func (c Column) Select(quoted string) string {
	if c.Binary() {
		return quoted
	}
	return quoted + "::text"
}

// Field returns the Arrow field of the column.
func (c Column) Field() arrow.Field {
	f := arrow.Field{Name: c.Name, Type: c.arrow(), Nullable: !c.NotNull}
	if c.kind == foreign && c.name != "" || c.kind == numeric {
		name := c.name
		if name == "" {
			name = "numeric"
		}
		f.Metadata = arrow.NewMetadata([]string{MetaType}, []string{name})
	}
	return f
}

var arrowTypes = map[kind]arrow.DataType{
	boolean: arrow.FixedWidthTypes.Boolean,
	int2:    arrow.PrimitiveTypes.Int16, int4: arrow.PrimitiveTypes.Int32, int8: arrow.PrimitiveTypes.Int64, oid: arrow.PrimitiveTypes.Int64,
	float4: arrow.PrimitiveTypes.Float32, float8: arrow.PrimitiveTypes.Float64,
	bytea: arrow.BinaryTypes.Binary, date: arrow.FixedWidthTypes.Date32,
	timestamp: &arrow.TimestampType{Unit: arrow.Microsecond}, timestamptz: tidemill.Timestamp(),
	timeOfDay: arrow.FixedWidthTypes.Time64us, interval: arrow.FixedWidthTypes.MonthDayNanoInterval,
	uuid: tidemill.UUID(), json: tidemill.JSON(), jsonb: tidemill.JSON(),
}

func (c Column) arrow() arrow.DataType {
	switch c.kind {
	case decimal:
		p, s := precision(c.Typmod)
		return &arrow.Decimal128Type{Precision: p, Scale: s}
	case list:
		elem := c.elem.Field()
		return arrow.ListOfField(arrow.Field{Name: "item", Type: elem.Type, Nullable: true, Metadata: elem.Metadata})
	}
	if t := arrowTypes[c.kind]; t != nil {
		return t
	}
	return arrow.BinaryTypes.String
}

// precision reads the typmod of a numeric: its upper half is the precision,
// its lower eleven bits the scale, which may be negative. Both are zero where
// nothing was declared.
func precision(typmod int32) (p, s int32) {
	if typmod < 4 {
		return 0, 0
	}
	t := typmod - 4
	return t >> 16 & 0xffff, (t&0x7ff ^ 1024) - 1024
}
