{{ present_objects("unsubscribe_group_members") }}
