{{ present_objects("blocks") }}
