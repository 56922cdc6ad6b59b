{{ config(materialized="table", tags=["objects"]) }}

-- Every recipient's tier at the end of every month, by what had happened until then;
-- the present month is as of today.
with

    messages as (

        select * from {{ ref("fct_email_messages") }} where recipient_key is not null

    ),

    suppressions as (

        select * from {{ ref("fct_suppression_history") }} where is_account_wide

    ),

    happened as (

        select
            messages.recipient_key,
            cast(date_trunc('month', happening.day) as date) as month,
            min(
                case when happening.kind = 'sent' then happening.day end
            ) as first_sent_date,
            sum(case when happening.kind = 'delivered' then 1 else 0 end) as delivered,
            max(
                case when happening.kind in ('opened', 'clicked') then happening.day end
            ) as last_engaged_date,
            max(
                case when happening.kind = 'clicked' then happening.day end
            ) as last_human_click_date

        from messages
        cross join
            lateral(
                values
                    ('sent', case when messages.is_sent then messages.sent_date end),
                    (
                        'delivered',
                        case when messages.is_delivered then messages.sent_date end
                    ),
                    (
                        'opened',
                        cast(messages.first_human_open_at at time zone 'utc' as date)
                    ),
                    (
                        'clicked',
                        cast(messages.first_human_click_at at time zone 'utc' as date)
                    )
            ) as happening(kind, day)
        where happening.day <= {{ as_of() }}
        group by
            messages.recipient_key, cast(date_trunc('month', happening.day) as date)

    ),

    begun as (

        select recipient_key, min(month) as first_month
        from happened
        group by recipient_key

    ),

    months as (

        select
            begun.recipient_key,
            cast(month as date) as month,
            cast(
                least(
                    month + interval '1 month' - interval '1 day', {{ as_of() }}
                ) as date
            ) as as_of_date

        from begun
        cross join
            lateral generate_series(
                cast(begun.first_month as timestamp),
                cast({{ as_of() }} as timestamp),
                interval '1 month'
            ) as month

    ),

    known_then as (

        select
            months.recipient_key,
            months.month,
            months.as_of_date,
            min(happened.first_sent_date) over until_then as first_sent_date,
            sum(happened.delivered) over until_then as delivered,
            max(happened.last_engaged_date) over until_then as last_engaged_date,
            max(happened.last_human_click_date) over until_then
            as last_human_click_date,
            exists (
                select 1
                from suppressions
                where
                    suppressions.recipient_key = months.recipient_key
                    and suppressions.started_at < months.as_of_date + interval '1 day'
                    and (
                        suppressions.ended_at is null
                        or suppressions.ended_at >= months.as_of_date + interval '1 day'
                    )
            ) as is_suppressed

        from months
        left join
            happened
            on months.recipient_key = happened.recipient_key
            and months.month = happened.month
        window until_then as (partition by months.recipient_key order by months.month)

    ),

    tiers as (

        select
            recipient_key,
            month,
            as_of_date,
            {{ engagement_tier("known_then", "known_then.as_of_date") }}
            as engagement_tier
        from known_then

    ),

    moved as (

        select
            *,
            lag(engagement_tier, 1, 'none') over (
                partition by recipient_key order by month
            ) as previous_tier
        from tiers

    ),

    final as (

        select month, as_of_date, engagement_tier, previous_tier, count(*) as recipients
        from moved
        group by month, as_of_date, engagement_tier, previous_tier

    )

select *
from final
