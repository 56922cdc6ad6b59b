-- One day of an account's mail, straight into the raw table: single sends, automations and mail through the API to a
-- fixed audience; opens and clicks trail off over the following month. Parameters: raw schema, day, messages, recipients.
insert into {raw}.events (
    event_at, event_key, received_at, load_id, event_date, is_copy, event, email, sg_event_id, sg_message_id, smtp_id,
    categories, ip, useragent, url, response, attempt, reason, status, type, bounce_classification, pool_name,
    singlesend_id, singlesend_name, template_id, mc_auto_id, mc_auto_name, mc_auto_step_id, sg_machine_open
)
with

    drawn as (

        select
            n,
            md5('{day}:' || n) as hash,
            (timestamp '{day}' at time zone 'utc') + make_interval(secs => (n::bigint * 7919) % 86400) as sent_at,
            (n::bigint * 104729 + extract(doy from date '{day}')::bigint * 7919) % {recipients} as recipient,
            n % 10 as kind,
            n % 6 as campaign
        from generate_series(1, {messages}) as n

    ),

    mail as (

        select
            *,
            'user' || recipient || '@' || (
                array['gmail.com', 'gmail.com', 'gmail.com', 'yahoo.com', 'outlook.com', 'hotmail.com', 'icloud.com', 'aol.com',
                    'corp' || (recipient % 500) || '.example']
            )[1 + recipient % 9] as email,
            ('x' || substr(hash, 1, 6))::bit(24)::integer / 16777216.0 as p1,
            ('x' || substr(hash, 7, 6))::bit(24)::integer / 16777216.0 as p2,
            ('x' || substr(hash, 13, 6))::bit(24)::integer / 16777216.0 as p3,
            ('x' || substr(hash, 19, 6))::bit(24)::integer / 16777216.0 as p4
        from drawn

    ),

    happened as (

        select mail.*, happening.*
        from mail
        cross join
            lateral(
                values
                    ('processed', sent_at, p1 > 0.01),
                    ('dropped', sent_at, p1 <= 0.01),
                    ('deferred', sent_at + interval '5 seconds', p1 between 0.01 and 0.03),
                    ('delivered', sent_at + make_interval(secs => 2 + floor(p4 * 20)), p1 > 0.01 and p2 > 0.02),
                    ('bounce', sent_at + interval '3 seconds', p1 > 0.01 and p2 <= 0.02),
                    ('machine', sent_at + interval '30 seconds', p2 > 0.02 and p1 > 0.01 and p3 < 0.15 and recipient % 9 = 6),
                    (
                        'open',
                        sent_at + make_interval(secs => 60 + floor(power(p4, 6) * 30 * 86400)),
                        p1 > 0.01 and p2 > 0.02 and p3 < 0.3
                    ),
                    (
                        'click',
                        sent_at + make_interval(secs => 90 + floor(power(p4, 6) * 30 * 86400)),
                        p1 > 0.01 and p2 > 0.02 and p3 < 0.03
                    ),
                    ('click', sent_at + interval '3 seconds', p1 > 0.01 and p2 > 0.02 and p3 between 0.5 and 0.505),
                    ('unsubscribe', sent_at + interval '10 minutes', p1 > 0.01 and p2 > 0.02 and p3 < 0.001)
            ) as happening (kind_of_event, at, happens)
        where happens

    )

select
    at,
    md5(hash || kind_of_event || at)::uuid,
    at + interval '2 seconds',
    {load_id},
    (at at time zone 'utc')::date,
    false,
    case when kind_of_event = 'machine' then 'open' else kind_of_event end,
    email,
    substr(md5(hash || kind_of_event), 1, 22),
    substr(hash, 1, 22) || '.recvd-786d47b7ff-42mlq-1-67DF866E-B.0',
    '<' || substr(hash, 1, 12) || '@geopod>',
    case when kind >= 7 then array['category' || campaign, 'receipts'] when kind < 5 then array['news'] end,
    case when kind_of_event in ('delivered', 'deferred', 'bounce') then '167.89.0.' || campaign end,
    case when kind_of_event in ('open', 'click') then 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)' end,
    case when kind_of_event = 'click' then 'https://shop.example/p/' || (n % 12) || '?rid=' || recipient end,
    case when kind_of_event = 'delivered' then '250 2.0.0 OK' end,
    case when kind_of_event = 'deferred' then 1 end,
    case when kind_of_event = 'bounce' then '550 5.1.1 no such user' when kind_of_event = 'dropped' then 'Bounced Address' end,
    case when kind_of_event = 'bounce' then '5.1.1' end,
    case when kind_of_event = 'bounce' then (array['bounce', 'blocked'])[1 + campaign % 2] end,
    case when kind_of_event = 'bounce' then 'Invalid Address' end,
    case when kind_of_event = 'processed' then 'pool' || (campaign % 2) end,
    case when kind < 5 then '{day}-' || (campaign % 3) end,
    case when kind < 5 then 'Newsletter {day} ' || (campaign % 3) end,
    case when kind < 5 then 'd-' || (campaign % 3) when kind >= 7 and campaign > 3 then 'd-tx-' || campaign end,
    case when kind between 5 and 6 then 'auto-' || campaign end,
    case when kind between 5 and 6 then 'Welcome ' || campaign end,
    case when kind between 5 and 6 then 'step-' || (campaign % 3) end,
    case when kind_of_event = 'machine' then true when kind_of_event = 'open' then false end
from happened
-- what is yet to come comes with later loads
where at < timestamp '{until}' at time zone 'utc'
