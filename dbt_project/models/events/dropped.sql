{{
    event_table(
        "dropped",
        ["reason", "drop_family", "status", "message", "pool_id", "pool_name"],
    )
}}
