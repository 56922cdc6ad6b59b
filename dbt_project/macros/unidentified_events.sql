{#
    Finds the message of events that carry no message id: bounces that a server reported later (SendGrid leaves the id
    out), now and then an unsubscribe. Of the recipient's messages of the days before, the one with the same SMTP id comes
    first; then, for what can only follow a delivery, the latest one. What fits nowhere stays without a message.

    Gives the CTEs `unidentified`, `candidates` and `matched`: these events, with `matched_id`, the message id that they
    get, and `matched_by`. In an incremental update two more: `new_messages`, which have new events, and
    `disputed_messages`, which may win or lose an event because of the new ones.

    Expects the CTE `identified` (everything) or `new_events` (incremental); `activity` is where further events are.
#}
{% macro unidentified_events(scope, activity) -%}
    {%- set days = var("unidentified_match_days") -%}

    {%- if scope == "everything" -%}

        unidentified as (

            select *
            from {{ activity }}
            where
                is_counted
                and (sg_message_id is null or sg_message_id = '')
                and recipient_key is not null

        ),

        candidates as (

            select
                sg_message_id,
                recipient_key,
                max(smtp_id) as smtp_id,
                min(event_at) as first_event_at

            from identified
            where recipient_key in (select recipient_key from unidentified)
            group by sg_message_id, recipient_key

        ),

    {%- else -%}

        new_messages as (

            select
                seen.sg_message_id,
                seen.recipient_key,
                greatest(seen.smtp_id, known.smtp_id) as smtp_id,
                least(seen.first_event_at, known.first_event_at) as first_event_at,
                known.message_key is null as is_unknown

            from
                (
                    select
                        sg_message_id,
                        recipient_key,
                        max(smtp_id) as smtp_id,
                        min(event_at) as first_event_at
                    from new_events
                    where sg_message_id <> ''
                    group by sg_message_id, recipient_key
                ) as seen
            left join
                lateral(
                    select message_key, smtp_id, first_event_at
                    from {{ this }} as of_key
                    where
                        of_key.message_key
                        = {{ message_key("seen.sg_message_id", "seen.recipient_key") }}
                    offset 0
                ) as known
                on true

        ),

        -- No match can change that involves only older events than these.
        earliest as (

            select
                least(
                    (select min(first_event_at) from new_messages),
                    (
                        select min(event_at)
                        from new_events
                        where sg_message_id is null or sg_message_id = ''
                    )
                ) as event_at

        ),

        unidentified as (

            select *
            from {{ activity }}
            where
                is_counted
                and (sg_message_id is null or sg_message_id = '')
                and recipient_key in (select recipient_key from new_events)
                and event_at
                >= (select event_at from earliest) - interval '{{ days }} days'

        ),

        candidates as (

            select sg_message_id, recipient_key, smtp_id, first_event_at
            from new_messages
            where recipient_key in (select recipient_key from unidentified)

            union all

            select
                known.sg_message_id,
                known.recipient_key,
                known.smtp_id,
                known.first_event_at
            from (select distinct recipient_key from unidentified) as nameless
            cross join {{ messages_of("nameless", this) }} as known
            where
                (known.sg_message_id, known.recipient_key) not in (
                    select sg_message_id, recipient_key
                    from new_messages
                    where recipient_key is not null
                )

        ),

        disputed_messages as (

            select distinct
                candidates.sg_message_id,
                candidates.recipient_key,
                candidates.first_event_at

            from candidates
            inner join
                unidentified
                on candidates.recipient_key = unidentified.recipient_key
                and {{ may_belong_together(days) }}
            where unidentified.event_at >= (select event_at from earliest)

        ),

    {%- endif %}

    matched as (

        select *
        from
            (
                select
                    unidentified.*,
                    candidates.sg_message_id as matched_id,
                    case
                        when candidates.smtp_id = unidentified.smtp_id
                        then 'smtp_id'
                        else 'recipient_and_time'
                    end as matched_by,
                    row_number() over (
                        partition by unidentified.event_key
                        order by
                            coalesce(
                                candidates.smtp_id = unidentified.smtp_id, false
                            ) desc,
                            candidates.first_event_at desc,
                            candidates.sg_message_id
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

{# Whether a message is recent enough for an event without an id to be its. #}
{% macro may_belong_together(days) -%}
    candidates.first_event_at <= unidentified.event_at
    and candidates.first_event_at >= unidentified.event_at - interval '{{ days }} days'
{%- endmacro %}
