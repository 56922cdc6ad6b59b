{{
    config(
        unique_key=["snapshot_date", "list_id"],
        incremental_strategy="replace_groups",
        meta={"replaces": ["snapshot_date"]},
        tags=["objects"],
        pre_hook="{{ lock_model(ref('fct_email_messages')) }}",
        post_hook="{{ end_following_messages() }}",
    )
}}

{{ membership_health("lists", "list_members", "list_id") }}
