-- Inlined into everything that reads events (ephemeral): a view here would be
-- dropped, with every view on it, each time
-- that it is built again.
with

    events as (select * from {{ source("sendgrid", "events") }}),

    mailbox_providers as (select * from {{ ref("mailbox_providers") }}),

    bounce_classes as (select * from {{ ref("bounce_classes") }}),

    templates as (select id, name from {{ source("sendgrid", "templates") }}),

    keyed as (

        select
            *,
            {{ recipient_key("email") }} as recipient_key,
            {{ domain_of("email") }} as recipient_domain

        from events

    ),

    final as (

        select
            -- keys
            keyed.event_key,
            {{ message_key("keyed.sg_message_id", "keyed.recipient_key") }}
            as message_key,
            keyed.recipient_key,
            keyed.sg_event_id,
            keyed.sg_message_id,
            nullif(keyed.smtp_id, '') as smtp_id,

            -- what happened, and when
            keyed.event,
            keyed.event_at,
            keyed.event_date,
            keyed.received_at,
            keyed.load_id,

            -- what the marts leave out
            keyed.is_copy,
            {{ is_test_post("keyed") }} as is_test_post,
            not keyed.is_copy and not {{ is_test_post("keyed") }} as is_counted,

            -- to whom
            keyed.email,
            keyed.recipient_domain,
            case
                when keyed.recipient_domain is not null
                then coalesce(mailbox_providers.mailbox_provider, 'Other')
            end as mailbox_provider,
            coalesce(mailbox_providers.has_feedback_loop, false) as has_feedback_loop,

            -- what was sent
            {{ stream("keyed") }} as stream,
            {{ campaign_type("keyed") }} as campaign_type,
            {{ campaign_key("keyed") }} as campaign_key,
            {{ campaign_name("keyed", "nullif(templates.name, '')") }} as campaign_name,
            {{ template_key("keyed") }} as template_key,
            {{ ab_variation("keyed") }} as ab_variation,
            keyed.phase_id,
            keyed.categories,
            keyed.asm_group_id,
            keyed.singlesend_id,
            keyed.singlesend_name,
            keyed.mc_auto_id,
            keyed.mc_auto_name,
            keyed.mc_auto_step_id,
            keyed.mc_auto_msg_id,
            keyed.mc_auto_unique_id,
            keyed.mc_pod_id,
            keyed.mc_stats,
            keyed.marketing_campaign_id,
            keyed.marketing_campaign_name,
            keyed.marketing_campaign_version,
            keyed.marketing_campaign_split_id,
            keyed.newsletter_id,
            keyed.newsletter_user_list_id,
            keyed.newsletter_send_id,
            keyed.sg_template_id,
            keyed.sg_template_name,
            keyed.template,
            keyed.template_id,
            keyed.template_version_id,
            keyed.template_hash,
            keyed.send_at,
            keyed.pool_id,
            keyed.pool_name,
            keyed.from_address,
            keyed.sg_user_id,
            keyed.post_type,
            keyed.reseller_id,

            -- what the receiving server said
            keyed.ip,
            keyed.response,
            keyed.attempt,
            keyed.reason,
            keyed.status,
            keyed.type,
            keyed.bounce_classification,
            case
                when keyed.event = 'bounce'
                then {{ bounce_class("keyed", "bounce_classes.bounce_class") }}
            end as bounce_class,
            case
                when keyed.event = 'dropped' then {{ drop_family("keyed.reason") }}
            end as drop_family,
            keyed.tls,
            keyed.cert_err,
            keyed.domain,
            keyed.message,

            -- what the recipient did
            keyed.useragent,
            keyed.url,
            {{ url_without_query("keyed.url") }} as link_url,
            keyed.url_offset_index,
            keyed.url_offset_type,
            keyed.sg_content_type,
            keyed.sg_machine_open,
            keyed.event = 'open'
            and coalesce(keyed.sg_machine_open, false) as is_machine_open,
            keyed.unsubscribe_date,

            -- what the sender added
            keyed.custom_args {{ typed_custom_args("keyed") }}

        from keyed
        left join
            mailbox_providers
            on keyed.recipient_domain = mailbox_providers.recipient_domain
        left join
            bounce_classes
            on keyed.bounce_classification = bounce_classes.bounce_classification
        -- By the key of templates: Postgres leaves the join out where nobody asks for
        -- campaign_name.
        left join templates on {{ template_key("keyed") }} = templates.id

    )

select *
from final
