{#
    One row per list (or segment) and day: its size at the end of the day, who came and went, how many of its members may
    not be mailed, and how the mail that was sent on that day to those who were members at that moment fared.

    Memberships are known since the first sync; mail sent earlier belongs to no list. Each update looks again at the mail of
    days whose mail changed, and of days that came out different: a name, a membership or a suppression that was told late.

    groups: the table of lists or segments
    members: the table of their members
    group_id: the column in it that names the list or segment
#}
{% macro membership_health(groups, members, group_id) -%}
    {%- set follows = follows_messages() -%}
    {%- set columns = [
        "members",
        "members_added",
        "members_removed",
        "members_suppressed",
    ] -%}
    {%- set counters = [
        "sent",
        "delivered",
        "bounced",
        "hard_bounced",
        "opened_human",
        "clicked_human",
        "spam_reported",
        "opted_out",
    ] -%}

    with

        changed as (
            select distinct sent_date from ({{ message_changes() }}) as messages
        ),

        members as (select * from {{ source("sendgrid", members) }}),

        contacts as (

            select id, {{ recipient_key("email") }} as recipient_key
            from {{ source("sendgrid", "recipients") }}
            where email <> ''

        ),

        days as (

            select cast(day as date) as snapshot_date
            from
                generate_series(
                    (
                        select min(cast(valid_from at time zone 'utc' as date))
                        from members
                    ),
                    {{ as_of() }},
                    interval '1 day'
                ) as day

        ),

        -- Times in which an address may not be mailed, without overlaps.
        suppressed as (

            select
                contacts.id as contact_id,
                unnest(
                    range_agg(tstzrange(history.started_at, history.ended_at))
                ) as span
            from {{ ref("fct_suppression_history") }} as history
            inner join contacts on history.recipient_key = contacts.recipient_key
            where history.is_account_wide
            group by contacts.id

        ),

        suppressed_members as (

            select
                members.{{ group_id }},
                suppressed.span
                * tstzrange(members.valid_from, members.valid_to) as span
            from members
            inner join
                suppressed
                on members.contact_id = suppressed.contact_id
                and suppressed.span && tstzrange(members.valid_from, members.valid_to)

        ),

        moves as (

            select
                {{ group_id }},
                cast(valid_from at time zone 'utc' as date) as day,
                1 as joined,
                0 as went,
                0 as suppressed
            from members
            union all
            select {{ group_id }}, cast(valid_to at time zone 'utc' as date), 0, 1, 0
            from members
            where valid_to is not null
            union all
            select {{ group_id }}, cast(lower(span) at time zone 'utc' as date), 0, 0, 1
            from suppressed_members
            union all
            select
                {{ group_id }}, cast(upper(span) at time zone 'utc' as date), 0, 0, -1
            from suppressed_members
            where upper(span) is not null

        ),

        moves_by_day as (

            select
                {{ group_id }},
                day,
                sum(joined) as joined,
                sum(went) as went,
                sum(suppressed) as suppressed
            from moves
            group by {{ group_id }}, day

        ),

        begun as (

            select {{ group_id }}, min(day) as first_date
            from moves_by_day
            group by {{ group_id }}

        ),

        sizes as (

            select
                begun.{{ group_id }},
                days.snapshot_date,
                coalesce(moves_by_day.joined, 0) as members_added,
                coalesce(moves_by_day.went, 0) as members_removed,
                sum(
                    coalesce(moves_by_day.joined, 0) - coalesce(moves_by_day.went, 0)
                ) over until_then as members,
                sum(coalesce(moves_by_day.suppressed, 0)) over until_then
                as members_suppressed

            from begun
            inner join days on days.snapshot_date >= begun.first_date
            left join
                moves_by_day
                on begun.{{ group_id }} = moves_by_day.{{ group_id }}
                and days.snapshot_date = moves_by_day.day
            window
                until_then as (
                    partition by begun.{{ group_id }} order by days.snapshot_date
                )

        ),

        named as (
            select id, name, deleted_at is not null as is_deleted
            from {{ source("sendgrid", groups) }}
        ),

        sized as (

            select
                sizes.snapshot_date,
                sizes.{{ group_id }},
                coalesce(named.name, sizes.{{ group_id }}) as name,
                coalesce(named.is_deleted, true) as is_deleted,
                {% for column in columns -%}
                    cast(sizes.{{ column }} as bigint) as {{ column }},
                {% endfor %}
                {{ is_mature("sizes.snapshot_date") }} as is_mature
            from sizes
            left join named on sizes.{{ group_id }} = named.id

        ),

        due as (

            select snapshot_date
            from days
            {% if follows %}
                where snapshot_date in (select sent_date from changed)

                union

                select sized.snapshot_date
                from sized
                left join
                    {{ this }} as known
                    on sized.snapshot_date = known.snapshot_date
                    and sized.{{ group_id }} = known.{{ group_id }}
                where
                    {% for column in ["name", "is_deleted", "is_mature"] + columns %}
                        sized.{{ column }} is distinct from known.{{ column }}
                        {{ "or" if not loop.last }}
                    {% endfor %}
            {% endif %}

        ),

        mail as (

            select
                members.{{ group_id }},
                messages.sent_date,
                {{ sum_messages(only=counters) }}

            from due
            inner join
                (select 1 as weight, * from {{ ref("fct_email_messages") }}) as messages
                on due.snapshot_date = messages.sent_date
            inner join contacts on messages.recipient_key = contacts.recipient_key
            inner join
                members
                on contacts.id = members.contact_id
                and members.valid_from <= messages.sent_at
                and (members.valid_to is null or members.valid_to > messages.sent_at)
            group by members.{{ group_id }}, messages.sent_date

        ),

        counted as (

            select
                sized.*,
                {% for counter in counters -%}
                    cast(
                        coalesce(mail.{{ counter }}, 0) as bigint
                    ) as {{ counter }}{{ "," if not loop.last }}
                {% endfor %}

            from due
            inner join sized on due.snapshot_date = sized.snapshot_date
            left join
                mail
                on sized.{{ group_id }} = mail.{{ group_id }}
                and sized.snapshot_date = mail.sent_date

        ),

        final as (

            select
                snapshot_date,
                {{ group_id }},
                name,
                is_deleted,
                {{ (columns + counters) | join(", ") }},
                {{ rate("members_suppressed", "members") }} as suppressed_share,
                {{ rate("delivered", "sent") }} as delivery_rate,
                {{ rate("hard_bounced", "sent") }} as hard_bounce_rate,
                {{ rate("opened_human", "delivered") }} as unique_open_rate_human,
                {{ rate("clicked_human", "delivered") }} as click_rate_human,
                {{ rate("opted_out", "delivered") }} as unsubscribe_rate,
                is_mature

            from counted

        )

    select *
    from final
{%- endmacro %}
