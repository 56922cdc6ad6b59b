{{ present_objects("daily_stats") }}
