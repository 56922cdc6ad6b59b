{{ present_objects("lists") }}
