{{ present_objects("segments") }}
