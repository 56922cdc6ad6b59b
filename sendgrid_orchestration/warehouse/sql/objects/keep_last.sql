-- A row may come twice: from a second pass over pages that moved, or because SendGrid repeats it. The last one counts.
delete from incoming as i
using incoming as later
where {same_key} and i.arrival < later.arrival;
