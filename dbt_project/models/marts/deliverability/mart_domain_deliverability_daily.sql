{{
    config(
        unique_key=["sent_date", "mailbox_provider", "recipient_domain"],
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
            coalesce(recipient_domain, 'unknown') as recipient_domain,
            {{ sum_messages(["delivery_time"]) }}

        from messages
        group by 1, 2, 3

    ),

    totals as (

        {{
            add_to_totals(
                "changes",
                ["sent_date", "mailbox_provider", "recipient_domain"],
                ["delivery_time"],
                also="not is_mature and " ~ is_mature("sent_date"),
            )
        }}

    ),

    rated as (

        select
            sent_date,
            mailbox_provider,
            recipient_domain,
            {{ counter_names(["delivery_time"]) | join(", ") }},
            {{ message_rates() }},
            {{ seconds_to_deliver_percentile(0.5) }} as seconds_to_deliver_p50,
            {{ seconds_to_deliver_percentile(0.9) }} as seconds_to_deliver_p90

        from totals

    ),

    final as (

        select
            *,
            {{
                complaint_status(
                    "mailbox_provider", "complaint_rate", "delivered_with_feedback"
                )
            }} as complaint_status,
            {{ delivery_status() }} as delivery_status,
            {{ delivery_problem() }} as delivery_problem,
            {{ is_mature("sent_date") }} as is_mature

        from rated

    )

select *
from final
