package tidemill

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/extensions"
)

// The names of the columns that every landed row carries.
const (
	ColumnKey         = "_key"          // identity of the event: type and (message id, or canonical payload)
	ColumnDelivery    = "_delivery"     // identity of the delivery: source, type, message id and raw bytes
	ColumnPayloadHash = "_payload_hash" // type and canonical payload, never the message id
	ColumnPipeline    = "_pipeline"
	ColumnBatch       = "_batch"
	ColumnSourceTime  = "_source_time" // when the source committed it; null if unknown
	ColumnLandedAt    = "_landed_at"   // when its batch was made; the same for all of a batch
)

// UUID returns the Arrow type of identities.
func UUID() arrow.DataType { return extensions.NewUUIDType() }

// JSON returns the Arrow type of JSON text.
func JSON() arrow.DataType {
	t, err := extensions.NewJSONType(arrow.BinaryTypes.String)
	if err != nil {
		panic("tidemill: JSON over string: " + err.Error()) // cannot be: string is a valid storage type
	}
	return t
}

// Timestamp returns the Arrow type of points in time: microseconds in UTC.
func Timestamp() arrow.DataType {
	return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
}

// SystemFields returns the fields that every landed row begins with, in order.
func SystemFields() []arrow.Field {
	return []arrow.Field{
		{Name: ColumnKey, Type: UUID()},
		{Name: ColumnDelivery, Type: UUID()},
		{Name: ColumnPayloadHash, Type: UUID()},
		{Name: ColumnPipeline, Type: arrow.BinaryTypes.String},
		{Name: ColumnBatch, Type: arrow.BinaryTypes.String},
		{Name: ColumnSourceTime, Type: Timestamp(), Nullable: true},
		{Name: ColumnLandedAt, Type: Timestamp()},
	}
}
