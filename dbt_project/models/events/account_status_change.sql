{{ event_table("account_status_change", ["type"]) }}
