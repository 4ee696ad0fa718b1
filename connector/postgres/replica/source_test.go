package replica_test

import (
	"testing"

	"github.com/tidemill/tidemill"
)

func TestChanges(t *testing.T) {
	d := create(t, `create table t (id int primary key, a text, n numeric(10,2))`, `insert into t values (1, 'one', 1.5), (2, 'two', null)`)
	l, c := newLedger(t), d.config()
	d.follow(l, c)
	l.equal(d, "public.t")
	if l.ops[tidemill.OpSnapshot] != 2 {
		t.Errorf("operations %v", l.ops)
	}
	d.exec(`insert into t values (3, 'three', 3)`, `begin; update t set a = 'uno' where id = 1; delete from t where id = 2; end`, `update t set id = 4 where id = 3`)
	d.follow(l, c)
	l.equal(d, "public.t")
	if l.ops[tidemill.OpInsert] != 2 || l.ops[tidemill.OpUpdate] != 1 || l.ops[tidemill.OpDelete] != 2 {
		t.Errorf("operations %v", l.ops)
	}
	d.exec(`truncate t`, `insert into t values (1, 'again', 0)`)
	d.follow(l, c)
	l.equal(d, "public.t")
}
