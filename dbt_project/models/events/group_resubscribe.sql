{{ event_table("group_resubscribe", ["ip", "useragent", "url", "link_url"]) }}
