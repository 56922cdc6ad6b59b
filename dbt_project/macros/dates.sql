{# The UTC day that "today" means to the models; SENDGRID_AS_OF overrides it for tests and for looking back. #}
{% macro as_of() -%}
    {%- set named = env_var("SENDGRID_AS_OF", "") if execute else "" -%}
    {%- if named -%} cast('{{ named }}' as date)
    {%- else -%} cast(now() at time zone 'utc' as date)
    {%- endif -%}
{%- endmacro %}

{# The moment at which a UTC day begins. #}
{% macro utc_midnight(day) -%}
    (cast({{ day }} as timestamp) at time zone 'utc')
{%- endmacro %}

{# Whether the rates of a cohort have settled. #}
{% macro is_mature(sent_date) -%}
    ({{ sent_date }} <= {{ as_of() }} - {{ var("cohort_maturity_days") }})
{%- endmacro %}

{# Whole seconds from one moment to a later one; null where either is missing, 0 where the clocks disagree. #}
{% macro seconds_between(earlier, later) -%}
    case
        when {{ earlier }} is not null and {{ later }} is not null
        then
            cast(greatest(extract(epoch from {{ later }} - {{ earlier }}), 0) as bigint)
    end
{%- endmacro %}

{# A counter added up over the days from `nearest` to `farthest` days before the row's own, within its group. #}
{% macro rolling_sum(counter, group, nearest, farthest) -%}
    cast(
        coalesce(
            sum({{ counter }}) over (
                partition by {{ group }}
                order by
                    sent_date
                    range
                    between interval '{{ farthest }} days' preceding
                    and interval '{{ nearest }} days' preceding
            ),
            0
        ) as bigint
    )
{%- endmacro %}
