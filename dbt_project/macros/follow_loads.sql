{#
    What one update of a model that reads events looks at:
    `everything` when it is built for the first time or with --full-refresh,
    `window` when SENDGRID_WINDOW_START and SENDGRID_WINDOW_END name days (end exclusive),
    `loads` otherwise: what came after the newest load that it has seen, or after SENDGRID_LOADED_AFTER if that is older.

    Read while dbt runs and not while it parses: a change of these variables must not make dbt parse again.
#}
{% macro update_scope() %}
    {%- if not execute or not is_incremental() -%} {{ return("everything") }}
    {%- elif env_var("SENDGRID_WINDOW_START", "") -%} {{ return("window") }}
    {%- else -%} {{ return("loads") }}
    {%- endif -%}
{% endmacro %}

{# The condition on events for an update's scope (see update_scope). #}
{% macro in_scope(scope, day="event_date") -%}
    {%- if scope == "window" -%}
        {{ day }} >= cast('{{ env_var("SENDGRID_WINDOW_START") }}' as date)
        and {{ day }} < cast('{{ env_var("SENDGRID_WINDOW_END") }}' as date)
    {%- else -%}
        {%- set seen = model_state(this.identifier)["load_id"] -%}
        {%- set named = env_var("SENDGRID_LOADED_AFTER", "") -%}
        load_id > {{ [seen, named | int] | min if named else seen }}
    {%- endif -%}
{%- endmacro %}

{#
    The events that a model which adds up events has to count now. Each event once: those of loads that it has not seen,
    or, where it counts the days of a window afresh, those of loads that it has.
#}
{% macro uncounted_events(scope, day="event_date") -%}
    {%- set state -%}
        from {{ state_relation() }}
        where model = '{{ this.identifier }}'
    {%- endset -%}
    {%- if scope == "window" -%}
        {{ in_scope("window", day) }} and load_id <= (select load_id {{ state }})
    {%- else -%}
        -- the number for the planner, the state for certainty: another update may
        -- have come in between
        load_id > {{ model_state(this.identifier)["load_id"] }}
        and load_id > (select load_id {{ state }})
        and load_id <= (select next_load_id {{ state }})
    {%- endif -%}
{%- endmacro %}

{#
    Pre-hook: note the newest load before any event is read. Loads of a source follow one another, so everything up to
    it is visible to this update; what commits meanwhile is left to the next one.
#}
{% macro begin_following_loads() -%}
    {%- set scope = update_scope() -%}
    {%- set loads = api.Relation.create(
        database=target.database,
        schema=target.schema ~ "_raw",
        identifier="loads",
    ) -%}
    insert into {{ state_relation() }} as state (model, generation, next_load_id)
    select '{{ this.identifier }}', 1, coalesce(max(load_id), 0)
    from {{ loads }}
    on conflict (model) do update
    set generation = state.generation + {{ 1 if scope == "everything" else 0 }},
        next_load_id = {{ "state.load_id" if scope == "window" else "excluded.next_load_id" }};
{%- endmacro %}

{# Post-hook: this update has seen those loads. #}
{% macro end_following_loads() -%}
    update {{ state_relation() }}
    set load_id = greatest(load_id, next_load_id),
        built_from = coalesce({{ present_origin() }}, built_from),
        updated_at = clock_timestamp()
    where model = '{{ this.identifier }}';
{%- endmacro %}

{# Pre-hook: whoever groups the whole history groups millions; the update that follows a load does not. #}
{% macro use_more_memory() -%}
    {%- if update_scope() == "everything" -%}
        select set_config('work_mem', '{{ var("full_build_work_mem") }}', true)
    {%- endif -%}
{%- endmacro %}

{#
    All events of these messages, each message looked up by the index on the message id: `offset 0` keeps the planner from
    reading the whole history instead, which it takes for cheaper where the history is still short. A message has no event
    before its first, and so older partitions are not looked at.

    messages: a relation with sg_message_id, recipient_key and first_event_at
    activity: the events, or those of their columns that are needed
#}
{% macro events_of(messages, activity=none) -%}
    select events.*
    from {{ messages }} as messages
    cross join
        lateral(
            select *
            from {{ activity or ref("activity") }} as activity
            where
                activity.sg_message_id = messages.sg_message_id
                and activity.recipient_key is not distinct from messages.recipient_key
                and activity.event_at >= messages.first_event_at
                and activity.is_counted
            offset 0
        ) as events
{%- endmacro %}
