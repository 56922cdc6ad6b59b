{#
    Which campaign a message belongs to. SendGrid knows single sends, automations and, in old accounts, campaigns and
    newsletters. Mail sent through the API has none: its template, or else its first category, takes the place.
    `r` is the relation that holds the columns of an event.
#}
{% macro campaign_type(r) -%}
    case
        when {{ r }}.singlesend_id <> ''
        then 'single_send'
        when {{ r }}.mc_auto_id <> ''
        then 'automation_step'
        when {{ r }}.marketing_campaign_id <> ''
        then 'campaign'
        when {{ r }}.newsletter_id <> ''
        then 'newsletter'
        when {{ template_id(r) }} is not null
        then 'template'
        when {{ first_category(r) }} is not null
        then 'category'
        else 'none'
    end
{%- endmacro %}

{# The campaign of a message as one text: its type and SendGrid's id, the template or the category. #}
{% macro campaign_key(r) -%}
    case
        when {{ r }}.singlesend_id <> ''
        then 'single_send:' || {{ bounded(r ~ ".singlesend_id") }}
        when {{ r }}.mc_auto_id <> ''
        then
            {{
                bounded(
                    "'automation_step:' || " ~ r ~ ".mc_auto_id || ':' || "
                    "coalesce(" ~ r ~ ".mc_auto_step_id, '')"
                )
            }}
        when {{ r }}.marketing_campaign_id <> ''
        then 'campaign:' || {{ bounded(r ~ ".marketing_campaign_id") }}
        when {{ r }}.newsletter_id <> ''
        then 'newsletter:' || {{ bounded(r ~ ".newsletter_id") }}
        when {{ template_id(r) }} is not null
        then 'template:' || {{ template_key(r) }}
        when {{ first_category(r) }} is not null
        then 'category:' || {{ bounded(first_category(r)) }}
        else 'none'
    end
{%- endmacro %}

{#
    The name of the campaign as the event carries it. A template's name is in no event (sg_template_name is that of its
    version, "Untitled Version" more often than not): it comes from SendGrid's templates, and where it is not known the
    template's id takes its place.
    r: the relation that holds the columns of an event
    template_name: the template's name, where a relation beside `r` has it
#}
{% macro campaign_name(r, template_name=none) -%}
    case
        when {{ r }}.singlesend_id <> ''
        then {{ r }}.singlesend_name
        when {{ r }}.mc_auto_id <> ''
        then {{ r }}.mc_auto_name
        when {{ r }}.marketing_campaign_id <> ''
        then {{ r }}.marketing_campaign_name
        when {{ r }}.newsletter_id <> ''
        then {{ r }}.newsletter_id
        when {{ template_id(r) }} is not null
        then
            {% if template_name %} coalesce({{ template_name }}, {{ template_key(r) }})
            {%- else %} {{ template_key(r) }}
            {%- endif %}
        else {{ first_category(r) }}
    end
{%- endmacro %}

{# Who decides that a message goes out: a person planning a mailing, an automation, or a program. #}
{% macro stream(r) -%}
    case
        when {{ campaign_type(r) }} in ('single_send', 'campaign', 'newsletter')
        then 'marketing'
        when {{ campaign_type(r) }} = 'automation_step'
        then 'automation'
        else 'transactional'
    end
{%- endmacro %}

{# Id of the template, under whichever of its three names the event carries it. #}
{% macro template_id(r) -%}
    coalesce(
        nullif({{ r }}.template_id, ''),
        nullif({{ r }}.sg_template_id, ''),
        nullif({{ r }}.template, '')
    )
{%- endmacro %}

{# The same, short enough for an index. #}
{% macro template_key(r) -%} {{ bounded(template_id(r)) }} {%- endmacro %}

{# Single sends test variants as versions of a template, the old campaigns as A, B, … #}
{% macro ab_variation(r) -%}
    case
        when {{ r }}.marketing_campaign_id <> ''
        then {{ bounded("nullif(" ~ r ~ ".marketing_campaign_version, '')", 250) }}
        when {{ r }}.singlesend_id <> ''
        then
            {{
                bounded(
                    "coalesce(nullif(" ~ r ~ ".template_version_id, ''), "
                    "nullif(" ~ r ~ ".sg_template_id, ''), "
                    "nullif(" ~ r ~ ".template_id, ''))",
                    250,
                )
            }}
    end
{%- endmacro %}

{# The first of the categories; null where there is none. #}
{% macro first_category(r) -%} nullif({{ r }}.categories[1], '') {%- endmacro %}

{#
    The name of a campaign as people see it. All steps of an automation bear its name; the name of the mail's template
    tells them apart, and where there is none, the step's id.
    campaign: a relation with campaign_type, campaign_key, template_name
    name: the name of the campaign or automation
#}
{% macro step_or_campaign_name(campaign, name) -%}
    case
        when {{ campaign }}.campaign_type = 'automation_step'
        then
            case
                when starts_with(lower({{ campaign }}.template_name), lower({{ name }}))
                then {{ campaign }}.template_name
                else
                    {{ name }}
                    || ': '
                    || coalesce(
                        {{ campaign }}.template_name,
                        'step ' || split_part({{ campaign }}.campaign_key, ':', 3)
                    )
            end
        else {{ name }}
    end
{%- endmacro %}
