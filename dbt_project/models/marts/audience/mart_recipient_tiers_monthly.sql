{{
    config(
        unique_key=["recipient_key", "month"],
        incremental_strategy="replace_groups",
        meta={
            "through": "mart_recipient_engagement",
            "ages": true,
            "keeps": "engagement_tier <> 'none'",
        },
        tags=["objects"],
        pre_hook=[
            "{{ lock_model(ref('mart_recipient_engagement')) }}",
            "{{ join_by_hash() }}",
        ],
        post_hook="{{ end_following_messages('mart_recipient_engagement') }}",
        indexes=[{"columns": ["month", "engagement_tier"]}],
    )
}}

{#-
    The present month is as of today, and mart_recipient_engagement knows it. A month that is over is as of its last day: for
    everybody when it ends, afterwards only for those of whom something late turns up.
-#}
{#- Read only while following, which dbt does not do when it looks for dependencies. -#}
{%- do ref("int_message_changes") %}
{%- set follows = follows_messages("mart_recipient_engagement") %}
{%- set present_month -%} cast(date_trunc('month', {{ as_of() }}) as date) {%- endset %}
{%- set has_just_ended -%}
    (select max(month) from known) = {{ present_month }} - interval '1 month'
{%- endset %}

with

    engagement as not materialized(

        select
            *,
            cast(
                date_trunc('month', first_sent_at at time zone 'utc') as date
            ) as first_month
        from {{ ref("mart_recipient_engagement") }}
        where first_sent_at is not null

    ),

    suppressions as not materialized(

        select * from {{ ref("fct_suppression_history") }} where is_account_wide

    ),

    {% if follows %}

        known as not materialized(select * from {{ this }}),

        facts as not materialized(select * from {{ ref("fct_email_messages") }}),

        changed as (

            select messages.recipient_key
            from
                (
                    select *
                    from ({{ message_changes("mart_recipient_engagement") }}) as changes
                    -- most mail is of this month, and so are its signs
                    where
                        recipient_key is not null
                        and least(sent_at, first_human_open_at, first_human_click_at)
                        < {{ utc_midnight(present_month) }}
                    offset 0
                ) as messages {{ signs_by_day() }}
            where happening.day < {{ present_month }}
            group by messages.recipient_key, happening.kind, happening.day
            having sum(messages.weight) <> 0

        ),

        suppressed_at_the_end as (

            select distinct engagement.recipient_key, cast(month as date) as month
            from suppressions
            inner join
                engagement on suppressions.recipient_key = engagement.recipient_key
            cross join
                lateral generate_series(
                    greatest(
                        cast(engagement.first_month as timestamp),
                        date_trunc('month', suppressions.started_at at time zone 'utc')
                    ),
                    least(
                        cast({{ present_month }} as timestamp) - interval '1 month',
                        suppressions.ended_at at time zone 'utc' - interval '1 month'
                    ),
                    interval '1 month'
                ) as month

        ),

        touched as (

            select recipient_key
            from changed
            union
            -- of several months without an update everything is computed anew
            select recipient_key
            from engagement
            where
                (select max(month) from known)
                < {{ present_month }} - interval '1 month'
            union
            select
                coalesce(suppressed_at_the_end.recipient_key, known_then.recipient_key)
            from suppressed_at_the_end
            full outer join
                (
                    select recipient_key, month
                    from known
                    where engagement_tier = 'suppressed' and month < {{ present_month }}
                ) as known_then
                on suppressed_at_the_end.recipient_key = known_then.recipient_key
                and suppressed_at_the_end.month = known_then.month
            where
                suppressed_at_the_end.recipient_key is null
                or known_then.recipient_key is null

        ),

        -- Everybody's month that has just ended, all of it from indexes: everything
        -- that
        -- happened until then stands in it.
        carried as (

            select
                mail.recipient_key,
                cast({{ present_month }} - interval '1 month' as date) as month,
                mail.first_sent_date,
                mail.delivered,
                cast(
                    greatest(opened.at, clicked.at) at time zone 'utc' as date
                ) as last_engaged_date,
                cast(clicked.at at time zone 'utc' as date) as last_human_click_date

            from
                (
                    select
                        recipient_key,
                        min(case when is_sent then sent_date end) as first_sent_date,
                        sum(case when is_delivered then 1 else 0 end) as delivered
                    from facts
                    where
                        sent_date < {{ present_month }}
                        and recipient_key is not null
                        and {{ has_just_ended }}
                    group by recipient_key
                ) as mail
            {% for sign, moment in {
                    "opened": "first_human_open_at",
                    "clicked": "first_human_click_at",
                }.items() %}
                left join
                    (
                        select recipient_key, max({{ moment }}) as at
                        from facts
                        where
                            {{ moment }} < {{ utc_midnight(present_month) }}
                            and {{ has_just_ended }}
                        group by recipient_key
                    ) as {{ sign }}
                    on mail.recipient_key = {{ sign }}.recipient_key
            {% endfor %}
            where mail.recipient_key not in (select recipient_key from touched)

        ),

        messages as (

            select messages.*
            from touched
            cross join {{ messages_of("touched") }} as messages

        ),

    {% else %}

        messages as (

            select *
            from {{ ref("fct_email_messages") }}
            where recipient_key is not null

        ),

    {% endif %}

    happened as (

        select
            messages.recipient_key,
            cast(date_trunc('month', happening.day) as date) as month,
            min(
                case when happening.kind = 'sent' then happening.day end
            ) as first_sent_date,
            sum(case when happening.kind = 'delivered' then 1 else 0 end) as delivered,
            max(
                case when happening.kind in ('opened', 'clicked') then happening.day end
            ) as last_engaged_date,
            max(
                case when happening.kind = 'clicked' then happening.day end
            ) as last_human_click_date

        from messages {{ signs_by_day() }}
        where happening.day < {{ present_month }}
        group by
            messages.recipient_key, cast(date_trunc('month', happening.day) as date)

        {% if follows %}
            union all
            select *
            from carried
        {% endif %}

    ),

    begun as (

        select recipient_key, min(month) as first_month
        from happened
        group by recipient_key

        {% if follows %}
            union all

            select known.recipient_key, min(known.month)
            from known
            inner join touched on known.recipient_key = touched.recipient_key
            group by known.recipient_key
        {% endif %}

    ),

    months as (

        select
            begun.recipient_key,
            cast(month as date) as month,
            cast(month + interval '1 month' - interval '1 day' as date) as last_day

        from
            (
                select recipient_key, min(first_month) as first_month
                from begun
                group by recipient_key
            ) as begun
        cross join
            lateral generate_series(
                cast(begun.first_month as timestamp),
                cast({{ present_month }} as timestamp) - interval '1 month',
                interval '1 month'
            ) as month

    ),

    known_then as (

        select
            months.recipient_key,
            months.month,
            months.last_day,
            min(happened.first_sent_date) over until_then as first_sent_date,
            sum(happened.delivered) over until_then as delivered,
            max(happened.last_engaged_date) over until_then as last_engaged_date,
            max(happened.last_human_click_date) over until_then
            as last_human_click_date,
            exists (
                select 1
                from suppressions
                where
                    suppressions.recipient_key = months.recipient_key
                    and suppressions.started_at
                    < {{ utc_midnight("months.last_day + 1") }}
                    and (
                        suppressions.ended_at is null
                        or suppressions.ended_at
                        >= {{ utc_midnight("months.last_day + 1") }}
                    )
            ) as is_suppressed

        from months
        left join
            happened
            on months.recipient_key = happened.recipient_key
            and months.month = happened.month
        window until_then as (partition by months.recipient_key order by months.month)

    ),

    past as (

        select
            recipient_key,
            month,
            -- before the first message there is no recipient
            case
                when first_sent_date is null
                then 'none'
                else {{ engagement_tier("known_then", "known_then.last_day") }}
            end as engagement_tier
        from known_then

    ),

    moved as (

        select
            past.recipient_key,
            past.month,
            past.engagement_tier,
            coalesce(
                lag(past.engagement_tier) over (
                    partition by past.recipient_key order by past.month
                ),
                {% if follows -%} earlier.engagement_tier, {%- endif %}
                'none'
            ) as previous_tier
        from past
        {% if follows %}
            left join
                known as earlier
                on past.recipient_key = earlier.recipient_key
                and past.month = earlier.month + interval '1 month'
        {% endif %}

    ),

    {% if follows %}

        known_before as not materialized(

            select * from known where month = {{ present_month }} - interval '1 month'

        ),

        -- Whose tier is another one than at the last update, or was in a month before.
        present as (

            select
                coalesce(
                    engagement.recipient_key, known_now.recipient_key
                ) as recipient_key,
                coalesce(engagement.engagement_tier, 'none') as engagement_tier
            from engagement
            full outer join
                (select * from known where month = {{ present_month }}) as known_now
                on engagement.recipient_key = known_now.recipient_key
            where
                engagement.engagement_tier is distinct from known_now.engagement_tier
                or engagement.recipient_key in (select recipient_key from touched)

        ),

    {% else %} present as (select recipient_key, engagement_tier from engagement),

    {% endif %}

    final as (

        select recipient_key, month, engagement_tier, previous_tier
        from moved

        union all

        select
            present.recipient_key,
            {{ present_month }},
            present.engagement_tier,
            case
                when present.engagement_tier = 'none'
                then 'none'
                else
                    coalesce(
                        before.engagement_tier,
                        {% if follows -%} known_before.engagement_tier, {%- endif %}
                        'none'
                    )
            end
        from present
        left join
            past as before
            on present.recipient_key = before.recipient_key
            and before.month = {{ present_month }} - interval '1 month'
        {% if follows %}
            left join known_before on present.recipient_key = known_before.recipient_key
        {% endif %}

    )

select *
from final
{% if not follows %} where engagement_tier <> 'none' {% endif %}
