-- With those that have left: valid_to says when. `where valid_to is null` gives the
-- present members.
select * from {{ source("sendgrid", "segment_members") }}
