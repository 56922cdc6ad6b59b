{{ present_objects("senders") }}
