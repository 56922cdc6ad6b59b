{{
    event_table(
        "open",
        ["ip", "useragent", "sg_content_type", "sg_machine_open", "is_machine_open"],
    )
}}
