{{
    config(
        unique_key=["event_date", "campaign_key"],
        incremental_strategy="replace_groups",
        pre_hook="{{ lock_model(ref('fct_email_messages')) }}",
        post_hook="{{ end_following_messages() }}",
    )
}}

{% set stages = {
    "processed": "processed_at",
    "delivered": "case when is_delivered then delivered_at end",
    "bounced": "case when is_bounced then bounced_at end",
    "dropped": "dropped_at",
    "opened_any": "least(first_open_at, first_human_open_at)",
    "opened_human": "first_human_open_at",
    "clicked_any": "first_click_at",
    "clicked_human": "first_human_click_at",
    "spam_reported": "spam_reported_at",
    "opted_out": "case when is_opted_out then least(unsubscribed_at, group_unsubscribed_at) end",
} %}

-- By the day on which a message reached a stage for the first time: counts, whose sum
-- over the days is the number of
-- messages that ever did. Rates belong to the cohort: see mart_campaign_performance.
with

    messages as ({{ message_changes() }}),

    changes as (

        select
            cast(reached.at at time zone 'utc' as date) as event_date,
            messages.campaign_key,
            sum(messages.weight) as messages,
            {% for stage in stages %}
                sum(
                    case
                        when reached.stage = '{{ stage }}' then messages.weight else 0
                    end
                ) as {{ stage }}{{ ',' if not loop.last }}
            {% endfor %}

        from messages
        cross join
            lateral(
                values
                    {% for stage, moment in stages.items() %}
                        ('{{ stage }}', {{ moment }}){{ ',' if not loop.last }}
                    {% endfor %}
            ) as reached(stage, at)
        where reached.at is not null
        group by 1, 2

    ),

    final as (

        {{
            add_to_totals(
                "changes",
                ["event_date", "campaign_key"],
                names=["messages"] + stages.keys() | list,
            )
        }}

    )

select *
from final
