{{
    config(
        unique_key=["sent_date", "ip", "pool_name"],
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
            {{ bounded("coalesce(ip, 'unknown')", 250) }} as ip,
            {{ bounded("coalesce(pool_name, 'none')", 250) }} as pool_name,
            {{ sum_messages(["delivery_time"]) }}

        from messages
        group by 1, 2, 3

    ),

    totals as (

        {{
            add_to_totals(
                "changes",
                ["sent_date", "ip", "pool_name"],
                ["delivery_time"],
                also="not is_mature and " ~ is_mature("sent_date"),
            )
        }}

    ),

    rated as (

        select
            sent_date,
            ip,
            pool_name,
            {{ counter_names(["delivery_time"]) | join(", ") }},
            {{ message_rates() }},
            {{ seconds_to_deliver_percentile(0.5) }} as seconds_to_deliver_p50,
            {{ seconds_to_deliver_percentile(0.9) }} as seconds_to_deliver_p90

        from totals

    ),

    final as (

        select
            *,
            {{ delivery_status() }} as delivery_status,
            {{ delivery_problem() }} as delivery_problem,
            {{ is_mature("sent_date") }} as is_mature

        from rated

    )

select *
from final
