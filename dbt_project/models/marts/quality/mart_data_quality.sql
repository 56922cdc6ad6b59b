{{
    config(
        unique_key="load_date",
        incremental_strategy="replace_window",
        meta={"window_column": "load_date"},
        pre_hook=["{{ lock_model() }}", "{{ begin_following_loads() }}"],
        post_hook="{{ end_following_loads() }}",
    )
}}

{%- set scope = update_scope() %}
{%- set amounts = [
    "loads",
    "replays",
    "files",
    "posts",
    "events_read",
    "inserted",
    "duplicate",
    "variants",
    "copies",
    "quarantined",
    "released",
    "test_posts",
    "without_message_id",
    "without_event_id",
    "without_recipient",
    "unknown_events",
    "received_late",
    "received_before_it_happened",
    "timed_events",
    "seconds_to_receive_total",
    "seconds_to_load_total",
] %}

with

    loads as (

        select
            *,
            cast(
                coalesce(committed_at, started_at) at time zone 'utc' as date
            ) as load_date
        from {{ source("sendgrid", "loads") }}

    ),

    uncounted_loads as (

        select *
        from loads
        {% if scope != "everything" %}
            where {{ uncounted_events(scope, "load_date") }}
        {% endif %}

    ),

    activity as (select * from {{ ref("activity") }}),

    -- What these loads brought, by the index on load_id; loads follow one another.
    brought as (

        select
            load_id,
            count(*) as timed_events,
            sum(case when is_test_post then 1 else 0 end) as test_posts,
            sum(
                case when coalesce(sg_message_id, '') = '' then 1 else 0 end
            ) as without_message_id,
            sum(
                case when coalesce(sg_event_id, '') = '' then 1 else 0 end
            ) as without_event_id,
            sum(case when recipient_key is null then 1 else 0 end) as without_recipient,
            sum(
                case
                    when event not in ('{{ known_events() | join("', '") }}')
                    then 1
                    else 0
                end
            ) as unknown_events,
            sum(
                case when received_at > event_at + interval '1 hour' then 1 else 0 end
            ) as received_late,
            sum(
                case
                    when
                        event_at
                        > received_at
                        + interval '{{ var("clock_skew_minutes") }} minutes'
                    then 1
                    else 0
                end
            ) as received_before_it_happened,
            sum(
                {{ seconds_between("event_at", "received_at") }}
            ) as seconds_to_receive_total,
            sum(extract(epoch from received_at)) as received_epochs

        from activity
        where
            load_id >= (select min(load_id) from uncounted_loads)
            and load_id <= (select max(load_id) from uncounted_loads)
        group by load_id

    ),

    days as (

        select
            uncounted_loads.load_date,
            count(*) as loads,
            sum(case when uncounted_loads.kind = 'replay' then 1 else 0 end) as replays,
            sum(uncounted_loads.files) as files,
            sum(uncounted_loads.posts) as posts,
            sum(uncounted_loads.events_read) as events_read,
            sum(uncounted_loads.inserted) as inserted,
            sum(uncounted_loads.duplicate) as duplicate,
            sum(uncounted_loads.variants) as variants,
            sum(uncounted_loads.copies) as copies,
            sum(uncounted_loads.quarantined) as quarantined,
            sum(
                case
                    when uncounted_loads.kind = 'quarantine_retry'
                    then uncounted_loads.inserted
                    else 0
                end
            ) as released,
            {% for amount in amounts[11:18] %}
                sum(coalesce(brought.{{ amount }}, 0)) as {{ amount }},
            {% endfor %}
            -- a replay brings what was received long ago: only first loads tell how
            -- long it takes
            sum(
                case
                    when uncounted_loads.kind = 'load'
                    then coalesce(brought.timed_events, 0)
                    else 0
                end
            ) as timed_events,
            sum(
                case
                    when uncounted_loads.kind = 'load'
                    then coalesce(brought.seconds_to_receive_total, 0)
                    else 0
                end
            ) as seconds_to_receive_total,
            sum(
                case
                    when uncounted_loads.kind = 'load' and brought.load_id is not null
                    then
                        brought.timed_events
                        * extract(epoch from uncounted_loads.committed_at)
                        - brought.received_epochs
                    else 0
                end
            ) as seconds_to_load_total

        from uncounted_loads
        left join brought on uncounted_loads.load_id = brought.load_id
        group by uncounted_loads.load_date

    ),

    counted as (

        select load_date, {{ amounts | join(", ") }}
        from days
        {% if scope == "loads" %}
                {#- after an upgrade the table may not have a new column yet #}
                {%- set known = (
                    adapter.get_columns_in_relation(this)
                    | map(attribute="name")
                    | list
                ) %}
            union all
            select
                load_date
                {%- for amount in amounts %}
                    , {{ amount if amount in known else "0 as " ~ amount }}
                {%- endfor %}
            from {{ this }}
            where load_date in (select load_date from days)
        {% endif %}

    ),

    final as (

        select
            load_date,
            {% for amount in amounts[:19] %}
                cast(sum({{ amount }}) as bigint) as {{ amount }},
            {% endfor %}
            -- to the microsecond, as they came: rounded sums would differ from the
            -- sum of all
            cast(
                sum(seconds_to_receive_total) as numeric(26, 6)
            ) as seconds_to_receive_total,
            cast(sum(seconds_to_load_total) as numeric(26, 6)) as seconds_to_load_total,
            {{ rate("sum(duplicate)", "sum(events_read)") }} as duplicate_rate,
            {{ rate("sum(copies)", "sum(inserted)") }} as copy_rate,
            {{ rate("sum(quarantined)", "sum(events_read)") }} as quarantine_rate,
            {{ rate("sum(received_late)", "sum(inserted)") }} as late_rate,
            {{ rate("sum(seconds_to_receive_total)", "sum(timed_events)") }}
            as seconds_to_receive_mean,
            {{ rate("sum(seconds_to_load_total)", "sum(timed_events)") }}
            as seconds_to_load_mean

        from counted
        group by load_date

    )

select *
from final
