{{ present_objects("unsubscribe_groups") }}
