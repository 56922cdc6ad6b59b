{{ event_table("spamreport", ["ip", "useragent"]) }}
