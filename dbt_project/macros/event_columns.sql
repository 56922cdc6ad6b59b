{# What a single event says about itself. Each macro is one definition, used by the events and by the message fact. #}
{% macro message_key(sg_message_id, recipient_key) -%}
    case
        when {{ sg_message_id }} <> ''
        then
            cast(
                md5(
                    {{ sg_message_id }} || ':' || coalesce({{ recipient_key }}, '')
                ) as uuid
            )
    end
{%- endmacro %}

{# What stands behind the @ of an address, in lower case. #}
{% macro domain_of(email) -%}
    {%- set domain -%}
        nullif(
            lower(
                btrim(
                    case
                        when {{ email }} like '%@%' then split_part({{ email }}, '@', -1)
                    end
                )
            ),
            ''
        )
    {%- endset -%}
    {{ bounded(domain, of=email) }}
{%- endmacro %}

{# SendGrid's "Test your integration" posts: always this address, and one made-up message id. #}
{% macro is_test_post(events) -%}
    (
        coalesce({{ events }}.email = 'example@test.com', false)
        or coalesce({{ events }}.sg_message_id like '14c5d75ce93.dfd.64b469.%', false)
    )
{%- endmacro %}

{# The same link with another query string (utm tags, recipient ids) is the same link. #}
{% macro url_without_query(url) -%}
    {{
        bounded(
            "nullif(split_part(split_part(" ~ url ~ ", '#', 1), '?', 1), '')",
            of=url,
        )
    }}
{%- endmacro %}

{#
    Hard: the address will never work. Block: this server refused this message. Soft: everything else.
    A seed says what a classification means; where it cannot tell, the SMTP status does (5.1.1, or 550).
#}
{% macro bounce_class(events, classified) -%}
    case
        when {{ events }}.type = 'blocked'
        then 'block'
        when {{ events }}.type = 'expired'
        then 'soft'
        when {{ classified }} in ('hard', 'soft')
        then {{ classified }}
        when {{ events }}.status like '5%'
        then 'hard'
        else 'soft'
    end
{%- endmacro %}

{# SendGrid names seven reasons for a drop; the text stays in `reason`, this is the family it belongs to. #}
{% macro drop_family(reason) -%}
    case
        when lower({{ reason }}) like 'bounced%'
        then 'bounced'
        when lower({{ reason }}) like 'unsubscribed%'
        then 'unsubscribed'
        when lower({{ reason }}) like 'spam reporting%'
        then 'spam_reporting'
        when lower(btrim({{ reason }})) in ('invalid', 'invalid address')
        then 'invalid'
        else 'other'
    end
{%- endmacro %}

{# Columns `arg_…` that the settings added to the raw table; none while dbt parses. #}
{% macro typed_custom_args(events) -%}
    {%- if execute -%}
        {%- set raw = api.Relation.create(
            database=target.database,
            schema=target.schema ~ "_raw",
            identifier="events",
        ) -%}
        {%- for column in get_columns_in_relation(raw) if column.name.startswith("arg_") %}
            , {{ events }}.{{ adapter.quote(column.name) }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# What a server said, without addresses, links, ids and numbers, so that the same answer is the same text. #}
{% macro reason_without_particulars(reason) -%}
    coalesce(
        nullif(
            left(
                btrim(
                    regexp_replace(
                        regexp_replace(
                            regexp_replace(
                                regexp_replace(
                                    lower({{ reason }}),
                                    '[a-z][a-z0-9+.-]*://\S+|\S+@\S+|\[[^]]*\]|<[^>]*>',
                                    ' ',
                                    'g'
                                ),
                                '\m\S*\d\S*\M',
                                ' ',
                                'g'
                            ),
                            '\s+',
                            ' ',
                            'g'
                        ),
                        -- what the particulars leave of brackets and before commas
                        '\s*\(\s*\)|\s+(?=[,.;:])',
                        '',
                        'g'
                    )
                ),
                160
            ),
            ''
        ),
        'none'
    )
{%- endmacro %}
