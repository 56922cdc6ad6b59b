{{ present_objects("client_stats") }}
