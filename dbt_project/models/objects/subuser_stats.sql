{{ present_objects("subuser_stats") }}
