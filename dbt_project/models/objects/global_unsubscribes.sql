{{ present_objects("global_unsubscribes") }}
