{{ present_objects("geo_stats") }}
