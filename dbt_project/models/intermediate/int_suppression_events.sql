{{
    config(
        unique_key="event_key",
        incremental_strategy="delete+insert",
        on_schema_change="append_new_columns",
        pre_hook=["{{ lock_model() }}", "{{ begin_following_loads() }}"],
        post_hook="{{ end_following_loads() }}",
        indexes=[
            {"columns": ["event_key"], "unique": true},
            {"columns": ["recipient_key"]},
            {"columns": ["event_at"]},
        ],
    )
}}

{%- set scope = update_scope() %}

-- The few events that put an address on a suppression list or take it off, so that
-- its history needs no look at the rest.
with

    activity as (select * from {{ ref("activity") }}),

    final as (

        select
            event_key,
            recipient_key,
            event_at,
            {{ suppression_type("activity") }} as suppression_type,
            case
                when event in ('group_unsubscribe', 'group_resubscribe')
                then coalesce(asm_group_id, 0)
                else 0
            end as asm_group_id,
            event = 'group_resubscribe' as is_end,
            case when event = 'bounce' then reason end as reason,
            campaign_key

        from activity
        where
            event in (
                'bounce',
                'spamreport',
                'unsubscribe',
                'group_unsubscribe',
                'group_resubscribe'
            )
            and {{ suppression_type("activity") }} is not null
            and recipient_key is not null
            and is_counted
            {% if scope != "everything" %} and {{ in_scope(scope) }} {% endif %}

    )

select *
from final
