-- Only after a read that was proven complete.
update {target} as t
set deleted_at = %(now)s
where t.deleted_at is null and not exists (select from incoming as i where {same_thing});
