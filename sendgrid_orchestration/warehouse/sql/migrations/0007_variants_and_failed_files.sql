-- Redelivered events that say something else than the event that is kept, and landed files over which a load stumbled.

create table {raw}.event_variants (
    variant_key uuid primary key,
    event_at timestamptz not null,
    event_key uuid not null,
    event text not null,
    received_at timestamptz not null,
    load_id bigint not null references {raw}.loads,
    differs jsonb not null
);
comment on table {raw}.event_variants is
'One row per redelivered version of an event that differs from the event in events; the first version that arrived is kept there.';
comment on column {raw}.event_variants.event_key is 'With event_at the primary key of the event in events.';
comment on column {raw}.event_variants.received_at is 'When the post that brought this version was received.';
comment on column {raw}.event_variants.differs is 'By column of events: its value there (stored), and in this version (redelivered).';

create index event_variants_by_event on {raw}.event_variants (event_at, event_key);

-- Not validated: every old row has the default, and looking at millions of them would lock out the loader.
alter table {raw}.loads add column variants bigint not null default 0;
alter table {raw}.loads add constraint loads_variants_are_duplicates check (variants <= duplicate) not valid;
alter table {raw}.landed_files add column variants bigint not null default 0;
alter table {raw}.landed_files
add constraint landed_files_variants_are_duplicates check (variants <= duplicate) not valid;

create table {raw}.failed_files (
    file_name text primary key,
    bytes bigint not null,
    reason text not null,
    place text not null,
    tries integer not null,
    first_failed_at timestamptz not null default clock_timestamp(),
    last_failed_at timestamptz not null default clock_timestamp(),
    set_aside_at timestamptz
);
comment on table {raw}.failed_files is
'One row per landed file that could not be loaded for a reason that nobody foresaw; after the second try it is set aside.';
comment on column {raw}.failed_files.reason is 'The exception and what it says.';
comment on column {raw}.failed_files.place is 'The line of the program that raised it.';
comment on column {raw}.failed_files.set_aside_at is 'Since when no load takes the file any more, until somebody has it tried again.';

alter table {raw}.quarantine add column items integer not null default 1;
comment on column {raw}.quarantine.items is
'How many consecutive items of the post these are: of a post with more than a thousand odd items the further ones are kept in runs.';

-- A retry of the quarantine goes through it in this order.
create index quarantine_by_place on {raw}.quarantine (file_name, post_index, item_index) where released_at is null;
