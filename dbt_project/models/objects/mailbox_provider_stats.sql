{{ present_objects("mailbox_provider_stats") }}
