-- What has no table of its own yet: with it, the event tables together are
-- `activity`, event by event.
select *
from {{ ref("stg_sendgrid__events") }}
where event not in ({{ "'" ~ known_events() | join("', '") ~ "'" }})
