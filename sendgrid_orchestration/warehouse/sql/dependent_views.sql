-- The views that need a column, directly or through other views, each with the statements that create it as it is.
with recursive

    dependent as (

        select rewrite.ev_class as view, 1 as depth
        from pg_depend as needs
        inner join pg_rewrite as rewrite on needs.objid = rewrite.oid
        where
            needs.classid = 'pg_rewrite'::regclass
            and needs.refclassid = 'pg_class'::regclass
            and needs.refobjid = %(relation)s::regclass
            and needs.refobjsubid = (
                select attnum
                from pg_attribute
                where attrelid = %(relation)s::regclass and attname = %(column)s
            )

        union

        select rewrite.ev_class, dependent.depth + 1
        from dependent
        inner join pg_depend as needs on dependent.view = needs.refobjid
        inner join pg_rewrite as rewrite on needs.objid = rewrite.oid
        where
            needs.classid = 'pg_rewrite'::regclass
            and needs.refclassid = 'pg_class'::regclass
            and rewrite.ev_class <> dependent.view

    ),

    found as (

        select
            class.oid,
            class.relkind,
            class.reloptions,
            class.relowner,
            class.relacl,
            format('%%I.%%I', schema.nspname, class.relname) as name,
            max(dependent.depth) as depth
        from dependent
        inner join pg_class as class on dependent.view = class.oid
        inner join pg_namespace as schema on class.relnamespace = schema.oid
        group by class.oid, schema.nspname

    )

select
    name,
    relkind = 'v' as is_plain,
    format(
        'create view %%s%%s as %%s',
        name,
        ' with (' || array_to_string(reloptions, ', ') || ')',
        pg_get_viewdef(oid)
    ) as definition,
    array[format('alter view %%s owner to %%I', name, pg_get_userbyid(relowner))]
    || array(
        select
            format(
                'grant %%s on %%s to %%s%%s',
                granted.privilege_type,
                name,
                case granted.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(granted.grantee)) end,
                case when granted.is_grantable then ' with grant option' end
            )
        from aclexplode(relacl) as granted
    )
    || array(
        select
            case
                when objsubid = 0 then format('comment on view %%s is %%L', name, description)
                else
                    format(
                        'comment on column %%s.%%I is %%L',
                        name,
                        (select attname from pg_attribute where attrelid = found.oid and attnum = objsubid),
                        description
                    )
            end
        from pg_description
        where classoid = 'pg_class'::regclass and objoid = found.oid
    ) as properties
from found
order by depth, name
