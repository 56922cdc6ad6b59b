-- Casts that give null for what does not fit, where a plain cast would fail the whole sync. They are slow, and are used
-- only on rows that changed; the first read of a large account casts plainly and comes here only where that fails.

create or replace function {raw}.number_or_null(value text) returns numeric
language plpgsql immutable strict as $$
begin
    return value::numeric;
exception when others then
    return null;
end
$$;

-- Custom dates arrive as ISO, as month/day/year or, from the legacy API, as unix seconds.
create or replace function {raw}.moment_or_null(value text) returns timestamptz
language plpgsql stable strict as $$
begin
    if value ~ '^-?[0-9]{{9,11}}$' then
        return to_timestamp(value::bigint);
    end if;
    return value::timestamptz;
exception when others then
    return null;
end
$$
