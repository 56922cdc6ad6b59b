-- Every event once. Partitions are monthly by the event's own time, so that a redelivered copy meets its twin; they are
-- created on demand and there is no DEFAULT partition, because rows in one would block the creation of the real one.

create table {raw}.events (
    event_at timestamptz not null,
    event_key uuid not null,
    received_at timestamptz not null,
    load_id bigint not null,
    event_date date not null,
    is_copy boolean not null,
    sg_machine_open boolean,
    tls smallint,
    attempt integer,
    url_offset_index integer,
    asm_group_id bigint,
    send_at timestamptz,
    event text not null,
    email text,
    sg_event_id text,
    sg_message_id text,
    smtp_id text,
    categories text[],
    ip text,
    useragent text,
    url text,
    url_offset_type text,
    sg_content_type text,
    response text,
    reason text,
    status text,
    type text,
    bounce_classification text,
    cert_err text,
    pool_id text,
    pool_name text,
    domain text,
    from_address text,
    message text,
    post_type text,
    sg_user_id text,
    newsletter_id text,
    newsletter_user_list_id text,
    newsletter_send_id text,
    marketing_campaign_id text,
    marketing_campaign_name text,
    marketing_campaign_version text,
    marketing_campaign_split_id text,
    singlesend_id text,
    singlesend_name text,
    mc_stats text,
    phase_id text,
    sg_template_id text,
    sg_template_name text,
    template text,
    template_id text,
    template_version_id text,
    template_hash text,
    mc_auto_id text,
    mc_auto_name text,
    mc_auto_step_id text,
    mc_auto_msg_id text,
    mc_auto_unique_id text,
    mc_pod_id text,
    unsubscribe_date text,
    reseller_id text,
    custom_args jsonb,
    -- Time first: the index grows at its end (99,600 events/s on 4M rows of history; 59,200 with the key first).
    primary key (event_at, event_key)
) partition by range (event_at);

create index events_by_kind on {raw}.events (event, event_date);
create index events_by_message on {raw}.events (sg_message_id);
create index events_by_time on {raw}.events using brin (event_at) with (autosummarize = on);
create index events_by_load on {raw}.events using brin (load_id) with (autosummarize = on);

comment on table {raw}.events is 'One row per event that SendGrid posted; redeliveries of the same event are left out.';
comment on column {raw}.events.event_at is 'When it happened, by SendGrid''s clock (one-second resolution).';
comment on column {raw}.events.event_key is
'First half: hash of what the event says. Second half: hash of sg_event_id. Equal keys are one event, delivered again.';
comment on column {raw}.events.received_at is 'When the post that brought it was received.';
comment on column {raw}.events.load_id is 'The load that brought it; see loads.';
comment on column {raw}.events.event_date is 'The UTC day of event_at.';
comment on column {raw}.events.is_copy is 'The same event was there already under another sg_event_id (SendGrid''s retry).';
comment on column {raw}.events.event is 'SendGrid''s own word in lower case: open, click, spamreport …; unknown ones too.';
comment on column {raw}.events.from_address is 'The key "from".';
comment on column {raw}.events.unsubscribe_date is 'The key "date".';
comment on column {raw}.events.custom_args is
'Every key that SendGrid does not define, and defined ones whose value does not fit its type, verbatim.';
