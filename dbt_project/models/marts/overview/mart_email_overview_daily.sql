{{
    config(
        unique_key=["sent_date", "stream"],
        incremental_strategy="replace_groups",
        pre_hook="{{ lock_model(ref('fct_email_messages')) }}",
        post_hook="{{ end_following_messages() }}",
    )
}}

with

    messages as ({{ message_changes() }}),

    changes as (

        select sent_date, stream, {{ sum_messages() }}
        from messages
        group by sent_date, stream

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
                ["sent_date", "stream"],
                also="sent_date >= (select first_date - 27 from due)",
            )
        }}

    ),

    rolled as (

        select
            *,
            {% for counter in ["sent", "delivered", "opened_human", "clicked_human"] %}
                {{ rolling_sum(counter, "stream", 0, 6) }} as {{ counter }}_7d,
                {{ rolling_sum(counter, "stream", 7, 13) }}
                as {{ counter }}_previous_7d,
                {{ rolling_sum(counter, "stream", 0, 27) }} as {{ counter }}_28d,
            {% endfor %}
            {{ is_mature("sent_date") }} as is_mature

        from totals

    ),

    final as (

        select
            sent_date,
            stream,
            {{ counter_names() | join(", ") }},
            {{ message_rates() }},
            {% for counter in ["sent", "delivered", "opened_human", "clicked_human"] %}
                {{ counter }}_7d, {{ counter }}_previous_7d, {{ counter }}_28d,
            {% endfor %}
            {{ rate("opened_human_7d", "delivered_7d") }} as unique_open_rate_human_7d,
            {{ rate("clicked_human_7d", "delivered_7d") }} as click_rate_human_7d,
            is_mature

        from rolled
        where sent_date >= (select first_date from due)

    )

select *
from final
