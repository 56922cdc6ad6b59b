{{ present_objects("field_definitions") }}
