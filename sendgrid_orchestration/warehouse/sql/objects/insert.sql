insert into {target} ({columns}, content_hash, first_seen_at, synced_at)
select {incoming_columns}, i.content_hash, %(now)s, %(now)s
from incoming as i
where not i.unchanged and not exists (select from {target} as t where {same_key});
