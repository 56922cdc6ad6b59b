{{ event_table("delivered", ["ip", "response", "tls", "cert_err"]) }}
