{{
    config(
        unique_key=["sent_date", "category"],
        incremental_strategy="replace_groups",
        pre_hook="{{ lock_model(ref('fct_email_messages')) }}",
        post_hook="{{ end_following_messages() }}",
    )
}}

-- A message in two categories counts in both: the categories of a day add up to more
-- than the day.
with

    messages as (

        select changed.*, categories.category
        from ({{ message_changes() }}) as changed
        cross join
            lateral(
                select distinct {{ bounded("named.category") }} as category
                from unnest(changed.categories) as named(category)
            ) as categories

    ),

    changes as (

        select sent_date, category, {{ sum_messages() }}
        from messages
        where category <> ''
        group by sent_date, category

    ),

    totals as (

        {{
            add_to_totals(
                "changes",
                ["sent_date", "category"],
                also="not is_mature and " ~ is_mature("sent_date"),
            )
        }}

    ),

    final as (

        select
            sent_date,
            category,
            {{ counter_names() | join(", ") }},
            {{ message_rates() }},
            {{ is_mature("sent_date") }} as is_mature

        from totals

    )

select *
from final
