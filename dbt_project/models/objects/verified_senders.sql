{{ present_objects("verified_senders") }}
