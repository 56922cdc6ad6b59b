-- The same content in other words (a column moved in the export, say): nothing to report, and nothing to compare next time.
update {target} as t
set content_hash = i.content_hash
from incoming as i
where {same_key} and not i.unchanged and t.content_hash is distinct from i.content_hash;
