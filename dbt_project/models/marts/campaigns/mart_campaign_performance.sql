{{
    config(
        unique_key=["campaign_key", "ab_variation", "ab_phase"],
        incremental_strategy="replace_groups",
        pre_hook="{{ lock_model(ref('fct_email_messages')) }}",
        post_hook="{{ end_following_messages() }}",
    )
}}

{% set grain = ["campaign_key", "ab_variation", "ab_phase"] %}

with

    messages as ({{ message_changes() }}),

    campaigns as (select * from {{ ref("dim_campaigns") }}),

    changes as (

        select
            campaign_key, ab_variation, ab_phase, {{ sum_messages(["response_time"]) }}

        from messages
        group by campaign_key, ab_variation, ab_phase

    ),

    -- Besides the changed ones: campaigns that have come of age, been renamed or sent
    -- again.
    due as (

        {% if follows_messages() %}
            select known.campaign_key
            from {{ this }} as known
            inner join campaigns on known.campaign_key = campaigns.campaign_key
            where
                known.campaign_name <> campaigns.campaign_name
                or known.last_sent_date is distinct from campaigns.last_sent_date
                or known.is_mature <> {{ is_mature("campaigns.last_sent_date") }}
        {% else %}select null as campaign_key where false
        {% endif %}

    ),

    totals as (

        {{
            add_to_totals(
                "changes",
                grain,
                ["response_time"],
                also="campaign_key in (select campaign_key from due)",
            )
        }}

    ),

    final as (

        select
            totals.campaign_key,
            totals.ab_variation,
            totals.ab_phase,
            coalesce(campaigns.campaign_name, totals.campaign_key) as campaign_name,
            coalesce(campaigns.campaign_type, 'none') as campaign_type,
            coalesce(campaigns.stream, 'transactional') as stream,
            campaigns.first_sent_date,
            campaigns.last_sent_date,
            {{ counter_names(["response_time"]) | join(", ") }},
            {{ message_rates() }},
            coalesce({{ is_mature("campaigns.last_sent_date") }}, false) as is_mature

        from totals
        left join campaigns on totals.campaign_key = campaigns.campaign_key

    )

select *
from final
