{{ present_objects("bounces") }}
