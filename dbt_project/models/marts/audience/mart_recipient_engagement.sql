{{
    config(
        unique_key="recipient_key",
        incremental_strategy="replace_groups",
        full_refresh=false,
        meta={"ages": true},
        pre_hook=[
            "{{ lock_model(ref('fct_email_messages')) }}",
            "{{ join_by_hash() }}",
        ],
        post_hook="{{ end_following_messages() }}",
    )
}}

{#- Rebuilt in place also by --full-refresh: the view recipients stands on it. -#}
{#- Read only while following, which dbt does not do when it looks for dependencies. -#}
{%- do ref("int_suppression_events") %}
{%- set follows = follows_messages() %}
{%- set counts = recipient_counts().keys() | list %}
{%- set latest = recipient_moments().keys() | list %}

with

    {% if follows %}

        -- Of a message that changed several times, how it was and how it is: what it
        -- was in between would count among the last moments.
        changes as (

            select *
            from
                (
                    select
                        weight,
                        change_id,
                        min(change_id) over (
                            partition by message_key
                        ) as first_change_id,
                        max(change_id) over (
                            partition by message_key
                        ) as last_change_id,
                        message_key,
                        recipient_key,
                        recipient_domain,
                        mailbox_provider,
                        sent_date,
                        sent_at,
                        delivered_at,
                        bounced_at,
                        last_open_at,
                        first_human_open_at,
                        last_human_open_at,
                        first_click_at,
                        first_human_click_at,
                        last_human_click_at,
                        spam_reported_at,
                        unsubscribed_at,
                        group_unsubscribed_at,
                        bounce_class,
                        is_sent,
                        is_delivered,
                        is_bounced,
                        is_opened_human,
                        is_clicked_human,
                        is_spam_reported,
                        is_opted_out
                    from
                        (
                            {#- The longest of all that follow: dbt starts it first because it waits for nothing else. -#}
                            {{ message_changes(log=changes_relation()) }}
                        ) as changed
                    where recipient_key is not null
                ) as changed
            where
                (weight < 0 and change_id = first_change_id)
                or (weight > 0 and change_id = last_change_id)

        ),

        known as not materialized(select * from {{ this }}),

        -- What the changed messages add and take away, on the day of the last update …
        changed as ({{ sums_of_recipients("changes", seen_on(), before=true) }}),

        -- … and what the days since then did to the messages as they are now.
        aged as ({{ sums_of_time_passed() }}),

        -- A first or last moment may have been taken back: their messages are all
        -- looked at.
        unsure as (

            select known.recipient_key
            from known
            inner join changed on known.recipient_key = changed.recipient_key
            where
                changed.versions_before > 0
                and (
                    {% for moment in latest %}
                        {%- set lost = ">" if moment == "first_sent_at" else "<" -%}
                        (
                            known.{{ moment }} = changed.{{ moment }}_before
                            and (
                                changed.{{ moment }} is null
                                or changed.{{ moment }} {{ lost }} known.{{ moment }}
                            )
                        )
                        {{ "or" if not loop.last }}
                    {% endfor %}
                )

        ),

        messages_of_unsure as (

            select 1 as weight, messages.*
            from unsure
            cross join {{ messages_of("unsure") }} as messages

        ),

        looked_up as ({{ sums_of_recipients("messages_of_unsure", as_of()) }}),

    {% else %}

        messages as (

            select 1 as weight, messages.*
            from {{ ref("fct_email_messages") }} as messages
            where recipient_key is not null

        ),

        looked_up as ({{ sums_of_recipients("messages", as_of()) }}),

    {% endif %}

    suppressed as (

        select
            recipient_key,
            string_agg(
                distinct suppression_type, ',' order by suppression_type
            ) as suppressions

        from {{ ref("fct_suppression_history") }}
        where is_current and is_account_wide
        group by recipient_key

    ),

    {% if follows %}

        -- Delivered since the last sign of engagement, as far as it can go on from
        -- what it was.
        delivered_more as (

            select changes.recipient_key, sum(changes.weight) as delivered
            from changes
            inner join known on changes.recipient_key = known.recipient_key
            where {{ is_delivered_since("changes", "known") }}
            group by changes.recipient_key

        ),

        opened_anew as (

            select distinct recipient_key
            from
                (
                    select recipient_key
                    from changes
                    where first_human_open_at is not null
                    group by recipient_key, message_key, first_human_open_at
                    having sum(weight) <> 0
                ) as opened

        ),

        favourites as (

            select
                messages.recipient_key,
                {{ favourite("hour") }} as favourite_hour,
                {{ favourite("isodow") }} as favourite_day_of_week
            from opened_anew
            cross join {{ messages_of("opened_anew") }} as messages
            group by messages.recipient_key

        ),

        recipients as (

            select
                looked_up.recipient_key,
                looked_up.recipient_domain,
                looked_up.mailbox_provider,
                {% for column in counts + latest %} looked_up.{{ column }}, {% endfor %}
                -- nothing goes on from what it was
                cast(null as bigint) as delivered_before,
                cast(null as timestamptz) as engaged_before,
                true as is_looked_up,
                known.favourite_hour,
                known.favourite_day_of_week
            from looked_up
            left join known on looked_up.recipient_key = known.recipient_key

            union all

            select
                coalesce(known.recipient_key, changed.recipient_key),
                coalesce(changed.recipient_domain, known.recipient_domain),
                coalesce(changed.mailbox_provider, known.mailbox_provider),
                {% for count in counts %}
                    coalesce(known.{{ count }}, 0)
                    + coalesce(changed.{{ count }}, 0)
                    + coalesce(aged.{{ count }}, 0),
                {% endfor %}
                {% for moment in latest %}
                    {{ "least" if moment == "first_sent_at" else "greatest" }}
                    (known.{{ moment }}, changed.{{ moment }}),
                {% endfor %}
                known.delivered_since_engaged,
                known.last_engaged_at,
                known.recipient_key is null,
                known.favourite_hour,
                known.favourite_day_of_week

            from known
            full outer join changed on known.recipient_key = changed.recipient_key
            left join
                aged
                on coalesce(known.recipient_key, changed.recipient_key)
                = aged.recipient_key
            left join
                suppressed
                on coalesce(known.recipient_key, changed.recipient_key)
                = suppressed.recipient_key
            left join unsure on known.recipient_key = unsure.recipient_key
            where
                unsure.recipient_key is null
                and (
                    changed.recipient_key is not null
                    or aged.recipient_key is not null
                    -- whose tier time alone changes today
                    or known.revisit_on <= {{ as_of() }}
                    or known.suppressions is distinct from suppressed.suppressions
                )

        ),

    {% else %}

        favourites as (

            select
                recipient_key,
                {{ favourite("hour") }} as favourite_hour,
                {{ favourite("isodow") }} as favourite_day_of_week
            from messages
            group by recipient_key

        ),

        recipients as (select * from looked_up),

    {% endif %}

    dated as (

        select
            recipients.*,
            suppressed.suppressions,
            suppressed.recipient_key is not null as is_suppressed,
            greatest(
                recipients.last_human_open_at, recipients.last_human_click_at
            ) as last_engaged_at,
            cast(
                recipients.first_sent_at at time zone 'utc' as date
            ) as first_sent_date,
            cast(
                recipients.last_human_click_at at time zone 'utc' as date
            ) as last_human_click_date,
            cast(
                greatest(recipients.last_human_open_at, recipients.last_human_click_at)
                at time zone 'utc' as date
            ) as last_engaged_date,
            cast(
                round(
                    100 * (1 - exp(- greatest(recipients.engagement_points, 0) / 10.0))
                ) as integer
            ) as engagement_score

        from recipients
        left join suppressed on recipients.recipient_key = suppressed.recipient_key

    ),

    {% if follows %}

        since as (

            select
                dated.*,
                case
                    when dated.is_recounted
                    then recounted.delivered
                    else dated.delivered_before + coalesce(more.delivered, 0)
                end as delivered_since_engaged

            from
                (
                    select
                        *,
                        is_looked_up
                        or last_engaged_at
                        is distinct from engaged_before as is_recounted
                    from dated
                    -- worked out once, not wherever it is used
                    offset 0
                ) as dated
            left join delivered_more as more on dated.recipient_key = more.recipient_key
            cross join
                lateral(
                    select count(*) as delivered
                    from {{ ref("fct_email_messages") }} as messages
                    where
                        dated.is_recounted
                        and messages.recipient_key = dated.recipient_key
                        and messages.is_delivered
                        and messages.sent_date
                        >= coalesce(dated.last_engaged_date, '-infinity')
                        and messages.sent_at
                        > coalesce(dated.last_engaged_at, '-infinity')
                ) as recounted

        ),

    {% else %}

        since as (

            select
                dated.*, coalesce(delivered.since_engaged, 0) as delivered_since_engaged
            from dated
            left join
                (
                    select dated.recipient_key, count(*) as since_engaged
                    from dated
                    inner join messages on dated.recipient_key = messages.recipient_key
                    where {{ is_delivered_since("messages", "dated") }}
                    group by dated.recipient_key
                ) as delivered
                on dated.recipient_key = delivered.recipient_key

        ),

    {% endif %}

    final as (

        select
            since.recipient_key,
            since.recipient_domain,
            since.mailbox_provider,
            {{ engagement_tier("since", as_of()) }} as engagement_tier,
            since.engagement_score,
            {{ recency_score("since.last_engaged_date") }} as recency_score,
            {{ frequency_score("since.opened_human_90d") }} as frequency_score,
            {{ depth_score("since.engagement_score") }} as depth_score,
            cast(since.engagement_points as numeric(14, 5)) as engagement_points,
            since.is_suppressed,
            since.suppressions,
            not since.is_suppressed
            and since.delivered_since_engaged >= {{ var("tier_judged_after_messages") }}
            and (
                since.last_engaged_date is null
                or {{ as_of() }} - since.last_engaged_date
                > {{ var("tier_lapsed_days") }}
            ) as is_sunset_candidate,
            cast(since.delivered_since_engaged as bigint) as delivered_since_engaged,

            {% for count in counts if count != "engagement_points" %}
                cast(since.{{ count }} as bigint) as {{ count }},
            {% endfor %}
            {{ rate("since.opened_human_90d", "since.delivered_90d") }}
            as unique_open_rate_human_90d,
            {{ rate("since.clicked_human_90d", "since.delivered_90d") }}
            as click_rate_human_90d,

            {% for moment in latest %} since.{{ moment }}, {% endfor %}
            since.last_engaged_at,
            {% for favourite in ["favourite_hour", "favourite_day_of_week"] %}
                {%- if follows %}
                    case
                        when favourites.recipient_key is null
                        then since.{{ favourite }}
                        else favourites.{{ favourite }}
                    end as {{ favourite }},
                {%- else %} favourites.{{ favourite }},
                {%- endif %}
            {%- endfor %}
            {{ next_tier_change("since") }} as revisit_on

        from since
        left join favourites on since.recipient_key = favourites.recipient_key

    )

select *
from final
