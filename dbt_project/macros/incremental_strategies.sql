{#
    Strategy of fct_email_messages: replace the messages that came out different, and log both versions of each.
    Rows that came out the same are left alone, so that rebuilding a window where nothing happened writes nothing.
#}
{% macro get_incremental_replace_messages_sql(arg_dict) %}
    {%- set target_table, fresh = (
        arg_dict["target_relation"],
        arg_dict["temp_relation"],
    ) -%}
    {%- set before = adapter.quote(fresh.identifier ~ "_before") -%}
    {%- set columns = arg_dict["dest_columns"] | map(attribute="quoted") | list -%}
    {%- set changes = load_relation(changes_relation()) -%}
    {#- After an upgrade the log may not know a new column yet; it learns it later in this run. -#}
    {%- set logged = (
        get_columns_in_relation(changes) | map(attribute="quoted") | list
        if changes
        else []
    ) -%}
    {%- set can_log = changes and columns | reject("in", logged) | list == [] -%}

    {{ count_fresh_rows(fresh, ["message_key"]) }}

    -- The large table is looked through once: most messages are new to it.
    create temporary table {{ before }} on commit drop as
    select old.*
    from {{ target_table }} as old
    inner join {{ fresh }} as fresh on old.message_key = fresh.message_key
    ;

    analyze {{ before }} (message_key)
    ;

    with
        unchanged as (
            delete from {{ fresh }} as fresh
            using {{ before }} as old
            where
                old.message_key = fresh.message_key
                and row(
                    {% for c in columns %}
                        old.{{ c }}{{ ", " if not loop.last }}
                    {% endfor %}
                ) is not distinct from row(
                    {% for c in columns %}
                        fresh.{{ c }}{{ ", " if not loop.last }}
                    {% endfor %}
                )
            returning fresh.message_key
        )
    delete from {{ before }} as old
    using unchanged
    where old.message_key = unchanged.message_key
    ;

    update {{ state_relation() }}
    set
        change_id = change_id + 1
        -- Without a log nobody can follow: whoever did rebuilds itself.
    {% if not can_log %}, generation = generation + 1{% endif %}
    where model = '{{ this.identifier }}';

    {% if can_log %}
        insert into {{ changes }} (change_id, weight, {{ columns | join(", ") }})
        select state.change_id, versions.weight, {% for c in columns %}versions.{{ c }}{{ ", " if not loop.last }}{% endfor %}
        from
            (
                select -1 as weight, {{ columns | join(", ") }}
                from {{ before }}
                union all
                select 1 as weight, {{ columns | join(", ") }}
                from {{ fresh }}
            ) as versions
        inner join {{ state_relation() }} as state on state.model = '{{ this.identifier }}';

        -- How many changes there are, whoever follows has to know: the log is emptied
        -- and filled faster than Postgres looks.
        analyze {{ changes }} (change_id)
        ;
    {% endif %}

    delete from {{ target_table }} as old
    using {{ before }} as before
    where old.message_key = before.message_key
    ;

    insert into {{ target_table }} ({{ columns | join(", ") }})
    select {{ columns | join(", ") }}
    from {{ fresh }};
{% endmacro %}

{#
    Strategy of the marts that follow messages: replace the groups that the model's statement computed again. A group is
    named by the model's grain (`unique_key`), or by the fewer columns in `meta.replaces`. A group that came out with
    `messages` 0 has lost its last message, and goes; so does a row that is not what `meta.keeps` says.
    Where the model could not follow (see follow_messages.sql) its statement computed everything, and everything is replaced.
#}
{% macro get_incremental_replace_groups_sql(arg_dict) %}
    {%- set target_table, fresh = (
        arg_dict["target_relation"],
        arg_dict["temp_relation"],
    ) -%}
    {%- set columns = arg_dict["dest_columns"] | map(attribute="quoted") | list -%}
    {%- set grain = arg_dict["unique_key"] -%}
    {%- set keys = config.get("meta", {}).get("replaces") or (
        [grain] if grain is string else grain
    ) -%}
    {%- set follows = follows_messages(
        config.get("meta", {}).get("through", "fct_email_messages")
    ) -%}
    {%- if follows != (changes_relation().render() in model.compiled_code) -%}
        {%- do exceptions.raise_compiler_error(
            "fct_email_messages was rebuilt while "
            ~ this.identifier
            ~ " was starting. Run it again."
        ) -%}
    {%- endif -%}

    {{ count_fresh_rows(fresh, keys) }}

    delete from {{ target_table }} as old
    {% if follows -%}
        {#- A message that the log tells of for the first time has no rows yet. -#}
        using
            {% if keys == ["message_key"] %} ({{ messages_before() }})
            {%- else %} {{ fresh }}
            {%- endif %} as fresh
        where
            {% for key in keys %}
                old.{{ key }} = fresh.{{ key }}{{ " and " if not loop.last }}
            {% endfor %}
    {%- endif %}
    ;

    insert into {{ target_table }} ({{ columns | join(", ") }})
    select {{ columns | join(", ") }}
    from {{ fresh }}
    {%- set keeps = config.get("meta", {}).get("keeps") %}
    {% if keeps -%} where {{ keeps }}
    {%- elif adapter.quote("messages") in columns -%} where messages > 0
    {%- endif %}
    ;
{% endmacro %}

{#
    Strategy of the marts that add up events: replace the groups that the model's statement computed again, and, where
    SENDGRID_WINDOW_START and _END name days, everything else of these days. `meta.window_column` is the day.
#}
{% macro get_incremental_replace_window_sql(arg_dict) %}
    {%- set target_table, fresh = (
        arg_dict["target_relation"],
        arg_dict["temp_relation"],
    ) -%}
    {%- set columns = arg_dict["dest_columns"] | map(attribute="quoted") | list -%}
    {%- set grain = arg_dict["unique_key"] -%}
    {%- set keys = [grain] if grain is string else grain -%}

    {% if update_scope() == "window" %}
        delete from {{ target_table }}
        where {{ in_scope("window", config.get("meta")["window_column"]) }}
        ;
    {% endif %}

    delete from {{ target_table }} as old
    using {{ fresh }} as fresh
    where
        {% for key in keys %}
            old.{{ key }} = fresh.{{ key }}{{ " and " if not loop.last }}
        {% endfor %}
    ;

    insert into {{ target_table }} ({{ columns | join(", ") }})
    select {{ columns | join(", ") }}
    from {{ fresh }};
{% endmacro %}

{# Tells the planner how many rows the model's statement brought; it may choose freely again (see join_by_hash). #}
{% macro count_fresh_rows(fresh, keys) %}
    analyze {{ fresh }} ({{ keys | join(", ") }})
    ;
    set local enable_nestloop = on
    ;
{% endmacro %}
