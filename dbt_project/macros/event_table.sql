{#
    The body of an event table: the columns that every event has, then those that only this type carries.
    An event table is a view straight over the raw table, so it can neither drift from `activity` nor be dropped with it.
#}
{% macro event_table(event, columns=[]) -%}
    with

        events as (select * from {{ ref("stg_sendgrid__events") }}),

        final as (

            select
                {{ event_table_columns() }}
                {%- for column in columns %} {{ column }}, {%- endfor %}
                custom_args {{ typed_custom_args("events") }}

            from events
            where event = '{{ event }}'

        )

    select *
    from final
{%- endmacro %}

{# The columns that an event table shows: those that its events can have. #}
{% macro event_table_columns() -%}
    event_key,
    message_key,
    recipient_key,
    sg_event_id,
    sg_message_id,
    smtp_id,
    event,
    event_at,
    event_date,
    received_at,
    load_id,
    is_copy,
    is_test_post,
    is_counted,
    email,
    recipient_domain,
    mailbox_provider,
    stream,
    campaign_type,
    campaign_key,
    campaign_name,
    template_key,
    ab_variation,
    phase_id,
    categories,
    asm_group_id,
    singlesend_id,
    singlesend_name,
    mc_auto_id,
    mc_auto_name,
    mc_auto_step_id,
    marketing_campaign_id,
    marketing_campaign_name,
    sg_template_id,
    sg_template_name,
    template_id,
    template_version_id,
{%- endmacro %}
