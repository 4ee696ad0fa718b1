package sqlgen

// DataTest counts what a test's query returns and judges the figure: failures,
// whether they are a warning and whether they are an error. FailCalc, WarnIf
// and ErrorIf are texts of the user, as count(*) and > 10.
type DataTest struct {
	Query                     string
	FailCalc, WarnIf, ErrorIf string
	Limit                     int64 // 0 is none
}

// CheckKind is a test that a scan can answer beside others.
type CheckKind string

// The kinds.
const (
	NotNull  CheckKind = "not_null"
	Unique   CheckKind = "unique"
	Accepted CheckKind = "accepted"
)

// Check is a test of one column. Column is an expression and Where a
// condition, as the user wrote them; Values are those of Accepted, as text
// where Quote is set.
type Check struct {
	Kind   CheckKind
	Column string
	Where  string
	Values []string
	Quote  bool
}

// Scan answers checks in one pass over From, a name as SQL spells it: one
// column for each check, 0 where it holds, then the number of rows.
type Scan struct {
	From   string
	Checks []Check
}

// Sample lists the first rows that a test's query returns, each of them once
// where Distinct is set.
type Sample struct {
	Query    string
	Distinct bool
	Limit    int64
}

// SampleNulls lists the first rows of From, a name as SQL spells it, whose
// Column is null. Column and Where are as those of Check.
type SampleNulls struct {
	From, Column, Where string
	Limit               int64
}

func (DataTest) Template() string    { return "data_test" }
func (Scan) Template() string        { return "scan" }
func (Sample) Template() string      { return "sample" }
func (SampleNulls) Template() string { return "sample_nulls" }
