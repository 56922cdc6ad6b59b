{{ config(materialized="table") }}

-- Small, and each row compares with its neighbours: built anew every time. No view
-- stands on it.
with

    performance as (select * from {{ ref("mart_campaign_performance") }}),

    variations as (

        select
            campaign_key,
            ab_variation,
            max(campaign_name) as campaign_name,
            cast(sum(delivered) as bigint) as delivered,
            cast(sum(opened_human) as bigint) as opened_human,
            cast(sum(clicked_human) as bigint) as clicked_human,
            bool_and(is_mature) as is_mature

        from performance
        where ab_variation <> 'none'
        group by campaign_key, ab_variation

    ),

    ranked as (

        select
            *,
            count(*) over (partition by campaign_key) as variations,
            first_value(ab_variation) over of_campaign as control_variation,
            first_value(delivered) over of_campaign as control_delivered,
            first_value(opened_human) over of_campaign as control_opened_human,
            first_value(clicked_human) over of_campaign as control_clicked_human

        from variations
        window of_campaign as (partition by campaign_key order by ab_variation)

    ),

    final as (

        select
            campaign_key,
            ab_variation,
            campaign_name,
            variations,
            control_variation,
            ab_variation = control_variation as is_control,
            delivered,
            opened_human,
            clicked_human,
            {{ rate("opened_human", "delivered") }} as unique_open_rate_human,
            {{ rate("clicked_human", "delivered") }} as click_rate_human,
            {{
                rate_difference(
                    "opened_human",
                    "delivered",
                    "control_opened_human",
                    "control_delivered",
                )
            }} as open_rate_difference,
            {{
                rate_difference(
                    "clicked_human",
                    "delivered",
                    "control_clicked_human",
                    "control_delivered",
                )
            }} as click_rate_difference,
            {{
                lift(
                    "opened_human",
                    "delivered",
                    "control_opened_human",
                    "control_delivered",
                )
            }} as open_lift,
            {{
                lift(
                    "clicked_human",
                    "delivered",
                    "control_clicked_human",
                    "control_delivered",
                )
            }} as click_lift,
            {{
                p_value(
                    "opened_human",
                    "delivered",
                    "control_opened_human",
                    "control_delivered",
                )
            }} as open_p_value,
            {{
                p_value(
                    "clicked_human",
                    "delivered",
                    "control_clicked_human",
                    "control_delivered",
                )
            }} as click_p_value,
            is_mature

        from ranked
        where variations > 1

    )

select *
from final
