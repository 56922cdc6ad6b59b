-- Which landed posts were sent on as they are: how far each forward has come, and a row for what did not arrive.

create table {raw}.forwards (
    forward text primary key,
    enabled_at timestamptz not null default clock_timestamp(),
    disabled_at timestamptz,
    start_at timestamptz,
    load_id bigint not null,
    file_name text,
    next_file_name text,
    next_file_posts integer not null default 0,
    accepted bigint not null default 0,
    rejected bigint not null default 0,
    lost bigint not null default 0,
    accepted_at timestamptz
);
comment on table {raw}.forwards is
'One row per forward that was ever enabled: which landed files, in the order of load and name, and which posts of the next one are dealt with.';
comment on column {raw}.forwards.disabled_at is
'When it was seen disabled; enabled again it starts from then on, and not here.';
comment on column {raw}.forwards.start_at is 'Posts that were received before this are not forwarded; null for no bound.';
comment on column {raw}.forwards.load_id is 'The files of loads before this one are dealt with …';
comment on column {raw}.forwards.file_name is '… and those of this load up to this file; null for all of them.';
comment on column {raw}.forwards.next_file_name is 'The file that is being forwarded …';
comment on column {raw}.forwards.next_file_posts is '… and how many of its posts are dealt with.';
comment on column {raw}.forwards.accepted is 'Posts that the other side acknowledged since it was first enabled.';
comment on column {raw}.forwards.accepted_at is 'When the last of them was acknowledged.';

create table {raw}.forward_exceptions (
    forward text not null,
    file_name text not null,
    post integer not null,
    posts integer not null default 1,
    state text not null check (state in ('rejected', 'lost')),
    reason text not null,
    tries integer not null,
    received_at timestamptz,
    found_at timestamptz not null default clock_timestamp(),
    primary key (forward, file_name, post)
);
comment on table {raw}.forward_exceptions is
'One row per post that the other side refused for good, and per stretch of posts that could not be read when their turn came.';
comment on column {raw}.forward_exceptions.post is 'Number of the post in its file, from 1.';
comment on column {raw}.forward_exceptions.posts is 'How many posts, beginning with this one; more than one only if they are lost.';
comment on column {raw}.forward_exceptions.reason is 'Status and answer of the other side, or why the posts could not be read.';

create index landed_files_by_load on {raw}.landed_files (load_id, file_name);

-- Loads follow one another, so no file turns up in front of the place.
create view {raw}.files_to_forward as
select
    forward.forward,
    file.file_name,
    file.load_id,
    file.bytes,
    file.posts,
    file.sealed_at,
    file.first_received_at,
    file.last_received_at,
    file.archive_path,
    file.deleted_at
from {raw}.forwards as forward
inner join {raw}.landed_files as file
    on
        (file.load_id, file.file_name)
        > (forward.load_id + (forward.file_name is null)::integer, coalesce(forward.file_name, ''))
        and (forward.start_at is null or file.last_received_at >= forward.start_at)
where forward.disabled_at is null;
comment on view {raw}.files_to_forward is
'One row per enabled forward and landed file of which it has not dealt with every post.';
