{{ present_objects("category_stats") }}
