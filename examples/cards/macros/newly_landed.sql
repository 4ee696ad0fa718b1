{#
  The condition by which an incremental model takes only what is new.

  The watermark is the time at which rows landed, never the time at which the
  events happened: an event that comes two days late has an old time of its
  own, but it has just landed. A batch is stamped when it is made and can be
  read when it is committed, and two pipelines commit side by side, so rows
  older than the newest may still appear: the condition looks back a little,
  and the model's unique_key makes that harmless.
#}
{% macro newly_landed() -%}
  landed_at >= (
        select coalesce(max(landed_at), timestamp '1970-01-01') - interval '{{ var("look_back") }}'
        from {{ this }}
    )
{%- endmacro %}
