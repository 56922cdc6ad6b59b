-- One month of history: messages of four events each, at even distances in time.
create table {raw}.{partition} (like {raw}.events including defaults including generated);

insert into {raw}.{partition} (
    event_at, event_key, received_at, load_id, event_date, is_copy, event, email, sg_event_id, sg_message_id,
    smtp_id, ip, useragent, categories, custom_args
)
select
    moment,
    gen_random_uuid(),
    moment + interval '5 seconds',
    0,
    (moment at time zone 'UTC')::date,
    false,
    (array['processed', 'delivered', 'open', 'click'])[1 + number % 4],
    'user' || number % 200000 || '@example.com',
    md5(number::text),
    left(md5((number / 4)::text), 22) || '.recvd-5f54b5d587-pczjm-1-' || number / 4 || '.0',
    '<' || left(md5((number / 4)::text), 22) || '@geopod-ismtpd-1>',
    '149.72.1.1',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0',
    array['newsletter'],
    jsonb_build_object('customer_id', number::text)
from
    (
        select
            number,
            date_trunc(
                'second',
                timestamptz '{begin} 00:00:00+00'
                + (timestamptz '{end} 00:00:00+00' - timestamptz '{begin} 00:00:00+00') * number / {rows}
            ) as moment
        from generate_series(0, {rows} - 1) as number
    ) as numbered;

alter table {raw}.{partition} add primary key (event_at, event_key);
create index on {raw}.{partition} (event, event_date);
create index on {raw}.{partition} (sg_message_id);
create index on {raw}.{partition} using brin (event_at) with (autosummarize = on);
create index on {raw}.{partition} using brin (load_id) with (autosummarize = on);
alter table {raw}.events attach partition {raw}.{partition}
for values from ('{begin} 00:00:00+00') to ('{end} 00:00:00+00');
