{{ present_objects("single_send_stats") }}
