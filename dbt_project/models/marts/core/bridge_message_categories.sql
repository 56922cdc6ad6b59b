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

    messages as (

        select message_key, categories, sent_date, recipient_key, campaign_key
        from ({{ changed_messages() }}) as changed

    ),

    -- A message without categories comes with an empty one, so that those that it had
    -- go; the empty one is not kept.
    final as (

        select distinct
            messages.message_key,
            {{ bounded("coalesce(named.category, '')") }} as category,
            messages.sent_date,
            messages.recipient_key,
            messages.campaign_key
        from messages
        left join lateral unnest(messages.categories) as named(category) on true

    )

select *
from final
{% if not follows_messages() %} where category <> '' {% endif %}
