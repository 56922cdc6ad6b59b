{#
    On what a mail was opened or a link clicked, by the user agent: as SendGrid's own device statistics divide it. The
    image proxies of mailbox providers are `webmail`: they hide the device and load an image when the person opens. What
    loads images by itself (Apple Mail Privacy Protection) is no device: see device_family in docs/metrics.md.
#}
{% macro device_family(useragent) -%}
    case
        when coalesce({{ useragent }}, '') = ''
        then 'unknown'
        when
            {{
                contains_one_of(
                    useragent, ["googleimageproxy", "ggpht.com", "yahoomailproxy"]
                )
            }}
        then 'webmail'
        when {{ contains_one_of(useragent, ["ipad", "tablet", "kindle", "silk/"]) }}
        then 'tablet'
        when
            {{ contains_one_of(useragent, ["android"]) }}
            and not {{ contains_one_of(useragent, ["mobile"]) }}
        then 'tablet'
        when
            {{
                contains_one_of(
                    useragent,
                    ["iphone", "ipod", "android", "mobile", "windows phone"],
                )
            }}
        then 'mobile'
        when
            {{
                contains_one_of(
                    useragent,
                    [
                        "windows nt",
                        "macintosh",
                        "x11",
                        "linux",
                        "outlook",
                        "thunderbird",
                    ],
                )
            }}
        then 'desktop'
        else 'other'
    end
{%- endmacro %}

{# Whether a text contains one of these pieces, whatever its case. #}
{% macro contains_one_of(text, pieces) -%}
    (
        {%- for piece in pieces %}
            position('{{ piece }}' in lower({{ text }})) > 0 {{ "or" if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{# A moment and the device at it as one text, whose smallest is the earliest; device_at takes the device out of it. #}
{% macro moment_and_device(moment, useragent) -%}
    to_char({{ moment }} at time zone 'utc', 'YYYYMMDDHH24MISSUS')
    || ' '
    || {{ device_family(useragent) }}
{%- endmacro %}

{# The device in what moment_and_device made. #}
{% macro device_at(moment_and_device) -%}
    split_part({{ moment_and_device }}, ' ', 2)
{%- endmacro %}
