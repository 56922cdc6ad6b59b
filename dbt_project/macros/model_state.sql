{#
    How far each model has come, in `<schema>_staging.model_state`.

    The message fact follows loads: `load_id` is the newest load that it has seen. Models that follow messages read the
    change log: `change_id` is the newest change that they have applied. A model's rows and its row here commit in one
    transaction under the model's lock, so that each change is applied exactly once, whatever crashes or runs at the
    same time. A full rebuild of the message fact starts a new `generation`; a model that has followed an older one
    rebuilds itself.
#}
{% macro state_relation() %}
    {{
        return(
            api.Relation.create(
                database=target.database,
                schema=target.schema ~ "_staging",
                identifier="model_state",
            )
        )
    }}
{% endmacro %}

{# The log that the message fact writes; by name, because it is built from the fact and a ref would be a circle. #}
{% macro changes_relation() %}
    {{
        return(
            api.Relation.create(
                database=target.database,
                schema=target.schema ~ "_staging",
                identifier="int_message_changes",
            )
        )
    }}
{% endmacro %}

{# Start of every run: the table that says how far each model has come. #}
{% macro create_model_state() %}
    {%- if execute and flags.WHICH in ("run", "build", "seed") -%}
        do $$
        begin
            perform pg_advisory_xact_lock(hashtextextended('{{ state_relation() }}', 0));
            create schema if not exists {{ state_relation().schema }};
            create table if not exists {{ state_relation() }} (
                model text primary key,
                generation bigint not null default 0,
                load_id bigint not null default 0,
                next_load_id bigint not null default 0,
                change_id bigint not null default 0,
                updated_at timestamptz not null default clock_timestamp(),
                as_of date
            );
            -- not `if not exists` alone: it would wait for every update under way
            if not exists (
                select 1
                from pg_attribute
                where attrelid = '{{ state_relation() }}'::regclass and attname = 'as_of'
            ) then
                alter table {{ state_relation() }} add column as_of date;
            end if;
        end
        $$
    {%- endif -%}
{% endmacro %}

{# One row of the state. What is read while dbt compiles is older than the model's lock: good for choosing a way only. #}
{% macro model_state(model_name) %}
    {%- set query -%}
        select generation, load_id, change_id from {{ state_relation() }} where model = '{{ model_name }}'
    {%- endset -%}
    {%- set rows = run_query(query).rows -%}
    {%- set row = rows[0] if rows else (0, 0, 0) -%}
    {{ return({"generation": row[0], "load_id": row[1], "change_id": row[2]}) }}
{% endmacro %}

{# The day that "today" meant in this model's last update; read inside the statement, under the model's lock. #}
{% macro seen_on() -%}
    (select as_of from {{ state_relation() }} where model = '{{ this.identifier }}')
{%- endmacro %}

{# Pre-hook: one writer of a model at a time; where it follows another model, that one stays as it is meanwhile. #}
{% macro lock_model(follows=none) -%}
    select pg_advisory_xact_lock(hashtextextended('{{ this }}', 0))
    {%- if follows -%}
        , pg_advisory_xact_lock_shared(hashtextextended('{{ follows }}', 0))
    {%- endif -%}
{%- endmacro %}
