{{ present_objects("categories") }}
