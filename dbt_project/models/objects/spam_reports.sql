{{ present_objects("spam_reports") }}
