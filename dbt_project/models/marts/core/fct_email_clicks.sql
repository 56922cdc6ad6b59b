{{
    config(
        unique_key="event_key",
        incremental_strategy="replace_groups",
        pre_hook=[
            "{{ lock_model(ref('fct_email_messages')) }}",
            "{{ join_by_hash() }}",
        ],
        post_hook="{{ end_following_messages() }}",
        indexes=[
            {"columns": ["sent_date", "campaign_key"]},
            {"columns": ["message_key"]},
        ],
    )
}}

with

    messages as (

        select * from ({{ changed_messages() }}) as changed where click_count > 0

    ),

    {% if follows_messages() %} events as ({{ events_of("messages") }}),

    {% else %}

        events as not materialized(

            select * from {{ ref("activity") }} where is_counted and sg_message_id <> ''

        ),

    {% endif %}

    clicks as (select * from events where event = 'click'),

    judged as ({{ scored_clicks("clicks", "events") }}),

    final as (

        select
            judged.event_key,
            judged.message_key,
            judged.event_at,
            judged.event_date,
            messages.sent_date,
            messages.recipient_key,
            messages.recipient_domain,
            messages.mailbox_provider,
            messages.stream,
            messages.campaign_key,
            messages.ab_variation,
            judged.url,
            coalesce(judged.link_url, 'none') as link_url,
            judged.url_offset_index as link_position,
            judged.url_offset_type as link_content_type,
            judged.ip,
            judged.useragent,
            {{ seconds_between("judged.delivered_at", "judged.event_at") }}
            as seconds_since_delivery,
            judged.is_at_delivery,
            judged.is_burst,
            judged.is_automatic_agent,
            judged.is_unsubscribed_at_once,
            judged.bot_score,
            judged.is_bot_click

        from judged
        inner join messages on judged.message_key = messages.message_key

    )

select *
from final
