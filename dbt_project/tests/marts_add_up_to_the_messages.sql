{{ config(meta={"dagster": {"ref": {"name": "mart_email_overview_daily"}}}) }}

-- Marts are kept up to date by adding changes; this looks whether they still say what
-- the message fact says, for the
-- mail of the last days.
{% set marts = [
    "mart_email_overview_daily",
    "mart_domain_deliverability_daily",
    "mart_provider_deliverability_daily",
    "mart_ip_pool_deliverability_daily",
    "mart_template_performance",
] %}
{% set counters = [
    "messages",
    "sent",
    "delivered",
    "bounced",
    "opened_human",
    "clicked_human",
    "total_opens",
] %}

with

    messages as (

        select sent_date, {{ sum_messages(only=counters) }}
        from (select 1 as weight, * from {{ ref("fct_email_messages") }}) as facts
        where sent_date >= {{ as_of() }} - 2
        group by sent_date

    ),

    marts as (

        {% for mart in marts %}
            select
                '{{ mart }}' as mart,
                sent_date,
                {% for counter in counters %}
                    sum({{ counter }}) as {{ counter }}{{ ',' if not loop.last }}
                {% endfor %}
            from {{ ref(mart) }}
            where sent_date >= {{ as_of() }} - 2
            group by sent_date
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}

    )

select marts.mart, marts.sent_date
from marts
full outer join messages on marts.sent_date = messages.sent_date
where
    {% for counter in counters %}
        marts.{{ counter }}
        is distinct from messages.{{ counter }}{{ ' or' if not loop.last }}
    {% endfor %}
