{{ config(materialized="table", tags=["objects"]) }}

-- Our events of a day beside SendGrid's own statistics of it. SendGrid counts in the
-- account's time zone: where that is
-- not UTC, compare the sums of several days.
{% set metrics = {
    "processed": ["processed", "processed"],
    "delivered": ["delivered", "delivered"],
    "deferred": ["deferred", "deferred"],
    "bounced_and_blocked": [
        "bounce",
        "coalesce(bounces, 0) + coalesce(blocks, 0)",
    ],
    "dropped": [
        "dropped",
        "coalesce(bounce_drops, 0) + coalesce(spam_report_drops, 0) + coalesce(unsubscribe_drops, 0) + coalesce(invalid_emails, 0)",
    ],
    "opens": ["open", "opens"],
    "clicks": ["click", "clicks"],
    "spam_reports": ["spamreport", "spam_reports"],
    "unsubscribes": ["unsubscribe", "unsubscribes"],
} %}

with

    volume as (select * from {{ ref("mart_event_volume_daily") }}),

    stats as (select * from {{ source("sendgrid", "daily_stats") }}),

    ours as (

        select
            event_date,
            case
                event
                {% for metric, how in metrics.items() %}
                    when '{{ how[0] }}' then '{{ metric }}'
                {% endfor %}
            end as metric,
            counted_events as events

        from volume

    ),

    theirs as (

        select stats.date as event_date, said.metric, said.events
        from stats
        cross join
            lateral(
                values
                    {% for metric, how in metrics.items() %}
                        (
                            '{{ metric }}', cast({{ how[1] }} as bigint)
                        ){{ ',' if not loop.last }}
                    {% endfor %}
            ) as said(metric, events)

    ),

    final as (

        select
            theirs.event_date,
            theirs.metric,
            coalesce(ours.events, 0) as events,
            coalesce(theirs.events, 0) as events_sendgrid,
            coalesce(ours.events, 0) - coalesce(theirs.events, 0) as difference,
            {{ rate("(coalesce(ours.events, 0) - theirs.events)", "theirs.events") }}
            as difference_share

        from theirs
        left join
            ours on theirs.event_date = ours.event_date and theirs.metric = ours.metric

    )

select *
from final
