{{ present_objects("device_stats") }}
