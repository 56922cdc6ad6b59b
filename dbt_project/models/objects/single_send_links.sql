{{ present_objects("single_send_links") }}
