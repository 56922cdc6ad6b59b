{{ config(materialized="table", tags=["objects"]) }}

-- The contacts of the account and everybody else that mail went to, by address.
with

    contacts as (

        select *
        from
            (
                select
                    *,
                    coalesce(
                        {{ recipient_key("email") }}, 'contact:' || id
                    ) as recipient_key,
                    row_number() over (
                        partition by
                            coalesce({{ recipient_key("email") }}, 'contact:' || id)
                        order by
                            deleted_at desc nulls first, updated_at desc nulls last, id
                    ) as choice
                from {{ source("sendgrid", "recipients") }}
            ) as candidates
        where choice = 1

    ),

    engagement as (select * from {{ ref("mart_recipient_engagement") }}),

    memberships as (

        select contact_id, sum(lists) as lists, sum(segments) as segments
        from
            (
                select contact_id, 1 as lists, 0 as segments
                from {{ source("sendgrid", "list_members") }}
                where valid_to is null
                union all
                select contact_id, 0, 1
                from {{ source("sendgrid", "segment_members") }}
                where valid_to is null
            ) as present
        group by contact_id

    ),

    suppressed as (

        select
            recipient_key,
            bool_or(is_account_wide) as is_suppressed,
            string_agg(
                distinct suppression_type, ',' order by suppression_type
            ) as suppressions

        from {{ ref("fct_suppression_history") }}
        where is_current
        group by recipient_key

    ),

    final as (

        select
            coalesce(contacts.recipient_key, engagement.recipient_key) as recipient_key,
            contacts.id as contact_id,
            contacts.id is not null and contacts.deleted_at is null as is_contact,
            contacts.deleted_at is not null as is_deleted,
            contacts.email,
            contacts.first_name,
            contacts.last_name,
            contacts.city,
            contacts.country,
            coalesce(
                engagement.recipient_domain, {{ domain_of("contacts.email") }}
            ) as recipient_domain,
            contacts.created_at,
            contacts.updated_at,
            cast(coalesce(memberships.lists, 0) as bigint) as lists,
            cast(coalesce(memberships.segments, 0) as bigint) as segments,
            coalesce(suppressed.is_suppressed, false) as is_suppressed,
            suppressed.suppressions,
            engagement.first_sent_at,
            engagement.last_sent_at,
            engagement.last_engaged_at

        from contacts
        full outer join engagement on contacts.recipient_key = engagement.recipient_key
        left join memberships on contacts.id = memberships.contact_id
        left join
            suppressed
            on coalesce(contacts.recipient_key, engagement.recipient_key)
            = suppressed.recipient_key

    )

select *
from final
