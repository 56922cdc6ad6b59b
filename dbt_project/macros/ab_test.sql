{# By how much a rate is above the control's: 0.01 is one percentage point. There is one wherever both were delivered. #}
{% macro rate_difference(hits, trials, control_hits, control_trials) -%}
    cast(
        1.0 * {{ hits }} / nullif({{ trials }}, 0)
        - 1.0 * {{ control_hits }} / nullif({{ control_trials }}, 0) as numeric(12, 6)
    )
{%- endmacro %}

{# By how much a rate is above the control's rate, as a share of it: 0.1 is ten per cent better. None where the control has none. #}
{% macro lift(hits, trials, control_hits, control_trials) -%}
    cast(
        (1.0 * {{ hits }} / nullif({{ trials }}, 0))
        / nullif(1.0 * {{ control_hits }} / nullif({{ control_trials }}, 0), 0)
        - 1 as numeric(12, 6)
    )
{%- endmacro %}

{#
    How likely a difference at least this large is if the variation is as good as the control: the two-sided
    two-proportion z test, with the normal distribution by Abramowitz and Stegun 26.2.17 (error below 1e-7).
#}
{% macro p_value(hits, trials, control_hits, control_trials) -%}
    {%- set pooled -%}
        (1.0 * ({{ hits }} + {{ control_hits }}) / nullif({{ trials }} + {{ control_trials }}, 0))
    {%- endset -%}
    {%- set z -%}
        cast(
            abs(1.0 * {{ hits }} / nullif({{ trials }}, 0) - 1.0 * {{ control_hits }} / nullif({{ control_trials }}, 0))
            / nullif(sqrt({{ pooled }} * (1 - {{ pooled }}) * (1.0 / nullif({{ trials }}, 0) + 1.0 / nullif({{ control_trials }}, 0))), 0)
            as double precision
        )
    {%- endset -%}
    cast(
        case
            when {{ trials }} > 0 and {{ control_trials }} > 0
            -- where nobody did it, or everybody, there is no difference to explain
            then coalesce({{ p_of_z(z) }}, 1)
        end as numeric(12, 6)
    )
{%- endmacro %}

{# The two-sided p of a normal z; null for null. #}
{% macro p_of_z(z) -%}
    {%- set capped -%} case when {{ z }} < 30 then {{ z }} when {{ z }} >= 30 then 30 end {%- endset -%}
    {%- set t -%} (1 / (1 + 0.2316419 * ({{ capped }}))) {%- endset -%}
    cast(
        2
        * exp(- power(({{ capped }}), 2) / 2)
        / sqrt(2 * pi())
        * {{ t }}
        * (
            0.319381530
            + {{ t }}
            * (
                -0.356563782
                + {{ t }}
                * (1.781477937 + {{ t }} * (-1.821255978 + {{ t }} * 1.330274429))
            )
        ) as numeric(12, 6)
    )
{%- endmacro %}
