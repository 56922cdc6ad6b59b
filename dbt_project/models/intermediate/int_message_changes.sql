{{
    config(
        incremental_strategy="append",
        full_refresh=false,
        on_schema_change="append_new_columns",
        indexes=[{"columns": ["change_id"]}],
        post_hook="{{ forget_applied_changes() }}",
    )
}}

-- Written by fct_email_messages (see incremental_strategies.sql); here only its shape.
select cast(null as bigint) as change_id, cast(null as smallint) as weight, messages.*

from {{ ref("fct_email_messages") }} as messages
where false
