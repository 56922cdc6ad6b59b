-- The columns of custom fields come last; a column that was added since is there when
-- the view is built again.
with

    contacts as (

        select *, {{ recipient_key("email") }} as recipient_key
        from {{ source("sendgrid", "recipients") }}
        where deleted_at is null

    ),

    engagement as (select * from {{ ref("mart_recipient_engagement") }}),

    final as (

        select
            contacts.id,
            contacts.email,
            -- SendGrid's exports of today leave these three out: our own events know
            greatest(contacts.last_emailed, engagement.last_sent_at) as last_emailed,
            greatest(contacts.last_opened, engagement.last_open_at) as last_opened,
            greatest(contacts.last_clicked, engagement.last_click_at) as last_clicked,
            {{
                columns_except(
                    "recipients",
                    ["id", "email", "last_emailed", "last_opened", "last_clicked"],
                    "contacts",
                )
            }}

        from contacts
        left join engagement on contacts.recipient_key = engagement.recipient_key

    )

select *
from final
