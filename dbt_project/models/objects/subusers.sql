{{ present_objects("subusers") }}
