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

    -- SendGrid's "recipients who unsubscribed" may or may not mean those who left one
    -- group only; its documentation does not say.
    of_groups as (

        select event_date, 'unsubscribes' as metric, counted_events as events
        from volume
        where event = 'group_unsubscribe'

    ),

    theirs as (

        select
            stats.date as event_date,
            said.metric,
            said.events,
            -- SendGrid lists every day up to that on which it was asked, in its own
            -- time zone; ours are UTC days
            stats.date < least(
                max(stats.date) over (),
                cast(max(stats.synced_at) over () at time zone 'utc' as date)
            ) as is_day_over
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

    compared as (

        select
            theirs.event_date,
            theirs.metric,
            theirs.is_day_over,
            coalesce(ours.events, 0) as events,
            coalesce(of_groups.events, 0) as group_events,
            coalesce(theirs.events, 0) as events_sendgrid

        from theirs
        left join
            ours on theirs.event_date = ours.event_date and theirs.metric = ours.metric
        left join
            of_groups
            on theirs.event_date = of_groups.event_date
            and theirs.metric = of_groups.metric

    ),

    differing as (

        select
            *,
            case
                when events > events_sendgrid
                then events - events_sendgrid
                when events + group_events < events_sendgrid
                then events + group_events - events_sendgrid
                else 0
            end as difference
        from compared

    ),

    final as (

        select
            event_date,
            metric,
            is_day_over,
            events,
            group_events,
            events_sendgrid,
            difference,
            {{ rate("difference", "events_sendgrid") }} as difference_share
        from differing

    )

select *
from final
