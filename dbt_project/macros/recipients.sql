{#
    What mart_recipient_engagement adds up for each recipient, in a way that changed messages and passing days can be
    added to what is known: each count with the messages that it counts. `day` is the day that the windows end on.
#}
{% macro recipient_counts(day="current_date") %}
    {%- set counts = {"messages": "true"} -%}
    {%- do counts.update(windowed_counts()) -%}
    {%- do counts.update(
        {
            "bounced": "is_bounced",
            "hard_bounced": "is_bounced and bounce_class= 'hard'",
            "spam_reported": "is_spam_reported",
            "opted_out": "is_opted_out",
        }
    ) -%}
    {%- for name, window in counts_in_windows().items() -%}
        {%- do counts.update(
            {
                name: windowed_counts()[window.counted]
                ~ " and sent_date > "
                ~ day
                ~ " - "
                ~ window.days
            }
        ) -%}
    {%- endfor -%}
    {%- do counts.update({"engagement_points": engagement_points(day)}) -%}
    {{ return(counts) }}
{% endmacro %}

{# The counts that exist for each of `recipient_windows()` too, each with the messages that it counts. #}
{% macro windowed_counts() %}
    {{
        return(
            {
                "sent": "is_sent",
                "delivered": "is_delivered",
                "opened_human": "is_delivered and is_opened_human",
                "clicked_human": "is_delivered and is_clicked_human",
            }
        )
    }}
{% endmacro %}

{# The last so many days, for which recipients' messages are counted. #}
{% macro recipient_windows() %} {{ return([30, 90, 180]) }} {% endmacro %}

{# The counts of each window by name: what is counted, and over how many days. #}
{% macro counts_in_windows() %}
    {%- set counts = {} -%}
    {%- for days in recipient_windows() -%}
        {%- for name in windowed_counts() -%}
            {%- do counts.update(
                {name ~ "_" ~ days ~ "d": {"counted": name, "days": days}}
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(counts) }}
{% endmacro %}

{# First and last moments of a recipient, each with where a message tells it. All but the first are the latest. #}
{% macro recipient_moments() %}
    {{
        return(
            {
                "first_sent_at": "case when is_sent then sent_at end",
                "last_sent_at": "case when is_sent then sent_at end",
                "last_delivered_at": "case when is_delivered then delivered_at end",
                "last_open_at": "last_open_at",
                "last_click_at": "first_click_at",
                "last_human_open_at": "last_human_open_at",
                "last_human_click_at": "last_human_click_at",
                "last_bounced_at": "case when is_bounced then bounced_at end",
            }
        )
    }}
{% endmacro %}

{#
    What a message's signs are worth: points, the condition under which it has them, when it gave the sign, and the types of
    suppression that tell of it where it is too rare for an index of its own.
#}
{% macro engagement_signs() %}
    {{
        return(
            [
                (5, "true", "first_human_click_at", []),
                (1, "true", "first_human_open_at", []),
                (
                    -10,
                    "is_opted_out",
                    "least(unsubscribed_at, group_unsubscribed_at)",
                    ["global_unsubscribe", "group_unsubscribe"],
                ),
                (-20, "true", "spam_reported_at", ["spam_report"]),
            ]
        )
    }}
{% endmacro %}

{# What all signs of a message are worth together on a day. #}
{% macro engagement_points(day) -%}
    {%- for points, condition, moment, suppressions in engagement_signs() -%}
        {{
            decayed(
                points, "case when " ~ condition ~ " then " ~ moment ~ " end", day
            )
        }}
        {{- " + " if not loop.last -}}
    {%- endfor -%}
{%- endmacro %}

{#
    Counts and moments of each recipient over weighted messages, the windows ending on `day`. With `before`, also the
    moments of the versions that are no more (`…_before`), and how many these are.
#}
{% macro sums_of_recipients(messages, day, before=false) -%}
    select
        recipient_key,
        max(recipient_domain) as recipient_domain,
        max(mailbox_provider) as mailbox_provider,
        {%- if before %}
            sum(case when weight < 0 then 1 else 0 end) as versions_before,
        {%- endif %}
        {% for name, condition in recipient_counts(day).items() %}
            {%- if name == "engagement_points" %}
                sum(weight * ({{ condition }})) as {{ name }},
            {%- else %}
                sum(case when {{ condition }} then weight else 0 end) as {{ name }},
            {%- endif %}
        {%- endfor %}
        {% for name, moment in recipient_moments().items() %}
            {%- set extreme = "min" if name == "first_sent_at" else "max" -%}
            {%- if before %}
                {{ extreme }} (
                    case when weight < 0 then {{ moment }} end
                ) as {{ name }}_before,
            {%- endif %}
            {{ extreme }} (case when weight > 0 then {{ moment }} end) as {{ name }}
            {{- "," if not loop.last }}
        {% endfor %}

    from {{ messages }} as messages
    group by recipient_key
{%- endmacro %}

{#
    What the days since the last update did to each recipient's counts: messages that left a window, signs that are worth
    less. Both happen to a message on days that follow from its dates, and so only the messages of these days are read.
#}
{% macro sums_of_time_passed() -%}
    {%- set facts = ref("fct_email_messages") -%}
    {%- set left = counts_in_windows() -%}

    select
        recipient_key,
        {% for name in recipient_counts() if name not in left %}
            {%- if name == "engagement_points" %} sum(points) as {{ name }},
            {%- else %} 0 as {{ name }},
            {%- endif %}
        {% endfor %}
        {% for name, window in left.items() %}
            - sum(
                case when days = {{ window.days }} then {{ window.counted }} else 0 end
            ) as {{ name }}
            {{- "," if not loop.last }}
        {% endfor %}

    from
        (
            {% for days in recipient_windows() %}
                select
                    recipient_key,
                    {{ days }} as days,
                    cast(0 as double precision) as points,
                    {% for name, condition in windowed_counts().items() %}
                        case when {{ condition }} then 1 else 0 end as {{ name }}
                        {{- "," if not loop.last }}
                    {% endfor %}
                from {{ facts }}
                where
                    sent_date > {{ seen_on() }} - {{ days }}
                    and sent_date <= {{ as_of() }} - {{ days }}

                union all
            {% endfor %}

            {% for points, condition, moment, suppressions in engagement_signs() %}
                select
                    messages.recipient_key,
                    0,
                    {{ points }} * (
                        case
                            when steps.step < 6 then {{ halved("steps.step") }} else 0
                        end
                        - {{ halved("steps.step - 1") }}
                    )
                    {%- for name in windowed_counts() %}, 0 {% endfor %}
                from generate_series(1, 6) as steps(step)
                cross join
                    lateral(
                        {% if not suppressions -%}
                            select recipient_key
                            from {{ facts }}
                            where {{ condition }} and {{ passes_step(moment) }}
                        {%- else -%}
                            select facts.recipient_key
                            from
                                (
                                    select distinct recipient_key, event_at
                                    from {{ ref("int_suppression_events") }}
                                    where
                                        suppression_type
                                        in ('{{ suppressions | join("', '") }}')
                                        and {{ passes_step("event_at") }}
                                ) as signs
                            cross join {{ messages_of("signs") }} as facts
                            where signs.event_at = {{ moment }} and {{ condition }}
                        {%- endif %}
                        offset 0
                    ) as messages
                    {{ "union all" if not loop.last }}
            {% endfor %}
        ) as passed
    where recipient_key is not null
    group by recipient_key
{%- endmacro %}

{# All messages of some recipients, each recipient looked up by the index: whatever the planner thinks of their number. #}
{% macro messages_of(recipients, messages=none) -%}
    lateral(
        select *
        from {{ messages or ref("fct_email_messages") }} as of_recipient
        where of_recipient.recipient_key = {{ recipients }}.recipient_key
        offset 0
    )
{%- endmacro %}

{#
    Pre-hook: how many rows new events or changes concern, the planner can only guess, and guesses one; looking through all
    of one side for each row of the other then takes minutes. Lookups that are meant are written as lateral.
#}
{% macro join_by_hash() -%}
    select set_config('enable_nestloop', 'off', true)
{%- endmacro %}

{# Whether a moment became 30, 60 … days old between the last update and this one. #}
{% macro passes_step(moment) -%}
    {{ moment }} >= {{ utc_midnight(seen_on() ~ " - 30 * steps.step + 1") }}
    and {{ moment }} < {{ utc_midnight(as_of() ~ " - 30 * steps.step + 1") }}
{%- endmacro %}

{# What an hour or a day of the week is the most frequent of, among a recipient's human opens. #}
{% macro favourite(part) -%}
    cast(
        mode() within group (
            order by
                extract(
                    {{ part }}
                    from
                        first_human_open_at at time zone '{{ var("reporting_timezone") }}'
                )
        ) as integer
    )
{%- endmacro %}

{# Each message's signs that tiers go by, with the UTC day of each: mail by the day of sending, reactions by their own. #}
{% macro signs_by_day() -%}
    cross join
        lateral(
            values
                ('sent', case when messages.is_sent then messages.sent_date end),
                (
                    'delivered',
                    case when messages.is_delivered then messages.sent_date end
                ),
                (
                    'opened',
                    cast(messages.first_human_open_at at time zone 'utc' as date)
                ),
                (
                    'clicked',
                    cast(messages.first_human_click_at at time zone 'utc' as date)
                )
        ) as happening(kind, day)
{%- endmacro %}
