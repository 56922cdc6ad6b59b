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
        indexes=[{"columns": ["revisit_on"]}, {"columns": ["engagement_tier"]}],
    )
}}

{#- Rebuilt in place also by --full-refresh: the view recipients stands on it. -#}
{#- Read only while following, which dbt does not do when it looks for dependencies. -#}
{%- do [ref("int_message_changes"), ref("int_suppression_events")] %}
{%- set follows = follows_messages() %}
{%- set counts = recipient_counts().keys() | list %}
{%- set latest = recipient_moments().keys() | list %}

with

    {% if follows %}

        -- Of a message that changed several times, how it was and how it is: what it
        -- was
        -- in between would count among the last moments.
        changes as (

            select *
            from
                (
                    select
                        *,
                        min(change_id) over (
                            partition by message_key
                        ) as first_change_id,
                        max(change_id) over (partition by message_key) as last_change_id
                    from ({{ message_changes() }}) as changed
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

        touched as (

            select recipient_key
            from changed
            union
            select recipient_key
            from aged
            union
            -- those whose tier time alone changes today
            select recipient_key
            from known
            where revisit_on <= {{ as_of() }}
            union
            select coalesce(known.recipient_key, suppressed.recipient_key)
            from (select * from known where suppressions is not null) as known
            full outer join suppressed on known.recipient_key = suppressed.recipient_key
            where known.suppressions is distinct from suppressed.suppressions

        ),

        added_up as (

            select
                touched.recipient_key,
                coalesce(
                    changed.recipient_domain, known.recipient_domain
                ) as recipient_domain,
                coalesce(
                    changed.mailbox_provider, known.mailbox_provider
                ) as mailbox_provider,
                {% for count in counts -%}
                    coalesce(known.{{ count }}, 0)
                    + coalesce(changed.{{ count }}, 0)
                    + coalesce(aged.{{ count }}, 0) as {{ count }},
                {% endfor %}
                {% for moment in latest -%}
                    {{ "least" if moment == "first_sent_at" else "greatest" }}
                    (known.{{ moment }}, changed.{{ moment }}) as {{ moment }}
                    {{- "," if not loop.last }}
                {% endfor %}

            from touched
            left join known on touched.recipient_key = known.recipient_key
            left join changed on touched.recipient_key = changed.recipient_key
            left join aged on touched.recipient_key = aged.recipient_key
            where
                touched.recipient_key not in (select recipient_key from unsure)
                -- a suppressed address that never got mail has no row
                and coalesce(known.recipient_key, changed.recipient_key) is not null

        ),

    {% endif %}

    recipients as (

        select
            recipient_key,
            recipient_domain,
            mailbox_provider,
            {{ (counts + latest) | join(", ") }}
        from looked_up
        {% if follows %}
            union all
            select *
            from added_up
        {% endif %}

    ),

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

        -- Whose count can go on from what it was: nobody who was looked up, or has
        -- given a sign since.
        unmoved as (

            select dated.recipient_key, known.delivered_since_engaged
            from dated
            inner join known on dated.recipient_key = known.recipient_key
            where
                dated.last_engaged_at is not distinct from known.last_engaged_at
                and dated.recipient_key not in (select recipient_key from unsure)

        ),

        since as (

            select
                unmoved.recipient_key,
                unmoved.delivered_since_engaged
                + coalesce(more.delivered, 0) as delivered_since_engaged
            from unmoved
            left join
                (
                    select
                        changes.recipient_key,
                        sum(
                            case
                                when
                                    changes.is_delivered
                                    and (
                                        known.last_engaged_at is null
                                        or changes.sent_at > known.last_engaged_at
                                    )
                                then changes.weight
                                else 0
                            end
                        ) as delivered
                    from changes
                    inner join known on changes.recipient_key = known.recipient_key
                    group by changes.recipient_key
                ) as more
                on unmoved.recipient_key = more.recipient_key

            union all

            select dated.recipient_key, messages.delivered
            from dated
            cross join
                lateral(
                    select count(*) as delivered
                    from {{ ref("fct_email_messages") }} as messages
                    where
                        messages.recipient_key = dated.recipient_key
                        and messages.is_delivered
                        and messages.sent_date
                        >= coalesce(dated.last_engaged_date, '-infinity')
                        and messages.sent_at
                        > coalesce(dated.last_engaged_at, '-infinity')
                ) as messages
            where dated.recipient_key not in (select recipient_key from unmoved)

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

    {% else %}

        since as (

            select dated.recipient_key, count(*) as delivered_since_engaged
            from dated
            inner join messages on dated.recipient_key = messages.recipient_key
            where
                messages.is_delivered
                and (
                    dated.last_engaged_at is null
                    or messages.sent_at > dated.last_engaged_at
                )
            group by dated.recipient_key

        ),

        favourites as (

            select
                recipient_key,
                {{ favourite("hour") }} as favourite_hour,
                {{ favourite("isodow") }} as favourite_day_of_week
            from messages
            group by recipient_key

        ),

    {% endif %}

    final as (

        select
            dated.recipient_key,
            dated.recipient_domain,
            dated.mailbox_provider,
            {{ engagement_tier("dated", as_of()) }} as engagement_tier,
            dated.engagement_score,
            {{ recency_score("dated.last_engaged_date") }} as recency_score,
            {{ frequency_score("dated.opened_human_90d") }} as frequency_score,
            {{ depth_score("dated.engagement_score") }} as depth_score,
            cast(dated.engagement_points as numeric(14, 5)) as engagement_points,
            dated.is_suppressed,
            dated.suppressions,
            not dated.is_suppressed
            and coalesce(since.delivered_since_engaged, 0)
            >= {{ var("tier_judged_after_messages") }}
            and (
                dated.last_engaged_date is null
                or {{ as_of() }} - dated.last_engaged_date
                > {{ var("tier_lapsed_days") }}
            ) as is_sunset_candidate,
            cast(
                coalesce(since.delivered_since_engaged, 0) as bigint
            ) as delivered_since_engaged,

            {% for count in counts if count != "engagement_points" %}
                cast(dated.{{ count }} as bigint) as {{ count }},
            {% endfor %}
            {{ rate("dated.opened_human_90d", "dated.delivered_90d") }}
            as unique_open_rate_human_90d,
            {{ rate("dated.clicked_human_90d", "dated.delivered_90d") }}
            as click_rate_human_90d,

            {% for moment in latest %} dated.{{ moment }}, {% endfor %}
            dated.last_engaged_at,
            {% for favourite in ["favourite_hour", "favourite_day_of_week"] %}
                {%- if follows %}
                    case
                        when favourites.recipient_key is null
                        then known.{{ favourite }}
                        else favourites.{{ favourite }}
                    end as {{ favourite }},
                {%- else %} favourites.{{ favourite }},
                {%- endif %}
            {%- endfor %}
            {{ next_tier_change("dated") }} as revisit_on

        from dated
        left join since on dated.recipient_key = since.recipient_key
        left join favourites on dated.recipient_key = favourites.recipient_key
        {% if follows %}
            left join known on dated.recipient_key = known.recipient_key
        {% endif %}

    )

select *
from final
