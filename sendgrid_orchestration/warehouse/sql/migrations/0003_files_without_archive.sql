-- Each load asks which loaded files are not known to be archived: nearly always none, of millions after some years.

create index landed_files_without_archive on {raw}.landed_files (file_name) where archive_path is null;
