package records

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// avroNode is a type of an Avro schema.
type avroNode struct {
	kind             string // of Avro, or json
	logical          string
	name             string // of a field
	size             int    // of a fixed
	precision, scale int32
	symbols          []string
	fields           []*avroNode // of a record
	items            *avroNode   // of an array or a map
	branches         []*avroNode // of a union
	nullable         bool        // a union of null and one other type, which the rest of the node is
	nullFirst        bool
	target           *avroNode // of json: the type whose values are written as JSON text
	weight           int       // how many types it is made of, with repetition
}

// maxWeight bounds the columns that a schema can ask for: types that name
// each other twice make twice as many at each step.
const maxWeight = 10_000

var avroName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// avroParser knows the names that a schema has given so far.
type avroParser struct {
	named map[string]*avroNode
	open  map[*avroNode]bool // records that are being read, which refer to themselves
	depth int
}

func parseAvroSchema(text []byte) (*avroNode, error) {
	var raw any
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, err
	}
	p := avroParser{named: map[string]*avroNode{}, open: map[*avroNode]bool{}}
	n, err := p.node(raw, "")
	if err != nil {
		return nil, err
	}
	if n.kind != "record" || n.nullable {
		return nil, fmt.Errorf("the rows are of type %s, not records", n.kind)
	}
	if len(n.fields) == 0 {
		return nil, errors.New("the record has no fields")
	}
	return n, nil
}

func (p *avroParser) node(raw any, space string) (*avroNode, error) {
	if p.depth++; p.depth > 100 {
		return nil, errors.New("types nest deeper than 100 levels")
	}
	defer func() { p.depth-- }()
	var n *avroNode
	err := fmt.Errorf("%v is no type", raw)
	switch v := raw.(type) {
	case string:
		n, err = p.reference(v, space)
	case []any:
		n, err = p.union(v, space)
	case map[string]any:
		n, err = p.complex(v, space)
	}
	if err != nil {
		return nil, err
	}
	if n.weigh(); n.weight > maxWeight {
		return nil, fmt.Errorf("it is made of more than %d types", maxWeight)
	}
	return n, nil
}

func (n *avroNode) weigh() {
	n.weight = 1
	for _, f := range n.fields {
		n.weight += f.weight
	}
	if n.items != nil {
		n.weight += n.items.weight
	}
}

func (p *avroParser) reference(name, space string) (*avroNode, error) {
	switch name {
	case "null", "boolean", "int", "long", "float", "double", "bytes", "string":
		return &avroNode{kind: name}, nil
	}
	for _, full := range []string{space + "." + name, name} {
		if n := p.named[strings.TrimPrefix(full, ".")]; n != nil {
			if p.open[n] {
				return &avroNode{kind: "json", target: n}, nil
			}
			same := *n
			return &same, nil
		}
	}
	return nil, fmt.Errorf("type %q is not known", name)
}

// union makes a nullable node of null and one type, and JSON text of others.
func (p *avroParser) union(branches []any, space string) (*avroNode, error) {
	u := &avroNode{kind: "union"}
	for _, b := range branches {
		n, err := p.node(b, space)
		if err != nil {
			return nil, err
		}
		u.branches = append(u.branches, n)
	}
	if len(u.branches) == 0 {
		return nil, errors.New("a union has no types")
	}
	if len(u.branches) == 2 && (u.branches[0].kind == "null") != (u.branches[1].kind == "null") {
		first := u.branches[0].kind == "null"
		n := *u.branches[0]
		if first {
			n = *u.branches[1]
		}
		if !n.nullable && n.kind != "union" {
			n.nullable, n.nullFirst = true, first
			return &n, nil
		}
	}
	return &avroNode{kind: "json", target: u}, nil
}

func (p *avroParser) complex(v map[string]any, space string) (*avroNode, error) {
	kind, isName := v["type"].(string)
	if !isName {
		return p.node(v["type"], space)
	}
	n := &avroNode{kind: kind}
	switch kind {
	case "array", "map":
		items := v["items"]
		if kind == "map" {
			items = v["values"]
		}
		var err error
		n.items, err = p.node(items, space)
		return n, err
	case "record", "error", "enum", "fixed":
		return p.define(n, v, space)
	}
	n, err := p.reference(kind, space)
	if err == nil {
		n.annotate(v)
	}
	return n, err
}

// define reads a type that has a name.
func (p *avroParser) define(n *avroNode, v map[string]any, space string) (*avroNode, error) {
	name, _ := v["name"].(string)
	if s, ok := v["namespace"].(string); ok {
		space = s
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		space = name[:i]
	} else if space != "" {
		name = space + "." + name
	}
	p.named[name] = n
	switch n.kind {
	case "enum":
		symbols, _ := v["symbols"].([]any)
		for _, s := range symbols {
			text, _ := s.(string)
			n.symbols = append(n.symbols, text)
		}
	case "fixed":
		size, _ := v["size"].(float64)
		if size < 0 || size > maxBlock || size != float64(int(size)) {
			return nil, fmt.Errorf("type %s has size %v", name, v["size"])
		}
		n.size = int(size)
		n.annotate(v)
	default:
		n.kind = "record"
		p.open[n] = true
		defer delete(p.open, n)
		fields, _ := v["fields"].([]any)
		for _, raw := range fields {
			f, _ := raw.(map[string]any)
			node, err := p.node(f["type"], space)
			if err != nil {
				return nil, fmt.Errorf("field %v: %w", f["name"], err)
			}
			field := *node
			field.name, _ = f["name"].(string)
			if !avroName.MatchString(field.name) || slices.ContainsFunc(n.fields, func(o *avroNode) bool { return o.name == field.name }) {
				return nil, fmt.Errorf("field %v: its name is none, or is there twice", f["name"])
			}
			n.fields = append(n.fields, &field)
		}
	}
	return n, nil
}

// annotate takes the logical type, where it is one that fits.
func (n *avroNode) annotate(v map[string]any) {
	logical, _ := v["logicalType"].(string)
	switch n.kind + " " + logical {
	case "int date", "int time-millis", "long time-micros",
		"long timestamp-millis", "long timestamp-micros", "long timestamp-nanos",
		"long local-timestamp-millis", "long local-timestamp-micros", "long local-timestamp-nanos":
		n.logical = logical
	case "bytes decimal", "fixed decimal":
		precision, _ := v["precision"].(float64)
		scale, _ := v["scale"].(float64)
		if precision >= 1 && precision <= 76 && scale >= 0 && scale <= precision {
			n.logical, n.precision, n.scale = logical, int32(precision), int32(scale)
		}
	}
}

// arrow returns the type of the columns that hold values of n.
func (n *avroNode) arrow() arrow.DataType {
	switch n.logical {
	case "date":
		return arrow.FixedWidthTypes.Date32
	case "time-millis":
		return arrow.FixedWidthTypes.Time32ms
	case "time-micros":
		return arrow.FixedWidthTypes.Time64us
	case "decimal":
		if n.precision > 38 {
			return &arrow.Decimal256Type{Precision: n.precision, Scale: n.scale}
		}
		return &arrow.Decimal128Type{Precision: n.precision, Scale: n.scale}
	case "":
	default:
		return n.timestamp()
	}
	switch n.kind {
	case "null":
		return arrow.BinaryTypes.String // a column needs a type; all its values are null
	case "boolean":
		return arrow.FixedWidthTypes.Boolean
	case "int":
		return arrow.PrimitiveTypes.Int32
	case "long":
		return arrow.PrimitiveTypes.Int64
	case "float":
		return arrow.PrimitiveTypes.Float32
	case "double":
		return arrow.PrimitiveTypes.Float64
	case "bytes", "fixed":
		return arrow.BinaryTypes.Binary
	case "array":
		return arrow.ListOf(n.items.arrow())
	case "map":
		return arrow.MapOf(arrow.BinaryTypes.String, n.items.arrow())
	case "record":
		fields := make([]arrow.Field, len(n.fields))
		for i, f := range n.fields {
			fields[i] = arrow.Field{Name: f.name, Type: f.arrow(), Nullable: true}
		}
		return arrow.StructOf(fields...)
	}
	return arrow.BinaryTypes.String // string, enum, json
}

func (n *avroNode) timestamp() arrow.DataType {
	t := &arrow.TimestampType{TimeZone: "UTC"}
	if strings.HasPrefix(n.logical, "local-") {
		t.TimeZone = ""
	}
	switch {
	case strings.HasSuffix(n.logical, "-millis"):
		t.Unit = arrow.Millisecond
	case strings.HasSuffix(n.logical, "-micros"):
		t.Unit = arrow.Microsecond
	default:
		t.Unit = arrow.Nanosecond
	}
	return t
}
