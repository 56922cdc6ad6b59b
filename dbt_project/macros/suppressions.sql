{# The list that an event puts its recipient on. A block suppresses nothing: SendGrid will try the next message. #}
{% macro suppression_type(events) -%}
    case
        when
            {{ events }}.event = 'bounce'
            and {{ events }}.bounce_class in ('hard', 'soft')
        then 'bounce'
        when {{ events }}.event = 'spamreport'
        then 'spam_report'
        when {{ events }}.event = 'unsubscribe'
        then 'global_unsubscribe'
        when {{ events }}.event in ('group_unsubscribe', 'group_resubscribe')
        then 'group_unsubscribe'
    end
{%- endmacro %}

{# SendGrid's own suppression lists, each with how its rows are called here. #}
{% macro suppression_lists() %}
    {{
        return(
            {
                "bounces": {"type": "bounce", "group": "0", "reason": "reason"},
                "invalid_emails": {
                    "type": "invalid_email",
                    "group": "0",
                    "reason": "reason",
                },
                "spam_reports": {
                    "type": "spam_report",
                    "group": "0",
                    "reason": "null",
                },
                "global_unsubscribes": {
                    "type": "global_unsubscribe",
                    "group": "0",
                    "reason": "null",
                },
                "unsubscribe_group_members": {
                    "type": "group_unsubscribe",
                    "group": "group_id",
                    "reason": "null",
                },
            }
        )
    }}
{% endmacro %}
