-- What a landed file held when it was loaded, so that its archived copy can be compared with it for as long as it is kept.

alter table {raw}.landed_files
    add column checksum text,
    add column verified_at timestamptz,
    add column archive_problem text,
    add column deleted_at timestamptz;
comment on column {raw}.landed_files.checksum is
'XXH3-128 of the file''s posts, uncompressed and without its trailer; null where a version before this column loaded it.';
comment on column {raw}.landed_files.verified_at is 'When the archived file was last compared with what was loaded.';
comment on column {raw}.landed_files.archive_problem is
'What is wrong with the archived file, as the last verification found it; null where nothing is.';
comment on column {raw}.landed_files.deleted_at is
'When the archived file was deleted because it was older than landing.archive_days; the rows it brought stay.';

create index landed_files_to_verify on {raw}.landed_files (verified_at nulls first, file_name)
where archive_path is not null and deleted_at is null;
create index landed_files_in_archive on {raw}.landed_files (file_name)
where archive_path is not null and deleted_at is null;
create index landed_files_with_problem on {raw}.landed_files (file_name) where archive_problem is not null;

-- Whether a file that was found damaged is still the same: its size says nothing.

alter table {raw}.damaged_files add column version text;
comment on column {raw}.damaged_files.version is
'A word of the file system that changes whenever somebody writes or replaces the file; the file is tried again then.';
