-- What was sent on, where to, and what became of it: a row for each batch, and a row for an event only where it is an exception.

create table {raw}.delivery_destinations (
    destination text primary key,
    kind text not null,
    enabled_at timestamptz not null default clock_timestamp(),
    disabled_at timestamptz,
    start_at timestamptz,
    first_load_id bigint not null,
    load_id bigint not null,
    event_at timestamptz,
    event_key uuid
);
comment on table {raw}.delivery_destinations is
'One row per destination that was ever enabled: how far the events are handed over to batches.';
comment on column {raw}.delivery_destinations.disabled_at is
'When it was seen disabled; enabled again it starts from then on, and not here.';
comment on column {raw}.delivery_destinations.start_at is 'Events that happened before this are not sent; null for no bound.';
comment on column {raw}.delivery_destinations.first_load_id is 'Since it was last enabled, loads behind this one are handed over.';
comment on column {raw}.delivery_destinations.load_id is
'Loads before this one are handed over, and this one up to event_at and event_key.';
comment on column {raw}.delivery_destinations.event_at is 'Null where the whole load is handed over.';

create table {raw}.delivery_batches (
    batch_id bigint generated always as identity primary key,
    destination text not null,
    kind text not null check (kind in ('stream', 'backfill')),
    state text not null check (state in ('sending', 'settled', 'unknown', 'unsent')),
    after_load_id bigint not null,
    after_event_at timestamptz,
    after_event_key uuid,
    last_load_id bigint not null,
    last_event_at timestamptz,
    last_event_key uuid,
    is_again boolean not null default false,
    events integer not null,
    skipped integer not null,
    eligible integer not null,
    invalid integer not null default 0,
    accepted integer not null default 0,
    rejected integer not null default 0,
    delayed integer not null default 0,
    unknown integer not null default 0,
    unsent integer not null default 0,
    sent integer not null generated always as (accepted + rejected + delayed + unknown) stored,
    events_by_name jsonb not null,
    skipped_by_reason jsonb not null,
    calls integer not null default 0,
    answer text,
    run_id text,
    first_sent_at timestamptz not null default clock_timestamp(),
    sent_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    constraint delivery_batches_skip_or_take check (events = skipped + eligible),
    constraint delivery_batches_add_up check (
        eligible = invalid + accepted + rejected + delayed + unknown + unsent
    )
);
comment on table {raw}.delivery_batches is
'One row per batch of events for one destination, written before it is sent. A batch is a range of events, in the order of load, time and key; a backfill''s in the order of time and key, up to a load.';
comment on column {raw}.delivery_batches.state is
'sending: under way, or its run was killed. settled: every event is accepted, or in delivery_exceptions. unknown: may have been taken. unsent: certainly not taken.';
comment on column {raw}.delivery_batches.after_load_id is 'The range begins behind this place …';
comment on column {raw}.delivery_batches.last_load_id is '… and ends with this one; a null time is the end of the load.';
comment on column {raw}.delivery_batches.is_again is 'Whether a backfill sends what was sent before, too.';
comment on column {raw}.delivery_batches.eligible is 'The events of the range that were chosen.';
comment on column {raw}.delivery_batches.invalid is 'Not sent, because the destination would drop them; in delivery_exceptions.';
comment on column {raw}.delivery_batches.delayed is 'Not taken yet, because of a limit of their user; in delivery_exceptions.';
comment on column {raw}.delivery_batches.events_by_name is 'Eligible events by what they are called among the events to choose from.';
comment on column {raw}.delivery_batches.answer is 'The last answer, as far as it says more than yes.';
comment on column {raw}.delivery_batches.first_sent_at is 'From when on the receiver may know the ids.';

create index delivery_batches_open on {raw}.delivery_batches (destination, batch_id) where state <> 'settled';
create index delivery_batches_stream on {raw}.delivery_batches (
    destination,
    last_load_id,
    coalesce(last_event_at, 'infinity'),
    coalesce(last_event_key, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
) where kind = 'stream';
create index delivery_batches_backfill on {raw}.delivery_batches (destination, last_event_at) where kind = 'backfill';

create table {raw}.delivery_exceptions (
    destination text not null,
    event_at timestamptz not null,
    event_key uuid not null,
    load_id bigint not null,
    batch_id bigint not null references {raw}.delivery_batches,
    event text not null,
    state text not null check (state in ('invalid', 'rejected', 'delayed', 'unknown')),
    reason text not null,
    retry_at timestamptz,
    found_at timestamptz not null default clock_timestamp(),
    primary key (batch_id, event_at, event_key)
);
comment on table {raw}.delivery_exceptions is
'One row per batch and event that was not accepted: refused, never sent because it would be dropped, waiting for a limit, or sent alone with an unknown outcome.';
comment on column {raw}.delivery_exceptions.event is 'What it is called among the events to choose from.';
comment on column {raw}.delivery_exceptions.reason is 'In the words of the destination, or its code for what it would drop.';

create index delivery_exceptions_by_state on {raw}.delivery_exceptions (destination, state);

create view {raw}.delivery_counts as
select
    batch.batch_id,
    batch.destination,
    batch.kind,
    batch.state,
    batch.sent_at,
    named.event,
    named.eligible,
    coalesce(exceptions.invalid, 0) as invalid,
    coalesce(exceptions.rejected, 0) as rejected,
    coalesce(exceptions.delayed, 0) as delayed,
    coalesce(exceptions.unknown, 0)
    + case when batch.state in ('sending', 'unknown') then named.eligible - coalesce(exceptions.events, 0) else 0 end as unknown,
    case when batch.state = 'unsent' then named.eligible - coalesce(exceptions.events, 0) else 0 end as unsent,
    case when batch.state = 'settled' then named.eligible - coalesce(exceptions.events, 0) else 0 end as accepted
from {raw}.delivery_batches as batch
cross join lateral (
    select event_name as event, events::bigint as eligible from jsonb_each_text(batch.events_by_name) as names (event_name, events)
) as named
left join lateral (
    select
        count(*) as events,
        count(*) filter (where exception.state = 'invalid') as invalid,
        count(*) filter (where exception.state = 'rejected') as rejected,
        count(*) filter (where exception.state = 'delayed') as delayed,
        count(*) filter (where exception.state = 'unknown') as unknown
    from {raw}.delivery_exceptions as exception
    where exception.batch_id = batch.batch_id and exception.event = named.event
) as exceptions on true;
comment on view {raw}.delivery_counts is 'One row per batch and event name: what became of the eligible events.';
