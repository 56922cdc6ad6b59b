-- What was loaded, from which file, and what could not be: every table here changes in the same transaction as events.

create table {raw}.loads (
    load_id bigint generated always as identity primary key,
    kind text not null check (kind in ('load', 'replay', 'quarantine_retry')),
    run_id text,
    started_at timestamptz not null default clock_timestamp(),
    committed_at timestamptz,
    files integer not null default 0,
    posts bigint not null default 0,
    events_read bigint not null default 0,
    inserted bigint not null default 0,
    duplicate bigint not null default 0,
    quarantined bigint not null default 0,
    copies bigint not null default 0,
    first_event_date date,
    last_event_date date,
    constraint loads_add_up check (events_read = inserted + duplicate + quarantined),
    constraint loads_copies_are_inserted check (copies <= inserted)
);
comment on table {raw}.loads is
'One row per transaction that brought events in; loads of one source follow one another, so load_id is a safe watermark.';

create table {raw}.landed_files (
    file_name text primary key,
    load_id bigint not null references {raw}.loads,
    bytes bigint not null,
    posts bigint not null,
    events_read bigint not null,
    inserted bigint not null,
    duplicate bigint not null,
    quarantined bigint not null,
    copies bigint not null,
    first_received_at timestamptz,
    last_received_at timestamptz,
    sealed_at timestamptz not null,
    loaded_at timestamptz not null default clock_timestamp(),
    archive_path text,
    constraint landed_files_add_up check (events_read = inserted + duplicate + quarantined),
    constraint landed_files_copies_are_inserted check (copies <= inserted)
);
comment on table {raw}.landed_files is
'One row per landed file, with the counts of its first load; a file that stands here is never loaded a second time.';

create table {raw}.damaged_files (
    file_name text primary key,
    bytes bigint not null,
    problem text not null,
    found_at timestamptz not null default clock_timestamp()
);
comment on table {raw}.damaged_files is
'One row per landed file that cannot be read to its end; it waits for a person, and the files after it do not.';

create table {raw}.quarantine (
    quarantine_key uuid primary key,
    reason text not null,
    detail text not null,
    item text not null,
    file_name text not null,
    post_index integer not null,
    item_index integer not null,
    received_at timestamptz not null,
    load_id bigint not null references {raw}.loads,
    quarantined_at timestamptz not null default clock_timestamp(),
    released_at timestamptz,
    released_load_id bigint references {raw}.loads
);
comment on table {raw}.quarantine is
'One row per item of a post that could not be understood, verbatim, until newer rules release it.';
comment on column {raw}.quarantine.item_index is
'Place of the item in its post, from 0; -1 where the body as a whole is not a list of items.';

create index quarantine_waiting on {raw}.quarantine (quarantined_at) where released_at is null;
