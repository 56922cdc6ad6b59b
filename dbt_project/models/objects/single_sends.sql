{{ present_objects("single_sends") }}
