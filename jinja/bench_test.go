package jinja_test

import (
	"context"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/jinja"
)

// model has 60 lines, of the kind that dbt projects hold.
var model = `{{ config(materialized='incremental', unique_key='order_id') }}
{%- set methods = ['card', 'cash', 'gift', 'bank'] -%}
{%- macro cents(col, scale=2) -%} round({{ col }} / 100.0, {{ scale }}) {%- endmacro -%}
with orders as (
    select * from {{ ref('stg_orders') }}
    {% if incremental %}
    where updated_at > (select max(updated_at) from {{ this }})
    {% endif %}
),
payments as (
    select
        order_id,
        {% for m in methods -%}
        sum(case when method = '{{ m }}' then {{ cents('amount') }} end) as {{ m }}_amount{{ "," if not loop.last }}
        {% endfor %}
    from {{ ref('stg_payments') }}
    group by 1
),
` + strings.Repeat(`lines_ as (
    select order_id, {{ cents('price', scale=4) }} as price, -- a line of SQL that has some length
        coalesce(discount, 0) as discount
    from {{ ref('stg_lines') }}
    where status in ({% for s in ['new', 'paid'] %}'{{ s }}'{% if not loop.last %}, {% endif %}{% endfor %})
),
`, 5) + `final as (
    select
        o.order_id,
        {{ methods | map('upper') | join(', ') }}
    from orders o
    left join payments p using (order_id)
)
select *
from final
`

func BenchmarkModel(b *testing.B) {
	tmpl := parse(b, "model.sql", model)
	scope := &jinja.Scope{Vars: map[string]any{
		"incremental": true, "this": `"main"."orders"`,
		"ref":    jinja.Func(func(c *jinja.Call) (any, error) { return `"main"."` + c.Args[0].(string) + `"`, nil }),
		"config": jinja.Func(func(*jinja.Call) (any, error) { return "", nil }),
	}}
	b.Run("parse", func(b *testing.B) {
		env := jinja.NewEnv(jinja.Options{})
		b.ReportAllocs()
		for b.Loop() {
			if _, err := env.Parse("model.sql", model); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("render", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := tmpl.Render(context.Background(), scope); err != nil {
				b.Fatal(err)
			}
		}
	})
}
