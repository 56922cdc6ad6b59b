-- Up to 18 digits, so that nothing overflows.
case when {value} ~ '^\s*[+-]?\d{{1,18}}\s*$' then ({value})::bigint end
