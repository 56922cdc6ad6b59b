{{ present_objects("automation_links") }}
