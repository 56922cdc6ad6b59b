{#
    How the marts follow the message fact at a cost set by what changed.

    Each update of fct_email_messages writes the changed messages to int_message_changes: as they were (weight -1) and as they
    are (weight 1). A mart that adds up messages takes its own totals and adds the weighted changes; a mart that looks at
    whole groups (a recipient, a campaign's day) computes the groups named in the changes again.
#}
{% macro follows_messages(through="fct_email_messages") %}
    {%- if not execute or not is_incremental() or flags.FULL_REFRESH or model_origin()[
        "is_outdated"
    ] -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set query -%}
        select count(distinct generation) = 1 and count(*) = 2
        {#- What time does to rows can be followed only forwards, and from a day that is known. -#}
        {%- if config.get("meta", {}).get("ages") %}
            and min(case when model = '{{ this.identifier }}' then as_of end) <= {{ as_of() }}
        {%- endif %}
        from {{ state_relation() }}
        where model in ('{{ this.identifier }}', '{{ through }}')
    {%- endset -%}
    {{ return(run_query(query).rows[0][0]) }}
{% endmacro %}

{#
    The messages to add: the changes since the last update, or every message once. A model that reads another follower
    comes only as far as that one: it goes `through` it. Who names the `log` does not wait for the log's own model, which
    only makes and empties it.
#}
{% macro message_changes(through="fct_email_messages", log=none) -%}
    {%- set messages, changes = ref("fct_email_messages"), log or ref(
        "int_message_changes"
    ) -%}
    {%- if follows_messages(through) -%}
        select *
        from {{ changes }}
        where
            change_id > {{ applied_change_id() }}
            and change_id <= {{ newest_change_id(through) }}
    {%- else -%} select 1 as weight, messages.* from {{ messages }} as messages
    {%- endif -%}
{%- endmacro %}

{# Messages, as they are now: those that changed since the last update, or all. From the log, which has them together. #}
{% macro changed_messages() -%}
    {%- set messages, changes = ref("fct_email_messages"), message_changes() -%}
    {%- if follows_messages() -%}
        select distinct on (message_key) *
        from ({{ changes }}) as changes
        where weight > 0
        order by message_key, change_id desc
    {%- else -%} select * from {{ messages }}
    {%- endif -%}
{%- endmacro %}

{# Of the messages that changed since the last update, those that existed before. #}
{% macro messages_before() -%}
    select distinct message_key
    from ({{ message_changes() }}) as changes
    where weight < 0
{%- endmacro %}

{# Read inside the statement, under the model's lock: two updates at once must not apply a change twice. #}
{% macro applied_change_id() -%} {{ newest_change_id(this.identifier) }} {%- endmacro %}

{# How far a model has come in the log of changed messages. #}
{% macro newest_change_id(model_name) -%}
    (
        select coalesce(max(change_id), 0)
        from {{ state_relation() }}
        where model = '{{ model_name }}'
    )
{%- endmacro %}

{# Post-hook of every model that follows messages. #}
{% macro end_following_messages(through="fct_email_messages") -%}
    insert into {{ state_relation() }} as state (model, generation, change_id, as_of, built_from)
    select '{{ this.identifier }}', generation, change_id, {{ as_of() }}, {{ present_origin() }}
    from {{ state_relation() }}
    where model = '{{ through }}'
    on conflict (model) do update
    set generation = excluded.generation,
        change_id = excluded.change_id,
        as_of = excluded.as_of,
        built_from = coalesce(excluded.built_from, state.built_from),
        updated_at = clock_timestamp();
{%- endmacro %}

{# Post-hook of the log: changes that every model has applied, and all of an older generation, are dropped. #}
{% macro forget_applied_changes() -%}
    {%- set followers = [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.resource_type == "model" and "macro.sendgrid.end_following_messages" in node.depends_on.macros -%}
            {%- do followers.append(node.name) -%}
        {%- endfor -%}
    {%- endif -%}
    delete from {{ this }}
    where
        change_id <= (
            select
                min(
                    coalesce(
                        case
                            when state.generation = facts.generation
                            then state.change_id
                        end,
                        facts.change_id
                    )
                )
            from unnest(array['{{ followers | join("', '") }}']) as follower(model)
            inner join
                {{ state_relation() }} as facts on facts.model = 'fct_email_messages'
            left join {{ state_relation() }} as state on state.model = follower.model
        )
    ;
{%- endmacro %}
