{{
    config(
        unique_key=[
            "event_date",
            "mailbox_provider",
            "bounce_class",
            "bounce_classification",
            "bounce_status",
            "reason",
        ],
        incremental_strategy="replace_groups",
        pre_hook="{{ lock_model(ref('fct_email_messages')) }}",
        post_hook="{{ end_following_messages() }}",
    )
}}

with

    messages as ({{ message_changes() }}),

    changes as (

        select
            cast(bounced_at at time zone 'utc' as date) as event_date,
            coalesce(mailbox_provider, 'unknown') as mailbox_provider,
            bounce_class,
            {{ bounded("coalesce(bounce_classification, 'none')", 250) }}
            as bounce_classification,
            {{ bounded("coalesce(bounce_status, 'none')", 250) }} as bounce_status,
            {{ reason_without_particulars("bounce_reason") }} as reason,
            sum(weight) as messages

        from messages
        where is_bounced
        group by 1, 2, 3, 4, 5, 6

    ),

    final as (

        {{
            add_to_totals(
                "changes",
                [
                    "event_date",
                    "mailbox_provider",
                    "bounce_class",
                    "bounce_classification",
                    "bounce_status",
                    "reason",
                ],
                names=["messages"],
            )
        }}

    )

select *
from final
