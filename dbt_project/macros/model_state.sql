{#
    How far each model has come, in `<schema>_staging.model_state`.

    The message fact follows loads: `load_id` is the newest load that it has seen. Models that follow messages read the
    change log: `change_id` is the newest change that they have applied. A model's rows and its row here commit in one
    transaction under the model's lock, so that each change is applied exactly once, whatever crashes or runs at the
    same time. A full rebuild of the message fact starts a new `generation`; a model that has followed an older one
    rebuilds itself.

    `built_from` says what the model's rows were computed with: its code, and the keys of the events. A model that differs
    from its code of today rebuilds itself (see model_origin).
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
                as_of date,
                built_from text
            );
            -- not `if not exists` alone: it would wait for every update under way
            if (
                select count(*) < 2
                from pg_attribute
                where
                    attrelid = '{{ state_relation() }}'::regclass
                    and attname in ('as_of', 'built_from')
            ) then
                alter table {{ state_relation() }}
                    add column if not exists as_of date,
                    add column if not exists built_from text;
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

{#
    What this model's rows are computed with, and whether those that are there were computed with something else.

    SENDGRID_MODEL_FINGERPRINTS, which every run of Dagster sets, maps each model to a fingerprint of its code, variables and
    seeds and of the models above it. To it comes the version that events were re-keyed to: models hold their keys, and events
    that were there twice are gone. Without the variable, when somebody calls dbt by hand, nothing is known and nothing
    recorded: the next run of Dagster finds out.

    It is decided once for a model and process and kept in the graph: what dbt compiles and how it materializes it have to
    agree, also when another process builds the model in between.
#}
{% macro model_origin() %}
    {%- set known = env_var("SENDGRID_MODEL_FINGERPRINTS", "") if execute -%}
    {%- set node = graph.nodes.get(model.unique_id) if known -%}
    {%- set fingerprint = fromjson(known).get(this.identifier) if node -%}
    {%- if not fingerprint -%} {{ return({"is_outdated": false}) }} {%- endif -%}
    {%- if "origin" not in node -%}
        {%- set key_versions = api.Relation.create(
            database=target.database,
            schema=target.schema ~ "_raw",
            identifier="event_key_versions",
        ) -%}
        {%- set query -%}
            select
                present.built_from,
                exists(
                    select 1
                    from {{ state_relation() }} as state
                    where
                        model = '{{ this.identifier }}'
                        and state.built_from is distinct from present.built_from
                )
            from
                (
                    select '{{ fingerprint }}:' || coalesce(max(version), 0) as built_from
                    from {{ key_versions }}
                    where finished_at is not null and rekeyed > 0
                ) as present
        {%- endset -%}
        {%- set found = run_query(query).rows[0] -%}
        {%- do node.update(
            {"origin": {"built_from": found[0], "is_outdated": found[1]}}
        ) -%}
        {%- if found[1] -%}
            {%- do log(
                this.identifier
                ~ " is rebuilt from all events: its code, a variable, a seed or the keys of the events have changed.",
                info=true,
            ) -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(node["origin"]) }}
{% endmacro %}

{# What to write into `built_from`: null if that is not known. #}
{% macro present_origin() -%}
    {%- set built_from = model_origin().get("built_from") -%}
    {{ "'" ~ built_from ~ "'" if built_from else "cast(null as text)" }}
{%- endmacro %}

{# As dbt's own, and true for a model that is outdated. A model with `full_refresh: false` is rebuilt in place. #}
{% macro should_full_refresh() %}
    {%- set configured = config.get("full_refresh") -%}
    {%- if configured is not none -%} {{ return(configured) }} {%- endif -%}
    {{ return(flags.FULL_REFRESH or model_origin()["is_outdated"]) }}
{% endmacro %}
