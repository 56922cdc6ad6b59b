{{
    config(
        unique_key=["message_key", "category"],
        incremental_strategy="replace_groups",
        meta={"replaces": ["message_key"], "keeps": "category <> ''"},
        pre_hook="{{ lock_model(ref('fct_email_messages')) }}",
        post_hook="{{ end_following_messages() }}",
        indexes=[{"columns": ["category", "sent_date"]}],
    )
}}

with

    -- As they are now: a message may have changed several times since the last update.
    changed as (select distinct message_key from ({{ message_changes() }}) as changes),

    messages as (

        select *
        from {{ ref("fct_email_messages") }}
        where message_key in (select message_key from changed)

    ),

    -- A message without categories comes with an empty one, so that those that it had
    -- go; the empty one is not kept.
    final as (

        select distinct
            messages.message_key,
            coalesce(named.category, '') as category,
            messages.sent_date,
            messages.recipient_key,
            messages.campaign_key
        from messages
        left join lateral unnest(messages.categories) as named(category) on true

    )

select *
from final
{% if not follows_messages() %} where category <> '' {% endif %}
