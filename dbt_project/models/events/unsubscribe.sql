{{ event_table("unsubscribe", ["ip", "useragent", "unsubscribe_date", "reseller_id"]) }}
