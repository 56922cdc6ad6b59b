{#
    The body of an object collection: the rows that SendGrid still has, as it last described them. All columns, so that a
    view that is built again has those that came since (custom fields become columns of recipients).
#}
{% macro present_objects(name) -%}
    select * from {{ source("sendgrid", name) }} where deleted_at is null
{%- endmacro %}

{# Every column of a raw table but some, each with the prefix of its relation; none while dbt parses. #}
{% macro columns_except(name, left_out, prefix) -%}
    {%- if execute -%}
        {%- for column in get_columns_in_relation(source("sendgrid", name)) if column.name not in left_out -%}
            {{ prefix }}.{{ adapter.quote(column.name) }}{{ ", " if not loop.last }}
        {%- endfor -%}
    {%- else -%} {{ prefix }}.*
    {%- endif -%}
{%- endmacro %}
