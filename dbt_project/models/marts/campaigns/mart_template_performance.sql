{{
    config(
        unique_key=["sent_date", "template_key"],
        incremental_strategy="replace_groups",
        pre_hook="{{ lock_model(ref('fct_email_messages')) }}",
        post_hook="{{ end_following_messages() }}",
    )
}}

with

    messages as ({{ message_changes() }}),

    changes as (

        select sent_date, template_key, {{ sum_messages() }}
        from messages
        group by sent_date, template_key

    ),

    totals as (

        {{
            add_to_totals(
                "changes",
                ["sent_date", "template_key"],
                also="not is_mature and " ~ is_mature("sent_date"),
            )
        }}

    ),

    final as (

        select
            sent_date,
            template_key,
            {{ counter_names() | join(", ") }},
            {{ message_rates() }},
            {{ is_mature("sent_date") }} as is_mature

        from totals

    )

select *
from final
