{# A rate that is null, and neither an error nor zero, where there is nothing to divide by. #}
{% macro rate(numerator, denominator) -%}
    cast(1.0 * {{ numerator }} / nullif({{ denominator }}, 0) as numeric(18, 6))
{%- endmacro %}

{# Every rate, from the counters of the same row; docs/metrics.md says what each means. #}
{% macro message_rates() -%}
    {{ rate("delivered", "sent") }} as delivery_rate,
    {{ rate("dropped", "requested") }} as drop_rate,
    {{ rate("bounced", "sent") }} as bounce_rate,
    {{ rate("hard_bounced", "sent") }} as hard_bounce_rate,
    {{ rate("soft_bounced", "sent") }} as soft_bounce_rate,
    {{ rate("blocked", "sent") }} as block_rate,
    {{ rate("deferred", "sent") }} as deferral_rate,
    {{ rate("opened_any", "delivered") }} as unique_open_rate_all,
    {{ rate("opened_human", "delivered") }} as unique_open_rate_human,
    {{ rate("opened_human", "(delivered - opened_machine_only)") }}
    as open_rate_mpp_adjusted,
    {{ rate("opened_machine_only", "opened_any") }} as machine_open_share,
    {{ rate("clicked_any", "delivered") }} as click_rate_all,
    {{ rate("clicked_human", "delivered") }} as click_rate_human,
    {{ rate("clicked_human", "opened_human") }} as click_to_open_rate,
    {{ rate("opted_out", "delivered") }} as unsubscribe_rate,
    {{ rate("spam_reported_with_feedback", "delivered_with_feedback") }}
    as complaint_rate,
    {{ rate("delivered_sendgrid", "requested") }} as delivery_rate_sendgrid,
    {{ rate("bounced_sendgrid", "delivered_sendgrid") }} as bounce_rate_sendgrid,
    {{ rate("opened_sendgrid", "delivered_sendgrid") }} as unique_open_rate_sendgrid,
    {{ rate("clicked_sendgrid", "delivered_sendgrid") }} as unique_click_rate_sendgrid,
    {{ rate("clicked_sendgrid", "opened_sendgrid") }} as click_to_open_rate_sendgrid
{%- endmacro %}

{# The median of a rate over a group; null where the group is empty. #}
{% macro median(column) -%}
    cast(percentile_cont(0.5) within group (order by {{ column }}) as numeric(18, 6))
{%- endmacro %}
