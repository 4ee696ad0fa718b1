package land_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/tidetest"
)

const secret = "4111-1111"

func TestProtectedFieldsNeverLand(t *testing.T) {
	for _, undecodable := range []string{"keep", "withhold"} {
		t.Run(undecodable, func(t *testing.T) {
			q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
			q.Publish(
				tidemill.Message{Source: "orders", Type: "A", ID: "1", Value: []byte(`{"card":"` + secret + `","mail":"` + secret + `","name":"` + secret + `","n":1}`)},
				tidemill.Message{Source: "orders", Type: "A", Value: []byte(`{"card":"` + secret + `","n":2}`)},
				tidemill.Message{Source: "orders", Type: "A", ID: "2", Value: []byte(`{"card":"` + secret)},
			)
			p := pipeline()
			p.Land.Drop, p.Land.Hash, p.Land.Mask = []string{"card"}, []string{"mail"}, []string{"name"}
			p.Land.Salt = redact.New("pepper")
			p.Land.Write, p.Land.UniqueKey = "upsert", []string{"message_id"}
			p.Dead.Undecodable = undecodable
			var log strings.Builder
			cfg := config(t, p, q.Source(), w)
			cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			want(t, mustRun(t, cfg), 1, 0, 2)

			letters := w.Letters()
			if d := letters[0]; !d.Protected || d.Code != tidemill.SchemaIncompatible || string(d.Message.Value) != `{"n":2}` ||
				d.Key == (tidemill.ID{}) || d.PayloadHash == (tidemill.ID{}) {
				t.Errorf("the decodable letter is %+v", d)
			}
			kept := strings.Contains(string(letters[1].Message.Value), secret)
			if letters[1].Protected || kept != (undecodable == "keep") {
				t.Errorf("the undecodable letter is %+v", letters[1])
			}
			letters[1].Message.Value = nil
			if all := fmt.Sprintf("%s %+v %s", w.Rows("raw.events"), letters, log.String()); strings.Contains(all, secret) {
				t.Errorf("the secret is somewhere in %s", all)
			}
		})
	}
}

// Identities are of what the producer sent: protection does not make two
// events one, nor one event two.
func TestIdentitiesComeBeforeProtection(t *testing.T) {
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	q.Publish(
		tidemill.Message{Type: "A", Value: []byte(`{"card":"1","n":1,"at":1}`)},
		tidemill.Message{Type: "A", Value: []byte(`{"card":"2","n":1,"at":2}`)},
		tidemill.Message{Type: "A", Value: []byte(`{"card":"2","n":1,"at":3}`)},
	)
	p := pipeline()
	p.Land.Drop, p.Land.Key.Exclude = []string{"card"}, []string{"at"}
	want(t, mustRun(t, config(t, p, q.Source(), w)), 2, 1, 0)
	rows := w.Rows("raw.events")
	if rows[0].PayloadHash == rows[1].PayloadHash || rows[0].Key == rows[1].Key {
		t.Error("events that differ in a dropped field have one identity")
	}
}
