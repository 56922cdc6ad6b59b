{#
    Clicks, each with a score for how likely a mail scanner and not the recipient made it. Every rule looks only at
    events of the click's own message: a click is judged the same whenever and in whatever order it is looked at.
    (Many recipients behind one address are no rule: offices and VPNs look like that too, and it would make the verdict
    on one click change because of somebody else's.)

    clicks: the CTE of the clicks to score
    events: a relation that holds at least all events of their messages
#}
{% macro scored_clicks(clicks, events) -%}
    select
        clicks.*,
        circumstances.delivered_at,
        {{ is_at_delivery() }} as is_at_delivery,
        bursts.event_key is not null as is_burst,
        agents.useragent is not null as is_automatic_agent,
        {{ is_unsubscribed_at_once() }} as is_unsubscribed_at_once,
        {{ bot_score() }} as bot_score,
        {{ bot_score() }} >= {{ var("bot_score_threshold") }}
        or ({{ is_at_delivery() }} and not {{ is_engaged_later() }}) as is_bot_click

    from {{ clicks }} as clicks
    inner join
        (
            select
                *,
                {{
                    message_key(
                        "of_message.sg_message_id", "of_message.recipient_key"
                    )
                }} as message_key

            from
                (
                    select
                        sg_message_id,
                        recipient_key,
                        min(
                            case when event = 'delivered' then event_at end
                        ) as delivered_at,
                        max(
                            case
                                when event <> 'delivered' and not is_machine_open
                                then event_at
                            end
                        ) as last_engaged_at,
                        array_agg(event_at) filter (
                            where event in ('unsubscribe', 'group_unsubscribe')
                        ) as unsubscribed_at

                    from {{ events }} as events
                    where
                        sg_message_id in (select sg_message_id from {{ clicks }})
                        and event in (
                            'delivered',
                            'open',
                            'click',
                            'unsubscribe',
                            'group_unsubscribe'
                        )
                    group by sg_message_id, recipient_key
                ) as of_message
        ) as circumstances
        on clicks.message_key = circumstances.message_key
    left join
        (
            select one.event_key
            from {{ clicks }} as one
            inner join
                {{ clicks }} as other
                on one.message_key = other.message_key
                and other.event_at
                between one.event_at
                - interval '{{ var("bot_burst_seconds") }} seconds' and one.event_at
                + interval '{{ var("bot_burst_seconds") }} seconds'
            group by one.event_key
            having count(distinct other.link_url) >= {{ var("bot_burst_links") }}
        ) as bursts
        on clicks.event_key = bursts.event_key
    left join
        (
            select distinct seen.useragent
            from (select distinct useragent from {{ clicks }}) as seen
            inner join
                {{ ref("bot_user_agents") }} as automatic
                on position(automatic.pattern in lower(seen.useragent)) > 0
        ) as agents
        on clicks.useragent = agents.useragent
{%- endmacro %}

{# Rule: the click came before the delivery or within seconds of it. #}
{% macro is_at_delivery() -%}
    coalesce(
        clicks.event_at
        <= circumstances.delivered_at
        + interval '{{ var("bot_seconds_after_delivery") }} seconds',
        false
    )
{%- endmacro %}

{# Whether a person gave a sign after that. #}
{% macro is_engaged_later() -%}
    coalesce(
        circumstances.last_engaged_at
        > circumstances.delivered_at
        + interval '{{ var("bot_seconds_after_delivery") }} seconds',
        false
    )
{%- endmacro %}

{# Rule: an unsubscribe followed within seconds. #}
{% macro is_unsubscribed_at_once() -%}
    exists (
        select 1
        from unnest(circumstances.unsubscribed_at) as unsubscribed(event_at)
        where
            unsubscribed.event_at
            between clicks.event_at and clicks.event_at
            + interval '{{ var("bot_unsubscribe_seconds") }} seconds'
    )
{%- endmacro %}

{#
    One point for each rule. Two decide alone: a user agent that no browser has, and a sweep, since scanners come with
    anybody's user agent, and most of them half a minute or more after the delivery.
#}
{% macro bot_score() -%}
    (
        case when {{ is_at_delivery() }} then 1 else 0 end
        + case when bursts.event_key is not null then 2 else 0 end
        + case when agents.useragent is not null then 2 else 0 end
        + case when {{ is_unsubscribed_at_once() }} then 1 else 0 end
    )
{%- endmacro %}
