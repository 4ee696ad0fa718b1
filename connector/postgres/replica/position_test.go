package replica

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/pgoutput"
)

func drawPosition(t *rapid.T) position {
	at := func(name string) lsn { return pgoutput.LSN(rapid.Uint64().Draw(t, name)) }
	p := position{
		Epoch: rapid.Uint32Min(1).Draw(t, "epoch"), System: rapid.StringMatching(`[0-9]{1,19}`).Draw(t, "system"), Timeline: rapid.Int32Min(1).Draw(t, "timeline"),
		LSN: at("lsn"), Done: at("done"), Tx: at("tx"), Snapshot: rapid.Bool().Draw(t, "snapshot"), Consistent: at("consistent"),
	}
	if p.Tx != 0 {
		p.Changes = rapid.Uint64().Draw(t, "changes")
	}
	return p
}

func TestPosition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPosition(t)
		got, err := decodePosition(p.encode())
		if err != nil || got != p {
			t.Fatalf("%+v became %+v, %v", p, got, err)
		}
	})
	for _, s := range []string{"", "v2 epoch=1", "v1", "v1 epoch=1", "v1 epoch=x system=1", "v1 epoch=1 system=1 lsn=5", "v1 epoch=1 system=1 what=1", "0/16B3748"} {
		if p, err := decodePosition(tidemill.Position(s)); err == nil {
			t.Errorf("%q gives %+v", s, p)
		}
	}
}

func FuzzDecodePosition(f *testing.F) {
	f.Add("v1 epoch=1 system=7 timeline=1 lsn=0/1 done=0/2 tx=1/0 changes=4 snapshot=true consistent=0/9")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := decodePosition(tidemill.Position(s))
		if err != nil {
			return
		}
		if p.Tx == 0 {
			p.Changes = 0
		}
		if again, err := decodePosition(p.encode()); err != nil || again != p {
			t.Errorf("%+v became %+v, %v", p, again, err)
		}
	})
}

// Versions are in the order of epoch, commit and place, byte by byte.
func TestVersion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type place struct {
			epoch  uint32
			commit uint64
			at     uint64
		}
		draw := func(name string) place {
			return place{rapid.Uint32Range(0, 3).Draw(t, name+" epoch"), rapid.Uint64Range(0, 300).Draw(t, name+" commit"), rapid.Uint64Range(0, 300).Draw(t, name+" at")}
		}
		a, b := draw("a"), draw("b")
		va, vb := version(a.epoch, lsn(a.commit), a.at), version(b.epoch, lsn(b.commit), b.at)
		less := a.epoch < b.epoch || a.epoch == b.epoch && (a.commit < b.commit || a.commit == b.commit && a.at < b.at)
		if got := bytes.Compare(va[:], vb[:]) < 0; got != less {
			t.Fatalf("%v < %v is %t", a, b, got)
		}
	})
}

func TestSlotName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if name := SlotName(rapid.String().Draw(t, "pipeline")); !isSlotName(name) {
			t.Fatalf("%q", name)
		}
	})
}

func FuzzParseEvent(f *testing.F) {
	f.Add([]byte("k\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01"))
	f.Add([]byte("w\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00I"))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := parseEvent(b)
		if err == nil && len(b) != 18 && len(e.message) != len(b)-25 {
			t.Errorf("%+v", e)
		}
	})
}
