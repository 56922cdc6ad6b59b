{{ config(materialized="table", tags=["objects"]) }}

-- As large as lists and segments are, whatever was sent: built anew every time. No view
-- stands on it.
with

    memberships as (

        {% for membership in ["list", "segment"] %}
            select
                '{{ membership }}' as membership,
                members.{{ membership }}_id as group_id,
                coalesce(named.name, members.{{ membership }}_id) as name,
                members.contact_id
            from {{ source("sendgrid", membership ~ "_members") }} as members
            left join
                {{ source("sendgrid", membership ~ "s") }} as named
                on members.{{ membership }}_id = named.id
            where members.valid_to is null {{ "union all" if not loop.last }}
        {% endfor %}

    ),

    recipients as (

        select contact_id, recipient_key
        from {{ ref("dim_recipients") }}
        where contact_id is not null

    ),

    engagement as (select * from {{ ref("mart_recipient_engagement") }}),

    final as (

        select
            memberships.membership,
            memberships.group_id,
            max(memberships.name) as name,
            coalesce(engagement.engagement_tier, 'not mailed') as engagement_tier,
            count(*) as members

        from memberships
        left join recipients on memberships.contact_id = recipients.contact_id
        left join engagement on recipients.recipient_key = engagement.recipient_key
        group by
            memberships.membership,
            memberships.group_id,
            coalesce(engagement.engagement_tier, 'not mailed')

    )

select *
from final
