{{ present_objects("templates") }}
