{{
    config(
        unique_key=["sent_date", "stream", "device_family"],
        incremental_strategy="replace_groups",
        pre_hook="{{ lock_model(ref('fct_email_messages')) }}",
        post_hook="{{ end_following_messages() }}",
    )
}}

{% set grain = ["sent_date", "stream", "device_family"] %}
{% set counters = [
    "messages",
    "opened_any",
    "opened_human",
    "clicked_human",
    "opted_out",
    "spam_reported",
] %}

with

    messages as ({{ message_changes() }}),

    changes as (

        select sent_date, stream, device_family, {{ sum_messages(only=counters) }}
        from messages
        where device_family is not null
        group by sent_date, stream, device_family

    ),

    totals as ({{ add_to_totals("changes", grain, names=counters) }}),

    final as (

        select
            sent_date,
            stream,
            device_family,
            {{ counters | join(", ") }},
            {{ rate("clicked_human", "opened_human") }} as click_to_open_rate
        from totals

    )

select *
from final
