-- What changed or came back: the version that stood goes to the history, the row gets the new content. One statement, so that
-- the history sees the row as it was.
with replaced as (
    insert into {history} (object, id, valid_from, valid_to, record)
    select {object}, {id}, t.synced_at, coalesce(t.deleted_at, %(now)s), {record}
    from {target} as t
    inner join incoming as i on {same_key}
    where {keeps_history} and not i.unchanged and {differs} and t.synced_at < %(now)s
    on conflict do nothing
)

update {target} as t
set {assignments}, content_hash = i.content_hash, synced_at = %(now)s, deleted_at = null
from incoming as i
where {same_key} and not i.unchanged and {differs};
