{{ config(materialized="table", tags=["objects"]) }}

-- As large as the audience and not as its mail: built anew every time. No view stands
-- on it.
with

    tiers as (select * from {{ ref("mart_recipient_tiers_monthly") }}),

    final as (

        select
            month,
            cast(
                least(
                    month + interval '1 month' - interval '1 day', {{ as_of() }}
                ) as date
            ) as as_of_date,
            engagement_tier,
            previous_tier,
            count(*) as recipients
        from tiers
        group by month, engagement_tier, previous_tier

    )

select *
from final
