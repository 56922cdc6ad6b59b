{{
    config(
        unique_key=["sent_date", "mailbox_provider"],
        incremental_strategy="replace_groups",
        pre_hook="{{ lock_model(ref('fct_email_messages')) }}",
        post_hook="{{ end_following_messages() }}",
    )
}}

with

    messages as ({{ message_changes() }}),

    changes as (

        select
            sent_date,
            coalesce(mailbox_provider, 'unknown') as mailbox_provider,
            {{ sum_messages(["delivery_time"]) }}

        from messages
        group by 1, 2

    ),

    -- The days from which on something is different: every later rolling sum may be
    -- too.
    due as (

        select
            least(
                (select min(sent_date) from changes),
                {% if follows_messages() %}
                    (
                        select min(sent_date)
                        from {{ this }}
                        where not is_mature and {{ is_mature("sent_date") }}
                    )
                {% else %} null
                {% endif %}
            ) as first_date

    ),

    totals as (

        {{
            add_to_totals(
                "changes",
                ["sent_date", "mailbox_provider"],
                ["delivery_time"],
                also="sent_date >= (select first_date - 29 from due)",
            )
        }}

    ),

    rolled as (

        select
            *,
            {% for counter in [
                "delivered",
                "spam_reported",
                "delivered_with_feedback",
                "spam_reported_with_feedback",
            ] %}
                {{ rolling_sum(counter, "mailbox_provider", 0, 6) }}
                as {{ counter }}_7d,
                {{ rolling_sum(counter, "mailbox_provider", 0, 29) }}
                as {{ counter }}_30d{{ ',' if not loop.last }}
            {% endfor %}

        from totals

    ),

    rated as (

        select
            sent_date,
            mailbox_provider,
            {{ counter_names(["delivery_time"]) | join(", ") }},
            {{ message_rates() }},
            {{ seconds_to_deliver_percentile(0.5) }} as seconds_to_deliver_p50,
            {{ seconds_to_deliver_percentile(0.9) }} as seconds_to_deliver_p90,
            {% for counter in [
                "delivered",
                "spam_reported",
                "delivered_with_feedback",
                "spam_reported_with_feedback",
            ] %}
                {{ counter }}_7d, {{ counter }}_30d,
            {% endfor %}
            {{ rate("spam_reported_with_feedback_7d", "delivered_with_feedback_7d") }}
            as complaint_rate_7d,
            {{ rate("spam_reported_with_feedback_30d", "delivered_with_feedback_30d") }}
            as complaint_rate_30d

        from rolled
        where sent_date >= (select first_date from due)

    ),

    final as (

        select
            *,
            {{
                complaint_status(
                    "mailbox_provider",
                    "complaint_rate_7d",
                    "delivered_with_feedback_7d",
                )
            }} as complaint_status,
            {{ delivery_status() }} as delivery_status,
            {{ delivery_problem() }} as delivery_problem,
            {{ is_mature("sent_date") }} as is_mature

        from rated

    )

select *
from final
