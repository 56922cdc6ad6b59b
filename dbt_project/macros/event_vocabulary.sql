{# The event types that have a table of their own; everything else goes to `other_event`. #}
{% macro known_events() %}
    {{
        return(
            [
                "processed",
                "delivered",
                "deferred",
                "dropped",
                "bounce",
                "open",
                "click",
                "spamreport",
                "unsubscribe",
                "group_unsubscribe",
                "group_resubscribe",
                "account_status_change",
            ]
        )
    }}
{% endmacro %}
