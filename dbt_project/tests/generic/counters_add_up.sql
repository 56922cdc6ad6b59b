{# What the counters of a mart of messages owe each other: parts make a whole, and no part exceeds it. #}
{% test counters_add_up(model) %}

    select *
    from {{ model }}
    where
        requested <> sent + dropped
        or bounced <> hard_bounced + soft_bounced + blocked
        or dropped
        <> dropped_bounced
        + dropped_unsubscribed
        + dropped_spam_reporting
        + dropped_invalid
        + dropped_other
        or delivered + bounced > sent
        or opened_any <> opened_human + opened_machine_only
        or opened_any > delivered
        or clicked_human > clicked_any
        or clicked_human > opened_human
        or clicked_any > delivered
        or spam_reported > delivered
        or spam_reported_with_feedback > least(spam_reported, delivered_with_feedback)
        or messages < requested
        or least(
            messages,
            requested,
            dropped,
            sent,
            delivered,
            bounced,
            opened_any,
            clicked_any,
            total_opens
        )
        < 0

{% endtest %}
