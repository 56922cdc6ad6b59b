{# How far a message came. A later stage wins over an earlier one, whichever event arrived first. #}
{% macro funnel_rank(messages) -%}
    case
        when {{ messages }}.spam_reported_at is not null
        then 9
        when {{ messages }}.opted_out_at is not null
        then 8
        when {{ messages }}.human_click_count > 0
        then 7
        when {{ messages }}.is_opened_human
        then 6
        when {{ messages }}.is_delivered
        then 5
        when {{ messages }}.is_bounced
        then 4
        when {{ messages }}.is_dropped
        then 3
        when {{ messages }}.first_deferred_at is not null
        then 2
        when {{ messages }}.is_requested
        then 1
        else 0
    end
{%- endmacro %}

{# The name of the stage that funnel_rank ranks. #}
{% macro funnel_stage(messages) -%}
    case
        {{ funnel_rank(messages) }}
        when 9
        then 'complained'
        when 8
        then 'unsubscribed'
        when 7
        then 'clicked'
        when 6
        then 'opened'
        when 5
        then 'delivered'
        when 4
        then 'bounced'
        when 3
        then 'dropped'
        when 2
        then 'deferred'
        when 1
        then 'processed'
        else 'unknown'
    end
{%- endmacro %}
