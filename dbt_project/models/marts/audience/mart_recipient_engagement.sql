{{
    config(
        unique_key="recipient_key",
        incremental_strategy="replace_groups",
        full_refresh=false,
        pre_hook="{{ lock_model(ref('fct_email_messages')) }}",
        post_hook="{{ end_following_messages() }}",
        indexes=[{"columns": ["revisit_on"]}, {"columns": ["engagement_tier"]}],
    )
}}

{#- Rebuilt in place also by --full-refresh: the view recipients stands on it. -#}
{%- set follows = follows_messages() %}
{%- set windows = [30, 90, 180] %}

with

    changed as (

        select distinct recipient_key
        from ({{ message_changes() }}) as messages
        where recipient_key is not null

    ),

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
            -- those for whom time alone changes something today
            select recipient_key
            from {{ this }}
            where revisit_on <= {{ as_of() }}
            union
            select known.recipient_key
            from {{ this }} as known
            inner join suppressed on known.recipient_key = suppressed.recipient_key
            where known.suppressions is distinct from suppressed.suppressions
            union
            select recipient_key
            from {{ this }}
            where
                suppressions is not null
                and recipient_key not in (select recipient_key from suppressed)

        ),

        messages as (

            select messages.*
            from touched
            inner join
                {{ ref("fct_email_messages") }} as messages
                on touched.recipient_key = messages.recipient_key

        ),

    {% else %}

        messages as (

            select *
            from {{ ref("fct_email_messages") }}
            where recipient_key is not null

        ),

    {% endif %}

    recipients as (

        select
            recipient_key,
            max(recipient_domain) as recipient_domain,
            max(mailbox_provider) as mailbox_provider,
            count(*) as messages,

            -- for ever
            sum(case when is_sent then 1 else 0 end) as sent,
            sum(case when is_delivered then 1 else 0 end) as delivered,
            sum(
                case when is_delivered and is_opened_human then 1 else 0 end
            ) as opened_human,
            sum(
                case when is_delivered and is_clicked_human then 1 else 0 end
            ) as clicked_human,
            sum(case when is_bounced then 1 else 0 end) as bounced,
            sum(
                case when is_bounced and bounce_class = 'hard' then 1 else 0 end
            ) as hard_bounced,
            sum(case when is_spam_reported then 1 else 0 end) as spam_reported,
            sum(case when is_opted_out then 1 else 0 end) as opted_out,

            -- mail of the last days
            {% for days in windows %}
                sum(
                    case
                        when is_sent and sent_date > {{ as_of() }} - {{ days }}
                        then 1
                        else 0
                    end
                ) as sent_{{ days }}d,
                sum(
                    case
                        when is_delivered and sent_date > {{ as_of() }} - {{ days }}
                        then 1
                        else 0
                    end
                ) as delivered_{{ days }}d,
                sum(
                    case
                        when
                            is_delivered
                            and is_opened_human
                            and sent_date > {{ as_of() }} - {{ days }}
                        then 1
                        else 0
                    end
                ) as opened_human_{{ days }}d,
                sum(
                    case
                        when
                            is_delivered
                            and is_clicked_human
                            and sent_date > {{ as_of() }} - {{ days }}
                        then 1
                        else 0
                    end
                ) as clicked_human_{{ days }}d,
            {% endfor %}

            min(case when is_sent then sent_at end) as first_sent_at,
            max(case when is_sent then sent_at end) as last_sent_at,
            max(case when is_delivered then delivered_at end) as last_delivered_at,
            max(last_open_at) as last_open_at,
            max(first_click_at) as last_click_at,
            max(last_human_open_at) as last_human_open_at,
            max(last_human_click_at) as last_human_click_at,
            max(case when is_bounced then bounced_at end) as last_bounced_at,
            mode() within group (
                order by
                    extract(
                        hour
                        from
                            first_human_open_at at time zone '{{ var("reporting_timezone") }}'
                    )
            ) as favourite_hour,
            mode() within group (
                order by
                    extract(
                        isodow
                        from
                            first_human_open_at at time zone '{{ var("reporting_timezone") }}'
                    )
            ) as favourite_day_of_week,

            greatest(
                sum(
                    {{ decayed(5, "first_human_click_at") }}
                    + {{ decayed(1, "first_human_open_at") }}
                    +
                    {{
                        decayed(
                            -10,
                            "case when is_opted_out then least(unsubscribed_at, group_unsubscribed_at) end",
                        )
                    }}
                    + {{ decayed(-20, "spam_reported_at") }}
                ),
                0
            ) as engagement_points,
            min(
                least(
                    {% for days in windows %}
                        {{ if_future("sent_date + " ~ days) }},
                    {% endfor %}
                    {{ next_decay("first_human_click_at") }},
                    {{ next_decay("first_human_open_at") }},
                    {{ next_decay("least(unsubscribed_at, group_unsubscribed_at)") }},
                    {{ next_decay("spam_reported_at") }}
                )
            ) as next_message_change

        from messages
        group by recipient_key

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
                    cast(
                        100 * (1 - exp(- recipients.engagement_points / 10)) as numeric
                    )
                ) as integer
            ) as engagement_score

        from recipients
        left join suppressed on recipients.recipient_key = suppressed.recipient_key

    ),

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
            coalesce(since.delivered_since_engaged, 0) as delivered_since_engaged,

            dated.messages,
            dated.sent,
            dated.delivered,
            dated.opened_human,
            dated.clicked_human,
            dated.bounced,
            dated.hard_bounced,
            dated.spam_reported,
            dated.opted_out,
            {% for days in windows %}
                dated.sent_{{ days }}d,
                dated.delivered_{{ days }}d,
                dated.opened_human_{{ days }}d,
                dated.clicked_human_{{ days }}d,
            {% endfor %}
            {{ rate("dated.opened_human_90d", "dated.delivered_90d") }}
            as unique_open_rate_human_90d,
            {{ rate("dated.clicked_human_90d", "dated.delivered_90d") }}
            as click_rate_human_90d,

            dated.first_sent_at,
            dated.last_sent_at,
            dated.last_delivered_at,
            dated.last_open_at,
            dated.last_click_at,
            dated.last_human_open_at,
            dated.last_human_click_at,
            dated.last_engaged_at,
            dated.last_bounced_at,
            cast(dated.favourite_hour as integer) as favourite_hour,
            cast(dated.favourite_day_of_week as integer) as favourite_day_of_week,
            least(
                dated.next_message_change, {{ next_tier_change("dated") }}
            ) as revisit_on

        from dated
        left join since on dated.recipient_key = since.recipient_key

    )

select *
from final
