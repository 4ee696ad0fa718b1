// Package column turns values of PostgreSQL into Arrow columns without loss.
//
// A value comes in the binary form, as COPY BINARY and logical replication
// send it, or as text, as the type's output function writes it. Both fill the
// same column alike. A value that its column cannot hold exactly is an error
// that names the option by which the column takes it; it is never rounded.
//
// What becomes of which type:
//
//	boolean                         bool
//	smallint, integer, bigint       int16, int32, int64
//	oid                             int64
//	real, double precision          float32, float64
//	numeric(p<=38, 0<=s<=p)         decimal128(p, s); numeric: text makes it text
//	numeric, other numeric(p, s)    text, as the server writes it
//	char, varchar, text, name, enum text
//	bytea                           binary
//	date                            date32; infinity is the largest value, -infinity its negative
//	timestamp                       timestamp[us]; infinity likewise
//	timestamptz                     timestamp[us, UTC]; infinity likewise
//	time                            time64[us]; 24:00:00 stays
//	timetz                          text
//	interval                        month_day_nano
//	uuid                            arrow.uuid
//	json, jsonb                     arrow.json
//	inet, cidr, macaddr, macaddr8   text
//	bit, bit varying                text of 0 and 1
//	domain                          as its base type
//	T[]                             list<T>, where T is none of the following; arrays: text makes it text
//	all else                        text, as the server writes it: composite types, ranges, money, hstore, geometry
//
// The field of a column in text form says in its metadata, under MetaType,
// what type the server has.
//
// A list holds arrays of one dimension that count from 1. Another one is an
// error of its row.
package column
