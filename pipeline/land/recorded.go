package land

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/retry"
	"github.com/tidemill/tidemill/sqlgen"
)

// lookUp is how many letters one statement asks for.
const lookUp = 1000

// recorded returns which of the redelivered dead letters of b the warehouse
// has already, for the brake: they were committed, and the acknowledgement
// was lost.
func (l *Lander) recorded(ctx, soft context.Context, b *batch) (map[tidemill.ID]bool, error) {
	var again []string
	for _, d := range b.dead {
		if d.Message.Redelivered {
			again = append(again, d.Delivery.String())
		}
	}
	if len(again) == 0 || l.cfg.Pipeline.Dead.StopAt.Off() {
		return nil, nil
	}
	found := map[tidemill.ID]bool{}
	err := retry.Do(soft, l.retries("look up dead letters"), func(context.Context) error {
		return withSession(ctx, l.cfg.Warehouse, func(s tidemill.Session) error {
			for part := range slices.Chunk(again, lookUp) {
				if err := l.lookUp(ctx, s, part, found); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("look up dead letters: %w", err)
	}
	return found, nil
}

func (l *Lander) lookUp(ctx context.Context, s tidemill.Session, deliveries []string, found map[tidemill.ID]bool) error {
	sql, err := sqlgen.Render(l.cfg.Warehouse.Dialect(), sqlgen.RecordedLetters{})
	if err != nil {
		return err
	}
	r, err := s.Query(ctx, sql, l.name, strings.Join(deliveries, ","))
	if err != nil {
		return err
	}
	defer r.Release()
	for r.Next() {
		letters, err := appendLetters(nil, r.RecordBatch())
		if err != nil {
			return err
		}
		for _, d := range letters {
			found[d.Delivery] = true
		}
	}
	return r.Err()
}
