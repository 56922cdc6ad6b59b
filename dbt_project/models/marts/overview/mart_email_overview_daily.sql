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

    totals as (

        {{
            add_to_totals(
                "changes",
                ["sent_date", "stream"],
                also="not is_mature and " ~ is_mature("sent_date"),
            )
        }}

    ),

    final as (

        select
            sent_date,
            stream,
            {{ counter_names() | join(",\n            ") }},
            {{ message_rates() }},
            {{ is_mature("sent_date") }} as is_mature

        from totals

    )

select *
from final
