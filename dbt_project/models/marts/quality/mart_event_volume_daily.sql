{{
    config(
        unique_key=["event_date", "event"],
        incremental_strategy="replace_window",
        meta={"window_column": "event_date"},
        pre_hook=["{{ lock_model() }}", "{{ begin_following_loads() }}"],
        post_hook="{{ end_following_loads() }}",
    )
}}

{%- set scope = update_scope() %}
{%- set amounts = [
    "events",
    "counted_events",
    "copies",
    "test_posts",
    "machine_opens",
    "without_message_id",
    "without_event_id",
    "without_recipient",
    "received_late",
    "received_before_it_happened",
    "seconds_to_receive_total",
] %}

with

    activity as (select * from {{ ref("activity") }}),

    uncounted as (

        select
            event_date,
            event,
            count(*) as events,
            sum(case when is_counted then 1 else 0 end) as counted_events,
            sum(case when is_copy then 1 else 0 end) as copies,
            sum(case when is_test_post then 1 else 0 end) as test_posts,
            sum(case when is_machine_open then 1 else 0 end) as machine_opens,
            sum(
                case when sg_message_id is null or sg_message_id = '' then 1 else 0 end
            ) as without_message_id,
            sum(
                case when sg_event_id is null or sg_event_id = '' then 1 else 0 end
            ) as without_event_id,
            sum(case when recipient_key is null then 1 else 0 end) as without_recipient,
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
            max(
                {{ seconds_between("event_at", "received_at") }}
            ) as seconds_to_receive_max

        from activity
        {% if scope != "everything" %} where {{ uncounted_events(scope) }} {% endif %}
        group by event_date, event

    ),

    counted as (

        select *
        from uncounted
        {% if scope == "loads" %}
            union all
            select
                known.event_date,
                known.event,
                {{ amounts | join(", ") }},
                known.seconds_to_receive_max
            from {{ this }} as known
            where
                (known.event_date, known.event)
                in (select event_date, event from uncounted)
        {% endif %}

    ),

    final as (

        select
            event_date,
            event,
            {% for amount in amounts %}
                cast(sum({{ amount }}) as bigint) as {{ amount }},
            {% endfor %}
            max(seconds_to_receive_max) as seconds_to_receive_max,
            {{ rate("sum(seconds_to_receive_total)", "sum(events)") }}
            as seconds_to_receive_mean

        from counted
        group by event_date, event

    )

select *
from final
