{#
    What a sign is worth on a day: it halves every 30 days, in steps, and is nothing after 180. In steps, so
    that only the messages whose step it is have to be looked at on a day (see sums_of_time_passed).
#}
{% macro decayed(weight, moment, day) -%}
    {%- set age -%}
        greatest({{ day }} - cast({{ moment }} at time zone 'utc' as date), 0)
    {%- endset -%}
    case
        when {{ moment }} is null
        then 0
        when {{ age }} >= 180
        then 0
        else {{ weight }} * {{ halved(age ~ " / 30") }}
    end
{%- endmacro %}

{# A half to a whole power. In floating point, which has it exactly and adds it up exactly, in a sixth of the time. #}
{% macro halved(times) -%}
    power(cast(0.5 as double precision), {{ times }})
{%- endmacro %}

{# Whether a message was delivered after the last sign of a person. #}
{% macro is_delivered_since(messages, recipients) -%}
    {{ messages }}.is_delivered
    and (
        {{ recipients }}.last_engaged_at is null
        or {{ messages }}.sent_at > {{ recipients }}.last_engaged_at
    )
{%- endmacro %}

{#
    How much a recipient still listens. `today` is the day that the dates are compared with.
    r: a relation with is_suppressed, first_sent_date, last_human_click_date, last_engaged_date, delivered
#}
{% macro engagement_tier(r, today) -%}
    case
        when {{ r }}.is_suppressed
        then 'suppressed'
        when {{ today }} - {{ r }}.first_sent_date < {{ var("tier_new_days") }}
        then 'new'
        when
            {{ today }} - {{ r }}.last_human_click_date
            <= {{ var("tier_active_click_days") }}
        then 'active'
        when
            {{ today }} - {{ r }}.last_engaged_date
            <= {{ var("tier_active_open_days") }}
        then 'active'
        when {{ today }} - {{ r }}.last_engaged_date <= {{ var("tier_lapsing_days") }}
        then 'lapsing'
        when {{ today }} - {{ r }}.last_engaged_date <= {{ var("tier_lapsed_days") }}
        then 'lapsed'
        when {{ r }}.last_engaged_date is not null
        then 'dormant'
        when {{ r }}.delivered >= {{ var("tier_judged_after_messages") }}
        then 'never'
        else 'new'
    end
{%- endmacro %}

{# The days on which a tier or recency score may change although nothing happens; null for those that are past. #}
{% macro next_tier_change(r) -%}
    least(
        {{ if_future(r ~ ".first_sent_date + " ~ var("tier_new_days")) }},
        {{
            if_future(
                r ~ ".last_human_click_date + " ~ (var("tier_active_click_days") + 1)
            )
        }},
        {{
            if_future(
                r ~ ".last_engaged_date + " ~ (var("tier_active_open_days") + 1)
            )
        }},
        {{ if_future(r ~ ".last_engaged_date + " ~ (var("tier_lapsing_days") + 1)) }},
        {{ if_future(r ~ ".last_engaged_date + " ~ (var("tier_lapsed_days") + 1)) }},
        {{ if_future(r ~ ".last_engaged_date + 8") }}
    )
{%- endmacro %}

{# The day if it is yet to come, else null. #}
{% macro if_future(day) -%}
    case when {{ day }} > {{ as_of() }} then {{ day }} end
{%- endmacro %}

{# Five steps by fixed limits and not by quintiles: one recipient's score must not change with another's clicks. #}
{% macro recency_score(last_engaged_date) -%}
    case
        when {{ as_of() }} - {{ last_engaged_date }} <= 7
        then 5
        when
            {{ as_of() }} - {{ last_engaged_date }}
            <= {{ var("tier_active_open_days") }}
        then 4
        when {{ as_of() }} - {{ last_engaged_date }} <= {{ var("tier_lapsing_days") }}
        then 3
        when {{ as_of() }} - {{ last_engaged_date }} <= {{ var("tier_lapsed_days") }}
        then 2
        else 1
    end
{%- endmacro %}

{# One to five by how many messages of the last 90 days the recipient opened. #}
{% macro frequency_score(engaged_messages) -%}
    case
        when {{ engaged_messages }} >= 8
        then 5
        when {{ engaged_messages }} >= 4
        then 4
        when {{ engaged_messages }} >= 2
        then 3
        when {{ engaged_messages }} >= 1
        then 2
        else 1
    end
{%- endmacro %}

{# One to five by the engagement score. #}
{% macro depth_score(engagement_score) -%}
    case
        when {{ engagement_score }} >= 60
        then 5
        when {{ engagement_score }} >= 40
        then 4
        when {{ engagement_score }} >= 20
        then 3
        when {{ engagement_score }} > 0
        then 2
        else 1
    end
{%- endmacro %}
