{{
    config(
        unique_key="message_key",
        incremental_strategy="replace_messages",
        pre_hook=[
            "{{ lock_model() }}",
            "{{ begin_following_loads() }}",
            "{{ use_more_memory() }}",
            "{{ join_by_hash() if update_scope() != 'everything' }}",
        ],
        post_hook=[
            "{{ partial_indexes([['first_human_open_at', 'recipient_key'], ['first_human_click_at', 'recipient_key']]) }}",
            "{{ end_following_loads() }}",
        ],
        indexes=[
            {"columns": ["recipient_key", "sent_date", "first_human_open_at"]},
            {"columns": ["campaign_key", "sent_at"]},
            {
                "columns": [
                    "sent_date",
                    "recipient_key",
                    "is_sent",
                    "is_delivered",
                    "is_opened_human",
                    "is_clicked_human",
                ],
            },
        ],
    )
}}

{%- set scope = update_scope() %}

with

    activity as not materialized(

        select
            event_key,
            sg_message_id,
            recipient_key,
            recipient_domain,
            mailbox_provider,
            has_feedback_loop,
            smtp_id,
            event,
            event_at,
            event_date,
            load_id,
            is_counted,
            is_machine_open,
            ip,
            useragent,
            asm_group_id,
            categories,
            singlesend_id,
            singlesend_name,
            mc_auto_id,
            mc_auto_name,
            mc_auto_step_id,
            marketing_campaign_id,
            marketing_campaign_name,
            marketing_campaign_version,
            newsletter_id,
            template,
            template_id,
            template_version_id,
            sg_template_id,
            sg_template_name,
            phase_id,
            pool_name,
            status,
            reason,
            bounce_class,
            bounce_classification,
            drop_family,
            -- only a click needs them, and they are dear
            case when event = 'click' then message_key end as message_key,
            case when event = 'click' then link_url end as link_url
        from {{ ref("activity") }}

    ),

    {% if scope == "everything" %}

        -- The whole history is read several times rather than kept once.
        identified as not materialized(

            select * from activity where is_counted and sg_message_id <> ''

        ),

        {{ unidentified_events(scope, "activity") }},

    {% else %}

        new_events as (

            select * from activity where is_counted and {{ in_scope(scope) }}

        ),

        {{ unidentified_events(scope, "activity") }},

        touched as (

            select
                sg_message_id,
                recipient_key,
                min(first_event_at) as first_event_at,
                -- A message that no load before has told of has no other events than
                -- the new ones.
                bool_or(is_unknown and {{ scope == "loads" }}) as is_all_new
            from
                (
                    select sg_message_id, recipient_key, first_event_at, is_unknown
                    from new_messages
                    union all
                    select sg_message_id, recipient_key, first_event_at, false
                    from disputed_messages
                ) as either
            group by sg_message_id, recipient_key

        ),

        touched_again as (select * from touched where not is_all_new),

        identified as (

            select new_events.*
            from new_events
            inner join
                touched
                on new_events.sg_message_id = touched.sg_message_id
                and new_events.recipient_key is not distinct from touched.recipient_key
            where touched.is_all_new

            union all

            {{ events_of("touched_again", "activity") }}

        ),

    {% endif %}

    events as (

        select *, sg_message_id as matched_id, 'message_id' as matched_by, 1 as choice
        from identified
        union all
        select *
        from matched
        {% if scope != "everything" %}
            where
                (matched_id, recipient_key)
                in (select sg_message_id, recipient_key from touched)
        {% endif %}

    ),

    clicks as (select * from identified where event = 'click'),

    judged_clicks as ({{ scored_clicks("clicks", "identified") }}),

    clicks_by_message as (

        select
            message_key,
            count(distinct link_url) as unique_links,
            sum(case when is_bot_click then 0 else 1 end) as human_click_count,
            min(case when not is_bot_click then event_at end) as first_human_click_at,
            max(case when not is_bot_click then event_at end) as last_human_click_at,
            min(
                case
                    when not is_bot_click
                    then {{ moment_and_device("event_at", "useragent") }}
                end
            ) as first_human_click_on

        from judged_clicks
        group by message_key

    ),

    messages as (

        select
            matched_id as sg_message_id,
            recipient_key,
            max(case when matched_by = 'message_id' then smtp_id end) as smtp_id,
            max(recipient_domain) as recipient_domain,
            max(mailbox_provider) as mailbox_provider,
            bool_or(has_feedback_loop) as has_feedback_loop,

            -- what was sent; events of one message agree, but not every event says
            -- everything
            max(asm_group_id) as asm_group_id,
            max(categories) as categories,
            max(singlesend_id) as singlesend_id,
            max(singlesend_name) as singlesend_name,
            max(mc_auto_id) as mc_auto_id,
            max(mc_auto_name) as mc_auto_name,
            max(mc_auto_step_id) as mc_auto_step_id,
            max(marketing_campaign_id) as marketing_campaign_id,
            max(marketing_campaign_name) as marketing_campaign_name,
            max(marketing_campaign_version) as marketing_campaign_version,
            max(newsletter_id) as newsletter_id,
            max(template) as template,
            max(template_id) as template_id,
            max(template_version_id) as template_version_id,
            max(sg_template_id) as sg_template_id,
            max(sg_template_name) as sg_template_name,
            max(phase_id) as phase_id,
            max(pool_name) as pool_name,
            -- the sending address; that of an open or click is the recipient's
            max(
                case when event in ('delivered', 'deferred', 'bounce') then ip end
            ) as ip,

            -- when it reached each stage for the first time, in whatever order the
            -- events came
            min(event_at) as first_event_at,
            max(event_at) as last_event_at,
            min(
                case
                    when event in ('dropped', 'deferred', 'delivered', 'bounce')
                    then event_at
                end
            ) as first_response_at,
            min(case when event = 'processed' then event_at end) as processed_at,
            min(case when event = 'deferred' then event_at end) as first_deferred_at,
            min(case when event = 'delivered' then event_at end) as delivered_at,
            max(case when event = 'bounce' then event_at end) as bounced_at,
            min(case when event = 'dropped' then event_at end) as dropped_at,
            min(case when event = 'open' then event_at end) as first_open_at,
            min(case when is_machine_open then event_at end) as first_machine_open_at,
            min(
                case when event = 'open' and not is_machine_open then event_at end
            ) as first_direct_open_at,
            max(case when event = 'open' then event_at end) as last_open_at,
            max(
                case when event = 'open' and not is_machine_open then event_at end
            ) as last_direct_open_at,
            min(case when event = 'click' then event_at end) as first_click_at,
            min(
                case
                    when event = 'open' and not is_machine_open
                    then {{ moment_and_device("event_at", "useragent") }}
                end
            ) as first_direct_open_on,
            min(case when event = 'spamreport' then event_at end) as spam_reported_at,
            min(case when event = 'unsubscribe' then event_at end) as unsubscribed_at,
            min(
                case when event = 'group_unsubscribe' then event_at end
            ) as group_unsubscribed_at,
            max(
                case when event = 'group_resubscribe' then event_at end
            ) as resubscribed_at,

            sum(case when event = 'deferred' then 1 else 0 end) as deferral_count,
            sum(case when event = 'open' then 1 else 0 end) as open_count,
            sum(
                case when event = 'open' and not is_machine_open then 1 else 0 end
            ) as human_open_count,
            sum(case when event = 'click' then 1 else 0 end) as click_count,

            -- of several bounces the most severe class
            case
                when bool_or(bounce_class = 'hard')
                then 'hard'
                when bool_or(bounce_class = 'block')
                then 'block'
                when bool_or(bounce_class = 'soft')
                then 'soft'
            end as bounce_class,
            max(bounce_classification) as bounce_classification,
            max(case when event = 'bounce' then status end) as bounce_status,
            max(case when event = 'bounce' then reason end) as bounce_reason,
            max(case when event = 'bounce' then matched_by end) as bounce_matched_by,
            max(drop_family) as drop_family,
            max(case when event = 'dropped' then reason end) as drop_reason

        from events
        group by matched_id, recipient_key

    ),

    keyed as (

        -- once for each message and not for each event: hashes are the dearest part
        select *, {{ message_key("sg_message_id", "recipient_key") }} as message_key
        from messages

    ),

    staged as (

        select
            keyed.*,
            -- SendGrid can be told not to post `processed`; the first answer of a
            -- server comes close
            coalesce(
                keyed.processed_at, keyed.first_response_at, keyed.first_event_at
            ) as sent_at,
            coalesce(keyed.processed_at, keyed.first_response_at)
            is not null as is_requested,
            -- a bounce after the delivery takes it back; one before it was overcome
            keyed.bounced_at is not null
            and (
                keyed.delivered_at is null or keyed.bounced_at >= keyed.delivered_at
            ) as is_bounced,
            coalesce(clicks_by_message.unique_links, 0) as unique_links,
            coalesce(clicks_by_message.human_click_count, 0) as human_click_count,
            clicks_by_message.first_human_click_at,
            clicks_by_message.last_human_click_at,
            clicks_by_message.first_human_click_on,
            -- a person who clicks has opened, also with images blocked
            least(
                keyed.first_direct_open_at, clicks_by_message.first_human_click_at
            ) as first_human_open_at,
            greatest(
                keyed.last_direct_open_at, clicks_by_message.last_human_click_at
            ) as last_human_open_at

        from keyed
        left join clicks_by_message on keyed.message_key = clicks_by_message.message_key

    ),

    flagged as (

        select
            *,
            dropped_at is not null as is_dropped,
            is_requested and dropped_at is null as is_sent,
            delivered_at is not null
            and dropped_at is null
            and not is_bounced as is_delivered,
            open_count > 0 or human_click_count > 0 as is_opened,
            first_human_open_at is not null as is_opened_human,
            least(unsubscribed_at, group_unsubscribed_at) as opted_out_at

        from staged

    ),

    final as (

        select
            -- keys
            message_key,
            sg_message_id,
            smtp_id,
            recipient_key,
            recipient_domain,
            mailbox_provider,
            has_feedback_loop,

            -- what was sent
            {{ stream("flagged") }} as stream,
            {{ campaign_type("flagged") }} as campaign_type,
            {{ campaign_key("flagged") }} as campaign_key,
            {{ campaign_name("flagged") }} as campaign_name,
            coalesce({{ ab_variation("flagged") }}, 'none') as ab_variation,
            {{ bounded("coalesce(nullif(phase_id, ''), 'send')", 250) }} as ab_phase,
            coalesce({{ template_key("flagged") }}, 'none') as template_key,
            nullif(sg_template_name, '') as template_version_name,
            categories,
            asm_group_id,
            ip,
            pool_name,

            -- the cohort
            sent_at,
            cast(sent_at at time zone 'utc' as date) as sent_date,
            cast(sent_at at time zone 'utc' as date)
            + {{ var("cohort_maturity_days") }} as matures_on,

            -- stages
            first_event_at,
            last_event_at,
            processed_at,
            first_deferred_at,
            delivered_at,
            bounced_at,
            dropped_at,
            first_open_at,
            first_machine_open_at,
            first_human_open_at,
            last_open_at,
            last_human_open_at,
            first_click_at,
            first_human_click_at,
            last_human_click_at,
            spam_reported_at,
            unsubscribed_at,
            group_unsubscribed_at,
            resubscribed_at,

            -- how often
            deferral_count,
            open_count,
            human_open_count,
            click_count,
            human_click_count,
            unique_links,

            -- on what: the first human open, or else click, tells
            coalesce(
                {{ device_at("first_direct_open_on") }},
                {{ device_at("first_human_click_on") }},
                case when first_machine_open_at is not null then 'proxy' end
            ) as device_family,

            -- what went wrong
            bounce_class,
            bounce_classification,
            bounce_status,
            bounce_reason,
            bounce_matched_by,
            drop_family,
            drop_reason,

            -- what the marts count
            is_requested,
            is_dropped,
            is_sent,
            first_deferred_at is not null as is_deferred,
            is_delivered,
            is_bounced,
            is_opened,
            is_opened_human,
            click_count > 0 as is_clicked,
            human_click_count > 0 as is_clicked_human,
            spam_reported_at is not null as is_spam_reported,
            opted_out_at is not null
            and (
                resubscribed_at is null
                or resubscribed_at < opted_out_at
                or resubscribed_at
                > opted_out_at + interval '{{ var("resubscribe_grace_hours") }} hours'
            ) as is_opted_out,
            delivered_at is null
            and (
                open_count > 0
                or click_count > 0
                or spam_reported_at is not null
                or opted_out_at is not null
            ) as is_engaged_without_delivery,

            -- how long it took
            {{ seconds_between("processed_at", "delivered_at") }} as seconds_to_deliver,
            {{ seconds_between("first_deferred_at", "delivered_at") }}
            as seconds_deferred,
            {{ seconds_between("delivered_at", "first_human_open_at") }}
            as seconds_to_open,
            {{ seconds_between("delivered_at", "first_human_click_at") }}
            as seconds_to_click,

            -- how far it came, by rank and not by order of arrival
            {{ funnel_rank("flagged") }} as funnel_rank,
            {{ funnel_stage("flagged") }} as funnel_stage

        from flagged

    )

select *
from final
