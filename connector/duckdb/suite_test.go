package duckdb

import (
	"testing"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/tidetest"
)

// TestSuite holds the owner and a client to the contract.
func TestSuite(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		tidetest.Warehouse(t, func(t testing.TB) tidemill.Warehouse { return open(t, inMemory) })
	})
	t.Run("owner", func(t *testing.T) {
		tidetest.Warehouse(t, func(t testing.TB) tidemill.Warehouse { return open(t, file(t)) })
	})
	t.Run("client", func(t *testing.T) {
		tidetest.Warehouse(t, func(t testing.TB) tidemill.Warehouse {
			path := file(t)
			open(t, path)
			return open(t, path)
		})
	})
}

func TestFolding(t *testing.T) {
	tidetest.Folding(t, func(t testing.TB) tidemill.Warehouse { return open(t, inMemory) })
}

// TestFoldAsClient has the owner fold what a client landed.
func TestFoldAsClient(t *testing.T) {
	path := file(t)
	open(t, path)
	tidetest.FoldingOnce(t, open(t, path))
}
