{#
    Finds the message of events that carry no message id: bounces that a server reported later (SendGrid leaves the id
    out), now and then an unsubscribe. The message with the same SMTP id comes first, then, for what can only follow a
    delivery, the latest message to the same recipient in the days before. What fits nowhere stays without a message.

    Gives the CTEs `unidentified`, `candidates` and `matched` (the events, with `matched_key` and `matched_by`). In an
    incremental update two more: `new_messages`, which have new events, and `disputed_messages`, which may win or
    lose an event because of the new ones.

    Expects the CTE `identified` (everything) or `new_events` (incremental).
#}
{% macro unidentified_events(scope) -%}
    {%- set days = var("unidentified_match_days") -%}

    {%- if scope == "everything" -%}

        unidentified as (

            select *
            from {{ ref("activity") }}
            where is_counted and message_key is null and recipient_key is not null

        ),

        candidates as (

            select
                message_key,
                max(recipient_key) as recipient_key,
                max(smtp_id) as smtp_id,
                min(event_at) as first_event_at

            from identified
            where recipient_key in (select recipient_key from unidentified)
            group by message_key

        ),

        {{ match_unidentified_events(days) }}

    {%- else -%}

        new_messages as (

            select
                new_events.message_key,
                max(new_events.sg_message_id) as sg_message_id,
                max(new_events.recipient_key) as recipient_key,
                greatest(max(new_events.smtp_id), max(known.smtp_id)) as smtp_id,
                least(
                    min(new_events.event_at), min(known.first_event_at)
                ) as first_event_at

            from new_events
            left join {{ this }} as known on new_events.message_key = known.message_key
            where new_events.message_key is not null
            group by new_events.message_key

        ),

        -- No match can change that involves only older events than these.
        earliest as (

            select
                least(
                    (select min(first_event_at) from new_messages),
                    (select min(event_at) from new_events where message_key is null)
                ) as event_at

        ),

        unidentified as (

            select *
            from {{ ref("activity") }}
            where
                is_counted
                -- as the index on the message id can answer it
                and (sg_message_id is null or sg_message_id = '')
                and recipient_key in (select recipient_key from new_events)
                and event_at
                >= (select event_at from earliest) - interval '{{ days }} days'

        ),

        candidates as (

            select message_key, sg_message_id, recipient_key, smtp_id, first_event_at
            from new_messages
            where recipient_key in (select recipient_key from unidentified)

            union all

            select message_key, sg_message_id, recipient_key, smtp_id, first_event_at
            from {{ this }}
            where
                recipient_key in (select recipient_key from unidentified)
                and message_key not in (select message_key from new_messages)

        ),

        disputed_messages as (

            select distinct
                candidates.message_key,
                candidates.sg_message_id,
                candidates.first_event_at

            from candidates
            inner join
                unidentified
                on candidates.recipient_key = unidentified.recipient_key
                and {{ may_belong_together(days) }}
            where unidentified.event_at >= (select event_at from earliest)

        ),

        {{ match_unidentified_events(days) }}

    {%- endif -%}
{%- endmacro %}

{% macro may_belong_together(days) -%}
    candidates.first_event_at <= unidentified.event_at
    and candidates.first_event_at >= unidentified.event_at - interval '{{ days }} days'
{%- endmacro %}

{% macro match_unidentified_events(days) -%}
    matched as (

        select *
        from
            (
                select
                    unidentified.*,
                    candidates.message_key as matched_key,
                    case
                        when candidates.smtp_id = unidentified.smtp_id
                        then 'smtp_id'
                        else 'recipient_and_time'
                    end as matched_by,
                    row_number() over (
                        partition by unidentified.event_at, unidentified.event_key
                        order by
                            coalesce(
                                candidates.smtp_id = unidentified.smtp_id, false
                            ) desc,
                            candidates.first_event_at desc,
                            candidates.message_key
                    ) as choice

                from unidentified
                inner join
                    candidates
                    on unidentified.recipient_key = candidates.recipient_key
                    and {{ may_belong_together(days) }}
                where
                    candidates.smtp_id = unidentified.smtp_id
                    or unidentified.event in (
                        'bounce',
                        'spamreport',
                        'unsubscribe',
                        'group_unsubscribe',
                        'group_resubscribe'
                    )
            ) as choices
        where choice = 1

    )
{%- endmacro %}
