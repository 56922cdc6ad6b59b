{{ present_objects("invalid_emails") }}
