{{ config(materialized="table", tags=["objects"]) }}

-- Events tell at once and SendGrid's lists tell for certain; both say the same thing
-- twice. So: every moment at which an
-- address was put on a list or taken off it, in order, and of these the ones that
-- changed something.
with

    events as (select * from {{ ref("int_suppression_events") }}),

    moments as (

        select
            recipient_key,
            suppression_type,
            asm_group_id,
            event_at as at,
            is_end,
            'event' as told_by,
            reason,
            campaign_key

        from events

        {% for list, how in suppression_lists().items() %}
            union all

            select
                {{ bounded("lower(btrim(email))", of="email") }},
                '{{ how.type }}',
                {{ how.group }},
                coalesce(created_at, first_seen_at),
                false,
                'list',
                {{ how.reason }},
                null
            from {{ source("sendgrid", list) }}

            union all

            select
                {{ bounded("lower(btrim(email))", of="email") }},
                '{{ how.type }}',
                {{ how.group }},
                deleted_at,
                true,
                'list',
                null,
                null
            from {{ source("sendgrid", list) }}
            where deleted_at is not null
        {% endfor %}

    ),

    turns as (

        select
            *,
            lag(is_end, 1, true) over (
                partition by recipient_key, suppression_type, asm_group_id
                order by at, is_end, told_by, campaign_key, reason
            ) as was_off

        from moments

    ),

    spans as (

        select
            *,
            lead(at) over (
                partition by recipient_key, suppression_type, asm_group_id
                order by at, is_end, told_by, campaign_key, reason
            ) as ended_at

        from turns
        where is_end <> was_off

    ),

    final as (

        select
            recipient_key,
            suppression_type,
            cast(asm_group_id as bigint) as asm_group_id,
            at as started_at,
            ended_at,
            ended_at is null as is_current,
            suppression_type <> 'group_unsubscribe' as is_account_wide,
            told_by,
            reason,
            campaign_key,
            {{ seconds_between("at", "ended_at") }} as seconds_in_force

        from spans
        where not is_end

    )

select *
from final
