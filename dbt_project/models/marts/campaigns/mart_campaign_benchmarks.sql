{{ config(materialized="table") }}

-- As many rows as campaigns, and each compares with its neighbours: built anew every
-- time. No view stands on it.
with

    performance as (select * from {{ ref("mart_campaign_performance") }}),

    campaigns as (

        select
            campaign_key,
            max(campaign_name) as campaign_name,
            max(campaign_type) as campaign_type,
            max(stream) as stream,
            max(last_sent_date) as last_sent_date,
            cast(sum(delivered) as bigint) as delivered,
            cast(sum(opened_human) as bigint) as opened_human,
            cast(sum(clicked_human) as bigint) as clicked_human,
            cast(sum(opted_out) as bigint) as opted_out,
            bool_and(is_mature) as is_mature

        from performance
        group by campaign_key

    ),

    rated as (

        select
            *,
            {{ rate("opened_human", "delivered") }} as unique_open_rate_human,
            {{ rate("clicked_human", "delivered") }} as click_rate_human,
            {{ rate("opted_out", "delivered") }} as unsubscribe_rate
        from campaigns

    ),

    compared as (

        select rated.*, peers.*
        from rated
        cross join
            lateral(
                select
                    count(*) as peers,
                    {{ median("others.unique_open_rate_human") }}
                    as median_open_rate_human,
                    {{ median("others.click_rate_human") }} as median_click_rate_human,
                    {{ median("others.unsubscribe_rate") }} as median_unsubscribe_rate

                from rated as others
                where
                    others.stream = rated.stream
                    and others.campaign_key <> rated.campaign_key
                    and others.delivered >= {{ var("benchmark_min_messages") }}
                    and others.last_sent_date
                    between rated.last_sent_date
                    - {{ var("benchmark_days") }} and rated.last_sent_date
            ) as peers

    ),

    final as (

        select
            campaign_key,
            campaign_name,
            campaign_type,
            stream,
            last_sent_date,
            delivered,
            opened_human,
            clicked_human,
            opted_out,
            unique_open_rate_human,
            click_rate_human,
            unsubscribe_rate,
            peers,
            median_open_rate_human,
            median_click_rate_human,
            median_unsubscribe_rate,
            cast(
                unique_open_rate_human - median_open_rate_human as numeric(18, 6)
            ) as open_rate_above_median,
            cast(
                click_rate_human - median_click_rate_human as numeric(18, 6)
            ) as click_rate_above_median,
            is_mature

        from compared

    )

select *
from final
