{#
    The counters that every mart of messages has, each with the messages it counts. A message is one copy for one
    recipient. Engagement counts delivered messages only, so that a numerator never leaves its denominator; the columns
    `…_sendgrid` count as SendGrid's own pages do.
#}
{% macro message_counters() %}
    {{
        return(
            {
                "messages": "true",
                "requested": "is_requested",
                "dropped": "is_dropped",
                "dropped_bounced": "is_dropped and drop_family = 'bounced'",
                "dropped_unsubscribed": "is_dropped and drop_family = 'unsubscribed'",
                "dropped_spam_reporting": "is_dropped and drop_family = 'spam_reporting'",
                "dropped_invalid": "is_dropped and drop_family = 'invalid'",
                "dropped_other": "is_dropped and drop_family = 'other'",
                "processed": "processed_at is not null",
                "sent": "is_sent",
                "deferred": "is_sent and is_deferred",
                "delivered": "is_delivered",
                "bounced": "is_sent and is_bounced",
                "hard_bounced": "is_sent and is_bounced and bounce_class= 'hard'",
                "soft_bounced": "is_sent and is_bounced and bounce_class= 'soft'",
                "blocked": "is_sent and is_bounced and bounce_class= 'block'",
                "opened_any": "is_delivered and is_opened",
                "opened_human": "is_delivered and is_opened_human",
                "opened_machine_only": "is_delivered and is_opened and not is_opened_human",
                "clicked_any": "is_delivered and is_clicked",
                "clicked_human": "is_delivered and is_clicked_human",
                "spam_reported": "is_delivered and is_spam_reported",
                "unsubscribed": "is_delivered and unsubscribed_at is not null",
                "group_unsubscribed": "is_delivered and group_unsubscribed_at is not null",
                "resubscribed": "is_delivered and resubscribed_at is not null",
                "opted_out": "is_delivered and is_opted_out",
                "delivered_with_feedback": "is_delivered and has_feedback_loop",
                "spam_reported_with_feedback": "is_delivered and is_spam_reported and has_feedback_loop",
                "engaged_without_delivery": "is_engaged_without_delivery",
                "delivered_sendgrid": "delivered_at is not null",
                "bounced_sendgrid": "is_bounced and bounce_class <> 'block'",
                "opened_sendgrid": "open_count > 0",
                "clicked_sendgrid": "click_count > 0",
            }
        )
    }}
{% endmacro %}

{# Counters that add up events and not messages. #}
{% macro event_counters() %}
    {{
        return(
            {
                "total_opens": "open_count",
                "total_human_opens": "human_open_count",
                "total_clicks": "click_count",
                "total_human_clicks": "human_click_count",
            }
        )
    }}
{% endmacro %}

{# How long the receiving server took; for the marts of deliverability. #}
{% macro delivery_time_counters() %}
    {{
        return(
            {
                "delivered_in_10s": "is_delivered and seconds_to_deliver <= 10",
                "delivered_in_1m": "is_delivered and seconds_to_deliver <= 60",
                "delivered_in_10m": "is_delivered and seconds_to_deliver <= 600",
                "delivered_in_1h": "is_delivered and seconds_to_deliver <= 3600",
                "delivered_in_6h": "is_delivered and seconds_to_deliver <= 21600",
                "delivered_timed": "is_delivered and seconds_to_deliver is not null",
            }
        )
    }}
{% endmacro %}

{# How long the recipient took; for the marts of campaigns. #}
{% macro response_time_counters() %}
    {{
        return(
            {
                "opened_human_in_1h": "is_delivered and is_opened_human and seconds_to_open <= 3600",
                "opened_human_in_24h": "is_delivered and is_opened_human and seconds_to_open <= 86400",
                "clicked_human_in_1h": "is_delivered and is_clicked_human and seconds_to_click <= 3600",
                "clicked_human_in_24h": "is_delivered and is_clicked_human and seconds_to_click <= 86400",
            }
        )
    }}
{% endmacro %}

{# Every counter of a mart by name; `more` names further groups of counters: delivery_time, response_time. #}
{% macro counter_names(more=[]) %}
    {%- set names = (
        message_counters().keys() | list + event_counters().keys() | list
    ) -%}
    {%- if "delivery_time" in more -%}
        {%- set names = names + delivery_time_counters().keys() | list -%}
    {%- endif -%}
    {%- if "response_time" in more -%}
        {%- set names = names + response_time_counters().keys() | list -%}
    {%- endif -%}
    {{ return(names) }}
{% endmacro %}

{# The counters as aggregates over weighted messages (see follow_messages.sql): all of them, or those named in `only`. #}
{% macro sum_messages(more=[], only=none) %}
    {%- set conditions = {} -%}
    {%- for counters in (
        message_counters(),
        delivery_time_counters(),
        response_time_counters(),
    ) -%}
        {%- do conditions.update(counters) -%}
    {%- endfor -%}
    {%- for name in only or counter_names(more) -%}
        {%- if name in conditions %}
            sum(case when {{ conditions[name] }} then weight else 0 end) as {{ name }}
        {%- else %} sum(weight * {{ event_counters()[name] }}) as {{ name }}
        {%- endif -%}
        {{ "," if not loop.last }}
    {%- endfor %}
{% endmacro %}

{#
    The new totals of the groups that `changes` (a CTE with the grain and the counters) touches: what this mart holds
    plus the changes. `also` adds further rows of this mart whose other columns are due.
#}
{% macro add_to_totals(changes, grain, more=[], also=none, names=none) -%}
    {%- set names = names or counter_names(more) -%}
    {%- if follows_messages() -%}
        select
            {{ grain | join(", ") }},
            {%- for name in names %}
                cast(sum({{ name }}) as bigint) as {{ name }}{{ "," if not loop.last }}
            {%- endfor %}
        from
            (
                select {{ grain | join(", ") }}, {{ names | join(", ") }}
                from {{ changes }}
                union all
                select {{ grain | join(", ") }}, {{ names | join(", ") }}
                from {{ this }}
                where
                    ({{ grain | join(", ") }})
                    in (select {{ grain | join(", ") }} from {{ changes }})
                    {%- if also %} or ({{ also }}){% endif %}
            ) as added
        group by {{ grain | join(", ") }}
    {%- else -%}
        select
            {{ grain | join(", ") }},
            {%- for name in names %}
                cast({{ name }} as bigint) as {{ name }}{{ "," if not loop.last }}
            {%- endfor %}
        from {{ changes }}
    {%- endif -%}
{%- endmacro %}
