{#
    A percentile of the time to deliver, from how many messages took at most 10 s, 1 min, 10 min, 1 h and 6 h: straight
    between two of these limits, the upper limit beyond the last. Counts add up when messages change; exact percentiles
    would make every update sort the whole day again.
#}
{% macro seconds_to_deliver_percentile(share) -%}
    {%- set limits = [
        ("delivered_in_10s", 10),
        ("delivered_in_1m", 60),
        ("delivered_in_10m", 600),
        ("delivered_in_1h", 3600),
        ("delivered_in_6h", 21600),
    ] -%}
    cast(
        case
            when delivered_timed = 0
            then null
            {%- for counter, limit in limits %}
                    {%- set below = (
                        limits[loop.index0 - 1]
                        if not loop.first
                        else ("0", 0)
                    ) %}
                when {{ counter }} >= {{ share }} * delivered_timed
                then
                    {{ below[1] }}
                    + ({{ limit - below[1] }})
                    * ({{ share }} * delivered_timed - {{ below[0] }})
                    / nullif({{ counter }} - {{ below[0] }}, 0)
            {%- endfor %}
            else {{ limits[-1][1] }}
        end as numeric(12, 1)
    )
{%- endmacro %}

{#
    Where a complaint rate stands. `not_reported`: the provider tells nobody, so that no events prove nothing (Gmail:
    look into Postmaster Tools). `too_few`: one complaint would decide.
#}
{% macro complaint_status(provider, complaint_rate, delivered) -%}
    case
        when {{ complaint_rate }} is null
        then 'not_reported'
        when {{ delivered }} < {{ var("status_min_messages") }}
        then 'too_few'
        when {{ complaint_rate }} >= {{ var("complaint_rate_breach") }}
        then 'breach'
        when {{ complaint_rate }} >= {{ var("complaint_rate_warn") }}
        then 'warn'
        else 'ok'
    end
{%- endmacro %}

{# Whether mail gets through: the worst of what can keep it from doing so. #}
{% macro delivery_status() -%}
    case
        when sent < {{ var("status_min_messages") }}
        then 'too_few'
        when
            hard_bounce_rate >= {{ var("hard_bounce_rate_breach") }}
            or block_rate >= {{ var("block_rate_breach") }}
            or deferral_rate >= {{ var("deferral_rate_breach") }}
        then 'breach'
        when
            hard_bounce_rate >= {{ var("hard_bounce_rate_warn") }}
            or block_rate >= {{ var("block_rate_warn") }}
            or deferral_rate >= {{ var("deferral_rate_warn") }}
        then 'warn'
        else 'ok'
    end
{%- endmacro %}

{# What is the matter: the rate that is farthest over its limit. #}
{% macro delivery_problem() -%}
    case
        when {{ delivery_status() }} in ('too_few', 'ok')
        then 'none'
        when
            coalesce(block_rate, 0) / {{ var("block_rate_warn") }} >= greatest(
                coalesce(hard_bounce_rate, 0) / {{ var("hard_bounce_rate_warn") }},
                coalesce(deferral_rate, 0) / {{ var("deferral_rate_warn") }}
            )
        then 'blocked'
        when
            coalesce(hard_bounce_rate, 0) / {{ var("hard_bounce_rate_warn") }}
            >= coalesce(deferral_rate, 0) / {{ var("deferral_rate_warn") }}
        then 'hard_bounces'
        else 'deferrals'
    end
{%- endmacro %}
