{{
    config(
        unique_key=["sent_date", "campaign_key", "link_url"],
        incremental_strategy="replace_groups",
        meta={
            "replaces": ["sent_date", "campaign_key"],
            "through": "fct_email_clicks",
        },
        pre_hook="{{ lock_model(ref('fct_email_clicks')) }}",
        post_hook="{{ end_following_messages('fct_email_clicks') }}",
    )
}}

with

    -- A campaign's mail of one day is looked at as a whole, because its links share
    -- its clicks.
    changed as (

        select sent_date, campaign_key
        from ({{ message_changes("fct_email_clicks") }}) as messages
        where click_count > 0
        group by sent_date, campaign_key

    ),

    clicks as (select * from {{ ref("fct_email_clicks") }}),

    counted as (

        select
            changed.sent_date,
            changed.campaign_key,
            coalesce(clicks.link_url, 'none') as link_url,
            count(distinct clicks.message_key) as messages,
            count(
                distinct case when not clicks.is_bot_click then clicks.message_key end
            ) as clicked_human,
            count(clicks.event_key) as total_clicks,
            count(case when not clicks.is_bot_click then 1 end) as total_human_clicks

        from changed
        left join
            clicks
            on changed.sent_date = clicks.sent_date
            and changed.campaign_key = clicks.campaign_key
        group by
            changed.sent_date, changed.campaign_key, coalesce(clicks.link_url, 'none')

    ),

    final as (

        select
            sent_date,
            campaign_key,
            link_url,
            messages,
            messages as clicked_any,
            clicked_human,
            total_clicks,
            total_human_clicks,
            cast(
                sum(total_human_clicks) over (
                    partition by sent_date, campaign_key
                ) as bigint
            ) as campaign_human_clicks,
            {{
                rate(
                    "total_human_clicks",
                    "sum(total_human_clicks) over (partition by sent_date, campaign_key)",
                )
            }}
            as share_of_human_clicks

        from counted

    )

select *
from final
