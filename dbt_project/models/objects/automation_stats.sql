{{ present_objects("automation_stats") }}
