package tidetest_test

import (
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/tidetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A test that passes over the fake means something only if the fake keeps
// the contract itself.
func TestFakeWarehouse(t *testing.T) {
	open := func(testing.TB) tidemill.Warehouse { return tidetest.NewFakeWarehouse() }
	rows := func(_ testing.TB, w tidemill.Warehouse, n tidemill.TableName) (ids []string) {
		for _, r := range w.(*tidetest.FakeWarehouse).Rows(n.String()) {
			ids = append(ids, r.Values["id"])
		}
		slices.Sort(ids)
		return ids
	}
	tidetest.Landing(t, open, rows)
}
