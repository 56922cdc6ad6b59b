{{ present_objects("browser_stats") }}
