-- By which algorithm the events' keys were made. A program with another one would take every redelivered event for a new one.

create table {raw}.event_key_versions (
    version integer primary key,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    next_month date,
    rekeyed bigint not null default 0,
    merged bigint not null default 0,
    unverified bigint not null default 0
);
comment on table {raw}.event_key_versions is
'One row per algorithm that the keys of events were made by, the highest that is finished being the one in use. 1: BLAKE2b. 2: XXH3.';
comment on column {raw}.event_key_versions.finished_at is 'Null while older events are given keys of this version.';
comment on column {raw}.event_key_versions.next_month is 'The months before this one have keys of this version already.';
comment on column {raw}.event_key_versions.rekeyed is 'Events that had a key of an older version.';
comment on column {raw}.event_key_versions.merged is
'Events that were there twice, under an old and under a new key, and of which the first remained.';
comment on column {raw}.event_key_versions.unverified is
'Events whose key no version makes out of what the table holds of them (a value that JSON gave in another form); they keep it.';
