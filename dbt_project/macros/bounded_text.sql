{#
    A text that fits into an index: longer ones (more than 1,000 bytes, or fewer where a grain has many texts) are cut, and end
    in a hash of the whole, so that different texts stay different. An index entry of Postgres takes 2,704 bytes, and one
    long link must not stop a build. The whole value stays in the event. The sync cuts ids of objects by the same rule
    (warehouse/bounded_text.py), so that both can be joined.
    text: the expression
    of: the column that the text is made from, where making it costs something: a short one is looked at once
#}
{% macro bounded(text, bytes=1000, of=none) -%}
    case
        {%- if of %}
            when octet_length({{ of }}) <= {{ bytes // 2 }} then {{ text }}
        {%- endif %}
        when octet_length({{ text }}) <= {{ bytes }}
        then {{ text }}
        else left({{ text }}, {{ bytes // 5 }}) || '...' || md5({{ text }})
    end
{%- endmacro %}

{# What tells recipients apart: the address without blanks around it, in lower case. #}
{% macro recipient_key(email) -%}
    {{ bounded("nullif(lower(btrim(" ~ email ~ ")), '')", of=email) }}
{%- endmacro %}
