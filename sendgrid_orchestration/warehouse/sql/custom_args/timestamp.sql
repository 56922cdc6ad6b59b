-- Unix seconds, Unix milliseconds, or ISO 8601: a day, with or without a time, with or without an offset (else UTC).
-- Built from immutable parts, because a generated column accepts no other and a cast of text to a timestamp depends on
-- the session. The days are added to the first of the month and must end in that month, so that the 30th of February
-- is null and not an error. Cases are nested because `and` does not promise to look at its left side first. Digits are
-- spelled out: what \d matches depends on the database's locale, and the casts know ASCII alone.
case
    when {value} ~ '^[0-9]{{9,10}}(\.[0-9]{{1,6}})?$' then to_timestamp(({value})::double precision)
    when {value} ~ '^[0-9]{{12,13}}$' then to_timestamp(({value})::double precision / 1000)
    when {value} ~ '^[12][0-9]{{3}}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{{1,9}})?)?( ?([Zz]|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?))?)?$'
        then case
            when extract(
                month from make_date(substr({value}, 1, 4)::integer, substr({value}, 6, 2)::integer, 1)
                + (substr({value}, 9, 2)::integer - 1)
            ) = substr({value}, 6, 2)::integer
                then (
                    make_date(substr({value}, 1, 4)::integer, substr({value}, 6, 2)::integer, 1)
                    + (substr({value}, 9, 2)::integer - 1)
                    + make_interval(
                        hours => coalesce(substring({value} from '[T ]([0-9]{{2}}):'), '0')::integer,
                        mins => coalesce(substring({value} from '[T ][0-9]{{2}}:([0-9]{{2}})'), '0')::integer,
                        secs => coalesce(
                            substring({value} from '[T ][0-9]{{2}}:[0-9]{{2}}:([0-9]{{2}}(?:\.[0-9]+)?)'), '0'
                        )::double precision
                    )
                    - make_interval(
                        hours => coalesce(
                            substring({value} from '[T ].*[+-]([0-9]{{2}})(?::?[0-9]{{2}})?$'), '0'
                        )::integer,
                        mins => coalesce(
                            substring({value} from '[T ].*[+-][0-9]{{2}}:?([0-9]{{2}})$'), '0'
                        )::integer
                    )
                    * case when {value} ~ '[T ].*-' then -1 else 1 end
                ) at time zone 'UTC'
        end
end
