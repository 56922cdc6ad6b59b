{{ event_table("group_unsubscribe", ["ip", "useragent", "url", "link_url"]) }}
