package cursor

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// position is where reading goes on.
type position struct {
	Null group `json:"null,omitzero"` // rows without a cursor value
	Last group `json:"last,omitzero"` // rows of the highest value that was read
}

// group is what was read of the rows that share a value.
type group struct {
	Value *string  `json:"value,omitempty"` // as text; nil of none
	Seen  []string `json:"seen,omitempty"`  // identities of its rows, once for each
	After []string `json:"after,omitempty"` // in the place of Seen: the key of the last row
}

// counts are identities, and how often each is there.
type counts map[string]int

func (g group) counts() counts {
	c := make(counts, len(g.Seen))
	for _, id := range g.Seen {
		c[id]++
	}
	return c
}

// take returns the rows of rec that were not read before, or nil, and moves
// the position behind them. Only the rows at both ends of rec are looked at:
// the first ones may have been read, the last ones stand in the position.
func (r *Reader) take(rec arrow.RecordBatch) (arrow.RecordBatch, error) {
	c, err := r.columns(rec)
	if err != nil {
		return nil, err
	}
	n := int(rec.NumRows())
	if n == 0 {
		return nil, nil
	}
	keep, passed, err := r.pass(c, n)
	if err != nil {
		return nil, err
	}
	at := r.at
	if err := r.move(&at, c, keep); err != nil {
		return nil, err
	}
	if passed == n {
		return nil, nil
	}
	r.at = at
	if passed == 0 {
		rec.Retain()
		return rec, nil
	}
	return pick(rec, keep)
}

// pass finds the rows that were read in an earlier scan.
func (r *Reader) pass(c columns, n int) (keep []bool, passed int, err error) {
	keep = make([]bool, n)
	for i := range keep {
		keep[i] = true
		if len(r.skip) == 0 {
			continue
		}
		if r.phase == values {
			v, err := r.text(c.cursor, i)
			if err != nil {
				return nil, 0, err
			}
			if r.prior.Value == nil || *r.prior.Value != v {
				r.skip = nil // rows of a higher value follow
				continue
			}
		}
		id := c.id(i)
		if r.skip[id] == 0 {
			continue
		}
		if r.skip[id]--; r.skip[id] == 0 {
			delete(r.skip, id)
		}
		keep[i] = false
		passed++
	}
	return keep, passed, nil
}

// move brings at behind the rows of a record.
func (r *Reader) move(at *position, c columns, keep []bool) error {
	start, g := 0, &at.Null
	if r.phase == values {
		last, err := r.text(c.cursor, len(keep)-1)
		if err != nil {
			return err
		}
		for start = len(keep) - 1; start > 0; start-- {
			v, err := r.text(c.cursor, start-1)
			if err != nil {
				return err
			}
			if v != last {
				break
			}
		}
		g = &at.Last
		if g.Value == nil || *g.Value != last {
			*g = group{Value: &last}
		}
	}
	g.Seen = slices.Clone(g.Seen)
	for i := start; i < len(keep) && len(g.After) == 0; i++ {
		if !keep[i] {
			continue
		}
		if len(g.Seen) < most {
			g.Seen = append(g.Seen, c.id(i))
			continue
		}
		// From here on the order of the key tells. What was read in earlier
		// scans and has not come by yet stays told apart.
		g.Seen, g.After = r.skip.list(), []string{""}
	}
	if len(g.After) == 0 {
		return nil
	}
	var err error
	g.After, err = r.keyOf(c, len(keep)-1)
	return err
}

// list returns the identities, each as often as it is counted.
func (c counts) list() []string {
	var all []string
	for id, n := range c {
		for range n {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	return all
}

// columns finds what the position needs in a record.
func (r *Reader) columns(rec arrow.RecordBatch) (columns, error) {
	c := columns{rec: rec}
	find := func(name string) (arrow.Array, error) {
		at := rec.Schema().FieldIndices(name)
		if len(at) != 1 {
			return nil, fmt.Errorf("read rows: %d columns are named %q", len(at), name)
		}
		return rec.Column(at[0]), nil
	}
	var err error
	if c.cursor, err = find(r.query.Cursor); err != nil {
		return c, err
	}
	for _, k := range r.query.Key {
		a, err := find(k)
		if err != nil {
			return c, err
		}
		c.key = append(c.key, a)
	}
	return c, nil
}

type columns struct {
	rec    arrow.RecordBatch
	cursor arrow.Array
	key    []arrow.Array
}

// id returns what tells row i from others of the same value: a hash of its
// key, or of all of it.
func (c columns) id(i int) string {
	arrays := c.key
	if len(arrays) == 0 {
		arrays = c.rec.Columns()
	}
	var b []byte
	for _, a := range arrays {
		if a.IsNull(i) {
			b = append(b, 0)
			continue
		}
		v := a.ValueStr(i)
		b = binary.AppendUvarint(append(b, 1), uint64(len(v)))
		b = append(b, v...)
	}
	sum := sha256.Sum256(b)
	return base64.RawStdEncoding.EncodeToString(sum[:12])
}

// keyOf returns the key of row i as text.
func (r *Reader) keyOf(c columns, i int) ([]string, error) {
	if len(c.key) == 0 {
		return nil, ErrTies
	}
	var key []string
	for _, a := range c.key {
		if a.IsNull(i) {
			return nil, fmt.Errorf("%w: a column of the key is null", ErrTies)
		}
		v, err := r.text(a, i)
		if err != nil {
			return nil, err
		}
		key = append(key, v)
	}
	return key, nil
}

// pick copies the rows of rec that are to be kept.
func pick(rec arrow.RecordBatch, keep []bool) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, rec.NumCols())
	defer func() {
		for _, c := range columns {
			if c != nil {
				c.Release()
			}
		}
	}()
	n := 0
	for i, a := range rec.Columns() {
		var parts []arrow.Array
		n = 0
		for from := 0; from < len(keep); {
			to := from
			for to < len(keep) && keep[to] == keep[from] {
				to++
			}
			if keep[from] {
				parts = append(parts, array.NewSlice(a, int64(from), int64(to)))
				n += to - from
			}
			from = to
		}
		var err error
		columns[i], err = array.Concatenate(parts, memory.DefaultAllocator)
		for _, p := range parts {
			p.Release()
		}
		if err != nil {
			return nil, fmt.Errorf("copy rows: %w", err)
		}
	}
	return array.NewRecordBatch(rec.Schema(), columns, int64(n)), nil
}
