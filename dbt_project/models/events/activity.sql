select * from {{ ref("stg_sendgrid__events") }}
