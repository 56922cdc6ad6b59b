-- Up to 18 digits, so that nothing overflows. Classes are spelled out: what \s and \d match depends on the database's locale,
-- and the cast knows ASCII alone.
case when {value} ~ '^[ \t\n\r\f\v]*[+-]?[0-9]{{1,18}}[ \t\n\r\f\v]*$' then ({value})::bigint end
