package column_test

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/tidemill/tidemill/connector/postgres/column"
)

// everyType are the OIDs of one type of each kind, and arrays of them.
var everyType = []column.Column{
	{OID: 16},
	{OID: 21},
	{OID: 23},
	{OID: 20},
	{OID: 26},
	{OID: 700},
	{OID: 701},
	{OID: 1700, Typmod: 38<<16 | 10 + 4},
	{OID: 1700, Typmod: -1},
	{OID: 18},
	{OID: 25},
	{OID: 17},
	{OID: 1082},
	{OID: 1114},
	{OID: 1184},
	{OID: 1083},
	{OID: 1266},
	{OID: 1186},
	{OID: 2950},
	{OID: 114},
	{OID: 3802},
	{OID: 869},
	{OID: 829},
	{OID: 1560},
	{OID: 1000},
	{OID: 1007},
	{OID: 1009},
	{OID: 1231, Typmod: 5<<16 | 2 + 4},
	{OID: 1231, Typmod: -1},
	{OID: 1001},
	{OID: 1185},
	{OID: 1187},
	{OID: 2951},
	{OID: 3807},
	{OID: 1041},
	{OID: 1561},
}

// FuzzAppend gives bytes to a column of every type in both forms: it never
// panics, and what it takes stands in the record as one row.
func FuzzAppend(f *testing.F) {
	for i := range everyType {
		f.Add(byte(i), []byte("\x00\x00\x00\x01"))
		f.Add(byte(i), []byte("\x00\x02\x7f\xff\x00\x00\x3f\xff\x00\x01\x00\x02"))
		f.Add(byte(i), []byte("\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x17\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x04\x00\x00\x00\x01"))
		f.Add(byte(i), []byte(`{"a\"",NULL,1}`))
		f.Add(byte(i), []byte("0044-03-15 12:34:56.789+01:30 BC"))
		f.Add(byte(i), []byte("-1 years +2 mons -3 days 04:05:06.7"))
		f.Add(byte(i), []byte("-12345.678900"))
	}
	cols, err := column.Resolve(f.Context(), nil, everyType, column.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, which byte, value []byte) {
		if value == nil {
			value = []byte{}
		}
		b, err := column.NewBuilder(cols[int(which)%len(cols):][:1])
		if err != nil {
			t.Fatal(err)
		}
		defer b.Release()
		want := 0
		for _, appendValue := range []func(int, []byte) error{b.Append, b.AppendText, b.Append} {
			if appendValue(0, value) == nil {
				want++
			} else {
				b.Reject()
			}
		}
		if b.Len() != want {
			t.Fatalf("%d rows, want %d", b.Len(), want)
		}
		rec := b.Record()
		defer rec.Release()
		if rec.NumRows() != int64(want) || rec.Column(0).NullN() != 0 {
			t.Fatalf("%d rows with %d nulls, want %d", rec.NumRows(), rec.Column(0).NullN(), want)
		}
		a := rec.Column(0)
		if ext, ok := a.(array.ExtensionArray); ok {
			a = ext.Storage() // JSON that the server cannot have sent does not print
		}
		_ = a.String() // reads every value
	})
}
