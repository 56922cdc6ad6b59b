{{ present_objects("campaigns") }}
