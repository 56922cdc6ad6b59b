{#
    The columns of a relation, as dbt-postgres finds them, but from Postgres' catalog and as one value: dbt's own guesses types
    for a table of what the information schema tells. And an array's type is its type (`text[]`), which dbt calls `ARRAY`:
    unit tests on a relation with an array could not make their rows.
#}
{% macro postgres__get_columns_in_relation(relation) -%}
    {%- call statement("get_columns_in_relation", fetch_result=True) %}
        select
            cast(
                json_agg(
                    json_build_array(
                        attname,
                        format_type(atttypid, null),
                        case
                            when
                                atttypid in ('varchar'::regtype, 'bpchar'::regtype)
                                and atttypmod > 0
                            then atttypmod - 4
                        end,
                        case
                            when atttypid = 'numeric'::regtype and atttypmod > 0
                            then (atttypmod - 4) / 65536
                        end,
                        case
                            when atttypid = 'numeric'::regtype and atttypmod > 0
                            then (atttypmod - 4) % 65536
                        end
                    )
                    order by attnum
                ) as text
            ) as columns
        from pg_attribute
        where
            attrelid = to_regclass('{{ relation }}') and attnum > 0 and not attisdropped
    {%- endcall %}
    {%- set columns = [] -%}
    {%- for column in fromjson(
        load_result("get_columns_in_relation")["table"].rows[0][0] or "[]"
    ) -%}
        {%- do columns.append(api.Column(*column)) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{#
    What differs between a model's columns and its table's. As dbt's own, which however asks through the adapter: that prepares
    every macro anew for each question, a seventh of what dbt's threads have to do in an update of the marts.
#}
{% macro postgres__check_for_schema_changes(source_relation, target_relation) %}
    {%- set source_columns, target_columns = get_columns_in_relation(
        source_relation
    ), get_columns_in_relation(target_relation) -%}
    {%- set added, removed, retyped = (
        diff_columns(source_columns, target_columns),
        diff_columns(target_columns, source_columns),
        diff_column_data_types(source_columns, target_columns),
    ) -%}
    {{
        return(
            {
                "schema_changed": (added + removed + retyped) | length > 0,
                "source_not_in_target": added,
                "target_not_in_source": removed,
                "source_columns": source_columns,
                "target_columns": target_columns,
                "new_target_types": retyped,
            }
        )
    }}
{% endmacro %}

{#
    The columns whose type is no longer what the table has. As dbt's own, which however looks through all columns of the table
    for each column of the model: a fifth of dbt's time in an update of the marts.
#}
{% macro postgres__diff_column_data_types(source_columns, target_columns) %}
    {%- set targets = {} -%}
    {%- for column in target_columns -%}
        {%- do targets.update({column.name: column}) -%}
    {%- endfor -%}
    {%- set changed = [] -%}
    {%- for column in source_columns if column.name in targets -%}
        {%- set target_column = targets[column.name] -%}
        {%- if column.expanded_data_type != target_column.expanded_data_type and not column.can_expand_to(
            other_column=target_column
        ) -%}
            {%- do changed.append(
                {
                    "column_name": target_column.name,
                    "new_type": column.expanded_data_type,
                }
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(changed) }}
{% endmacro %}
