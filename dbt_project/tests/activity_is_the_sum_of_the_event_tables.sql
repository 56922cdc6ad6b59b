{{ config(meta={"dagster": {"ref": {"name": "activity"}}}) }}

-- Promise S26, for the events of the last day: in activity exactly what the event
-- tables hold together.
{% set tables = [
    "processed",
    "delivered",
    "deferred",
    "dropped",
    "bounce",
    "_open",
    "click",
    "spam_report",
    "unsubscribe",
    "group_unsubscribe",
    "group_resubscribe",
    "account_status_change",
    "other_event",
] %}

with

    parts as (

        {% for table in tables %}
            select event_key
            from {{ ref(table) }}
            where event_at >= now() - interval '1 day'
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}

    ),

    whole as (

        select event_key
        from {{ ref("activity") }}
        where event_at >= now() - interval '1 day'

    )

select
    (select count(*) from parts) as in_event_tables,
    (select count(*) from whole) as in_activity
where (select count(*) from parts) <> (select count(*) from whole)
