{#
    Post-hook: for each list of columns an index of the rows that have a value in its first column. dbt's `indexes` cannot
    leave rows out, and of a day's messages few are opened. Made with the table, and again wherever one has none.
#}
{% macro partial_indexes(indexes) -%}
    do $$
    begin
        if not exists (
            select 1
            from pg_index
            where indrelid = '{{ this }}'::regclass and indpred is not null
        ) then
            {% for columns in indexes %}
                create index on {{ this }} ({{ columns | join(", ") }})
                where {{ columns[0] }} is not null;
            {% endfor %}
        end if;
    end
    $$
{%- endmacro %}
