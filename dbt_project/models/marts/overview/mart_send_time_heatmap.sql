{{
    config(
        unique_key=["sent_month", "stream", "day_of_week", "hour_of_day"],
        incremental_strategy="replace_groups",
        pre_hook="{{ lock_model(ref('fct_email_messages')) }}",
        post_hook="{{ end_following_messages() }}",
    )
}}

with

    messages as (

        select *, sent_at at time zone '{{ var("reporting_timezone") }}' as sent_locally
        from ({{ message_changes() }}) as changed

    ),

    changes as (

        select
            cast(date_trunc('month', sent_locally) as date) as sent_month,
            stream,
            cast(extract(isodow from sent_locally) as integer) as day_of_week,
            cast(extract(hour from sent_locally) as integer) as hour_of_day,
            {{ sum_messages(["response_time"]) }}

        from messages
        group by 1, 2, 3, 4

    ),

    totals as (

        {{
            add_to_totals(
                "changes",
                ["sent_month", "stream", "day_of_week", "hour_of_day"],
                ["response_time"],
            )
        }}

    ),

    final as (

        select
            sent_month,
            stream,
            day_of_week,
            hour_of_day,
            {{ counter_names(["response_time"]) | join(", ") }},
            {{ message_rates() }}

        from totals

    )

select *
from final
