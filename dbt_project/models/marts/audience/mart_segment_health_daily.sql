{{
    config(
        unique_key=["snapshot_date", "segment_id"],
        incremental_strategy="replace_groups",
        meta={"replaces": ["snapshot_date"]},
        tags=["objects"],
        pre_hook="{{ lock_model(ref('fct_email_messages')) }}",
        post_hook="{{ end_following_messages() }}",
    )
}}

{{ membership_health("segments", "segment_members", "segment_id") }}
