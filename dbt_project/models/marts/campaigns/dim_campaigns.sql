{{
    config(
        unique_key="campaign_key",
        incremental_strategy="replace_groups",
        pre_hook="{{ lock_model(ref('fct_email_messages')) }}",
        post_hook="{{ end_following_messages() }}",
    )
}}

with

    changed as (
        select distinct campaign_key from ({{ message_changes() }}) as messages
    ),

    single_sends as (

        select 'single_send:' || id as campaign_key, *
        from {{ source("sendgrid", "single_sends") }}

    ),

    campaigns as (select * from {{ source("sendgrid", "campaigns") }}),

    templates as (

        select id, nullif(name, '') as name from {{ source("sendgrid", "templates") }}

    ),

    keys as (

        select campaign_key
        from changed
        union
        select campaign_key
        from single_sends
        {% if follows_messages() %}
            -- those that SendGrid has renamed or deleted since; the few steps
            -- always, whose names are put together
            union
            select dim.campaign_key
            from {{ this }} as dim
            inner join campaigns on dim.campaign_id = campaigns.id
            where
                campaigns.name is distinct from dim.campaign_name
                or dim.campaign_type = 'automation_step'
                or (campaigns.deleted_at is not null) <> dim.is_deleted
            union
            select dim.campaign_key
            from {{ this }} as dim
            inner join templates on dim.template_key = templates.id
            where templates.name is distinct from dim.template_name
        {% endif %}

    ),

    -- First and last message, each one look into the index on campaign and time.
    used as (

        select
            keys.campaign_key,
            first_message.sent_at as first_sent_at,
            last_message.sent_at as last_sent_at,
            last_message.campaign_type,
            last_message.stream,
            last_message.campaign_name,
            last_message.template_key,
            last_message.template_version_name

        from keys
        left join
            lateral(
                select messages.sent_at
                from {{ ref("fct_email_messages") }} as messages
                where messages.campaign_key = keys.campaign_key
                order by messages.sent_at
                limit 1
            ) as first_message
            on true
        left join
            lateral(
                select
                    messages.sent_at,
                    messages.campaign_type,
                    messages.stream,
                    messages.campaign_name,
                    messages.template_key,
                    messages.template_version_name
                from {{ ref("fct_email_messages") }} as messages
                where messages.campaign_key = keys.campaign_key
                order by
                    messages.sent_at desc, messages.campaign_name, messages.message_key
                limit 1
            ) as last_message
            on true

    ),

    identified as (

        select
            used.*,
            templates.name as template_name,
            case
                when used.campaign_type = 'template' then templates.name
            end as named_after,
            case
                when used.campaign_key like '%:%'
                then split_part(used.campaign_key, ':', 2)
            end as campaign_id
        from used
        left join templates on used.template_key = templates.id

    ),

    final as (

        select
            identified.campaign_key,
            coalesce(identified.campaign_type, 'single_send') as campaign_type,
            coalesce(identified.stream, 'marketing') as stream,
            identified.campaign_id,
            -- SendGrid's present name; what the last message said; never nothing
            {{
                step_or_campaign_name(
                    "identified",
                    "coalesce(single_sends.name, campaigns.name, identified.named_after, identified.campaign_name, identified.campaign_key)",
                )
            }}
            as campaign_name,
            single_sends.subject,
            coalesce(single_sends.status, campaigns.status) as status,
            single_sends.send_at as scheduled_at,
            coalesce(single_sends.is_abtest, campaigns.is_abtest, false) as is_ab_test,
            coalesce(identified.template_key, 'none') as template_key,
            identified.template_name,
            identified.template_version_name,
            array_to_string(single_sends.list_ids, ',') as list_ids,
            array_to_string(single_sends.segment_ids, ',') as segment_ids,
            coalesce(single_sends.sends_to_all, false) as sends_to_all,
            coalesce(single_sends.deleted_at, campaigns.deleted_at)
            is not null as is_deleted,
            coalesce(single_sends.created_at, campaigns.created_at) as created_at,
            identified.first_sent_at,
            identified.last_sent_at,
            cast(
                identified.first_sent_at at time zone 'utc' as date
            ) as first_sent_date,
            cast(identified.last_sent_at at time zone 'utc' as date) as last_sent_date

        from identified
        left join single_sends on identified.campaign_key = single_sends.campaign_key
        left join
            campaigns
            on identified.campaign_id = campaigns.id
            and single_sends.id is null

    )

select *
from final
