SELECT pg_catalog.set_config('search_path', '', false);
CREATE SCHEMA sendgrid;
CREATE SCHEMA sendgrid_marts;
CREATE SCHEMA sendgrid_raw;
CREATE SCHEMA sendgrid_staging;
CREATE FUNCTION sendgrid_raw.moment_or_null(value text) RETURNS timestamp with time zone
 LANGUAGE plpgsql STABLE STRICT
 AS $_$
begin
 if value ~ '^-?[0-9]{9,11}$' then
 return to_timestamp(value::bigint);
 end if;
 return value::timestamptz;
exception when others then
 return null;
end
$_$;
CREATE FUNCTION sendgrid_raw.number_or_null(value text) RETURNS numeric
 LANGUAGE plpgsql IMMUTABLE STRICT
 AS $$
begin
 return value::numeric;
exception when others then
 return null;
end
$$;
CREATE TABLE sendgrid_raw.events (
 event_at timestamp with time zone NOT NULL,
 event_key uuid NOT NULL,
 received_at timestamp with time zone NOT NULL,
 load_id bigint NOT NULL,
 event_date date NOT NULL,
 is_copy boolean NOT NULL,
 sg_machine_open boolean,
 tls smallint,
 attempt integer,
 url_offset_index integer,
 asm_group_id bigint,
 send_at timestamp with time zone,
 event text NOT NULL,
 email text,
 sg_event_id text,
 sg_message_id text,
 smtp_id text,
 categories text[],
 ip text,
 useragent text,
 url text,
 url_offset_type text,
 sg_content_type text,
 response text,
 reason text,
 status text,
 type text,
 bounce_classification text,
 cert_err text,
 pool_id text,
 pool_name text,
 domain text,
 from_address text,
 message text,
 post_type text,
 sg_user_id text,
 newsletter_id text,
 newsletter_user_list_id text,
 newsletter_send_id text,
 marketing_campaign_id text,
 marketing_campaign_name text,
 marketing_campaign_version text,
 marketing_campaign_split_id text,
 singlesend_id text,
 singlesend_name text,
 mc_stats text,
 phase_id text,
 sg_template_id text,
 sg_template_name text,
 template text,
 template_id text,
 template_version_id text,
 template_hash text,
 mc_auto_id text,
 mc_auto_name text,
 mc_auto_step_id text,
 mc_auto_msg_id text,
 mc_auto_unique_id text,
 mc_pod_id text,
 unsubscribe_date text,
 reseller_id text,
 custom_args jsonb,
 arg_of_text text GENERATED ALWAYS AS ((custom_args ->> 'of_text'::text)) STORED,
 arg_of_integer bigint GENERATED ALWAYS AS (
CASE
 WHEN ((custom_args ->> 'of_integer'::text) ~ '^\s*[+-]?\d{1,18}\s*$'::text) THEN ((custom_args ->> 'of_integer'::text))::bigint
 ELSE NULL::bigint
END) STORED,
 arg_of_numeric numeric GENERATED ALWAYS AS (
CASE
 WHEN ((length((custom_args ->> 'of_numeric'::text)) <= 100) AND ((custom_args ->> 'of_numeric'::text) ~ '^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?\s*$'::text)) THEN ((custom_args ->> 'of_numeric'::text))::numeric
 ELSE NULL::numeric
END) STORED,
 arg_of_boolean boolean GENERATED ALWAYS AS (
CASE lower(btrim((custom_args ->> 'of_boolean'::text)))
 WHEN 'true'::text THEN true
 WHEN 't'::text THEN true
 WHEN 'yes'::text THEN true
 WHEN 'y'::text THEN true
 WHEN 'on'::text THEN true
 WHEN '1'::text THEN true
 WHEN 'false'::text THEN false
 WHEN 'f'::text THEN false
 WHEN 'no'::text THEN false
 WHEN 'n'::text THEN false
 WHEN 'off'::text THEN false
 WHEN '0'::text THEN false
 ELSE NULL::boolean
END) STORED,
 arg_of_timestamp timestamp with time zone GENERATED ALWAYS AS (
CASE
 WHEN ((custom_args ->> 'of_timestamp'::text) ~ '^\d{9,10}(\.\d{1,6})?$'::text) THEN to_timestamp(((custom_args ->> 'of_timestamp'::text))::double precision)
 WHEN ((custom_args ->> 'of_timestamp'::text) ~ '^\d{12,13}$'::text) THEN to_timestamp((((custom_args ->> 'of_timestamp'::text))::double precision / (1000)::double precision))
 WHEN ((custom_args ->> 'of_timestamp'::text) ~ '^[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?( ?([Zz]|[+-](0\d|1[0-5])(:?[0-5]\d)?))?)?$'::text) THEN
 CASE
 WHEN (EXTRACT(month FROM (make_date((substr((custom_args ->> 'of_timestamp'::text), 1, 4))::integer, (substr((custom_args ->> 'of_timestamp'::text), 6, 2))::integer, 1) + ((substr((custom_args ->> 'of_timestamp'::text), 9, 2))::integer - 1))) = ((substr((custom_args ->> 'of_timestamp'::text), 6, 2))::integer)::numeric) THEN ((((make_date((substr((custom_args ->> 'of_timestamp'::text), 1, 4))::integer, (substr((custom_args ->> 'of_timestamp'::text), 6, 2))::integer, 1) + ((substr((custom_args ->> 'of_timestamp'::text), 9, 2))::integer - 1)) + make_interval(hours => (COALESCE("substring"((custom_args ->> 'of_timestamp'::text), '[T ](\d\d):'::text), '0'::text))::integer, mins => (COALESCE("substring"((custom_args ->> 'of_timestamp'::text), '[T ]\d\d:(\d\d)'::text), '0'::text))::integer, secs => (COALESCE("substring"((custom_args ->> 'of_timestamp'::text), '[T ]\d\d:\d\d:(\d\d(?:\.\d+)?)'::text), '0'::text))::double precision)) - (make_interval(hours => (COALESCE("substring"((custom_args ->> 'of_timestamp'::text), '[T ].*[+-](\d\d)(?::?\d\d)?$'::text), '0'::text))::integer, mins => (COALESCE("substring"((custom_args ->> 'of_timestamp'::text), '[T ].*[+-]\d\d:?(\d\d)$'::text), '0'::text))::integer) * (
 CASE
 WHEN ((custom_args ->> 'of_timestamp'::text) ~ '[T ].*-'::text) THEN '-1'::integer
 ELSE 1
 END)::double precision)) AT TIME ZONE 'UTC'::text)
 ELSE NULL::timestamp with time zone
 END
 ELSE NULL::timestamp with time zone
END) STORED
)
PARTITION BY RANGE (event_at);
CREATE TABLE sendgrid_staging.bounce_classes (
 bounce_classification text,
 bounce_class text
);
CREATE TABLE sendgrid_staging.mailbox_providers (
 recipient_domain text,
 mailbox_provider text,
 has_feedback_loop boolean
);
CREATE VIEW sendgrid.activity AS
 WITH __dbt__cte__stg_sendgrid__events AS (
 WITH events AS (
 SELECT events.event_at,
 events.event_key,
 events.received_at,
 events.load_id,
 events.event_date,
 events.is_copy,
 events.sg_machine_open,
 events.tls,
 events.attempt,
 events.url_offset_index,
 events.asm_group_id,
 events.send_at,
 events.event,
 events.email,
 events.sg_event_id,
 events.sg_message_id,
 events.smtp_id,
 events.categories,
 events.ip,
 events.useragent,
 events.url,
 events.url_offset_type,
 events.sg_content_type,
 events.response,
 events.reason,
 events.status,
 events.type,
 events.bounce_classification,
 events.cert_err,
 events.pool_id,
 events.pool_name,
 events.domain,
 events.from_address,
 events.message,
 events.post_type,
 events.sg_user_id,
 events.newsletter_id,
 events.newsletter_user_list_id,
 events.newsletter_send_id,
 events.marketing_campaign_id,
 events.marketing_campaign_name,
 events.marketing_campaign_version,
 events.marketing_campaign_split_id,
 events.singlesend_id,
 events.singlesend_name,
 events.mc_stats,
 events.phase_id,
 events.sg_template_id,
 events.sg_template_name,
 events.template,
 events.template_id,
 events.template_version_id,
 events.template_hash,
 events.mc_auto_id,
 events.mc_auto_name,
 events.mc_auto_step_id,
 events.mc_auto_msg_id,
 events.mc_auto_unique_id,
 events.mc_pod_id,
 events.unsubscribe_date,
 events.reseller_id,
 events.custom_args,
 events.arg_of_text,
 events.arg_of_integer,
 events.arg_of_numeric,
 events.arg_of_boolean,
 events.arg_of_timestamp
 FROM sendgrid_raw.events
 ), mailbox_providers AS (
 SELECT mailbox_providers.recipient_domain,
 mailbox_providers.mailbox_provider,
 mailbox_providers.has_feedback_loop
 FROM sendgrid_staging.mailbox_providers
 ), bounce_classes AS (
 SELECT bounce_classes.bounce_classification,
 bounce_classes.bounce_class
 FROM sendgrid_staging.bounce_classes
 ), keyed AS (
 SELECT events.event_at,
 events.event_key,
 events.received_at,
 events.load_id,
 events.event_date,
 events.is_copy,
 events.sg_machine_open,
 events.tls,
 events.attempt,
 events.url_offset_index,
 events.asm_group_id,
 events.send_at,
 events.event,
 events.email,
 events.sg_event_id,
 events.sg_message_id,
 events.smtp_id,
 events.categories,
 events.ip,
 events.useragent,
 events.url,
 events.url_offset_type,
 events.sg_content_type,
 events.response,
 events.reason,
 events.status,
 events.type,
 events.bounce_classification,
 events.cert_err,
 events.pool_id,
 events.pool_name,
 events.domain,
 events.from_address,
 events.message,
 events.post_type,
 events.sg_user_id,
 events.newsletter_id,
 events.newsletter_user_list_id,
 events.newsletter_send_id,
 events.marketing_campaign_id,
 events.marketing_campaign_name,
 events.marketing_campaign_version,
 events.marketing_campaign_split_id,
 events.singlesend_id,
 events.singlesend_name,
 events.mc_stats,
 events.phase_id,
 events.sg_template_id,
 events.sg_template_name,
 events.template,
 events.template_id,
 events.template_version_id,
 events.template_hash,
 events.mc_auto_id,
 events.mc_auto_name,
 events.mc_auto_step_id,
 events.mc_auto_msg_id,
 events.mc_auto_unique_id,
 events.mc_pod_id,
 events.unsubscribe_date,
 events.reseller_id,
 events.custom_args,
 events.arg_of_text,
 events.arg_of_integer,
 events.arg_of_numeric,
 events.arg_of_boolean,
 events.arg_of_timestamp,
 NULLIF(lower(btrim(events.email)), ''::text) AS recipient_key,
 NULLIF(lower(btrim(
 CASE
 WHEN (events.email ~~ '%@%'::text) THEN split_part(events.email, '@'::text, '-1'::integer)
 ELSE NULL::text
 END)), ''::text) AS recipient_domain
 FROM events
 ), final AS (
 SELECT keyed.event_key,
 CASE
 WHEN (keyed.sg_message_id <> ''::text) THEN (md5(((keyed.sg_message_id || ':'::text) || COALESCE(keyed.recipient_key, ''::text))))::uuid
 ELSE NULL::uuid
 END AS message_key,
 keyed.recipient_key,
 keyed.sg_event_id,
 keyed.sg_message_id,
 NULLIF(keyed.smtp_id, ''::text) AS smtp_id,
 keyed.event,
 keyed.event_at,
 keyed.event_date,
 keyed.received_at,
 keyed.load_id,
 keyed.is_copy,
 (COALESCE((keyed.email = 'example@test.com'::text), false) OR COALESCE((keyed.sg_message_id ~~ '14c5d75ce93.dfd.64b469.%'::text), false)) AS is_test_post,
 ((NOT keyed.is_copy) AND (NOT (COALESCE((keyed.email = 'example@test.com'::text), false) OR COALESCE((keyed.sg_message_id ~~ '14c5d75ce93.dfd.64b469.%'::text), false)))) AS is_counted,
 keyed.email,
 keyed.recipient_domain,
 CASE
 WHEN (keyed.recipient_domain IS NOT NULL) THEN COALESCE(mailbox_providers.mailbox_provider, 'Other'::text)
 ELSE NULL::text
 END AS mailbox_provider,
 COALESCE(mailbox_providers.has_feedback_loop, false) AS has_feedback_loop,
 CASE
 WHEN (
 CASE
 WHEN (keyed.singlesend_id <> ''::text) THEN 'single_send'::text
 WHEN (keyed.mc_auto_id <> ''::text) THEN 'automation_step'::text
 WHEN (keyed.marketing_campaign_id <> ''::text) THEN 'campaign'::text
 WHEN (keyed.newsletter_id <> ''::text) THEN 'newsletter'::text
 WHEN (COALESCE(NULLIF(keyed.template_id, ''::text), NULLIF(keyed.sg_template_id, ''::text), NULLIF(keyed.template, ''::text)) IS NOT NULL) THEN 'template'::text
 WHEN (NULLIF(keyed.categories[1], ''::text) IS NOT NULL) THEN 'category'::text
 ELSE 'none'::text
 END = ANY (ARRAY['single_send'::text, 'campaign'::text, 'newsletter'::text])) THEN 'marketing'::text
 WHEN (
 CASE
 WHEN (keyed.singlesend_id <> ''::text) THEN 'single_send'::text
 WHEN (keyed.mc_auto_id <> ''::text) THEN 'automation_step'::text
 WHEN (keyed.marketing_campaign_id <> ''::text) THEN 'campaign'::text
 WHEN (keyed.newsletter_id <> ''::text) THEN 'newsletter'::text
 WHEN (COALESCE(NULLIF(keyed.template_id, ''::text), NULLIF(keyed.sg_template_id, ''::text), NULLIF(keyed.template, ''::text)) IS NOT NULL) THEN 'template'::text
 WHEN (NULLIF(keyed.categories[1], ''::text) IS NOT NULL) THEN 'category'::text
 ELSE 'none'::text
 END = 'automation_step'::text) THEN 'automation'::text
 ELSE 'transactional'::text
 END AS stream,
 CASE
 WHEN (keyed.singlesend_id <> ''::text) THEN 'single_send'::text
 WHEN (keyed.mc_auto_id <> ''::text) THEN 'automation_step'::text
 WHEN (keyed.marketing_campaign_id <> ''::text) THEN 'campaign'::text
 WHEN (keyed.newsletter_id <> ''::text) THEN 'newsletter'::text
 WHEN (COALESCE(NULLIF(keyed.template_id, ''::text), NULLIF(keyed.sg_template_id, ''::text), NULLIF(keyed.template, ''::text)) IS NOT NULL) THEN 'template'::text
 WHEN (NULLIF(keyed.categories[1], ''::text) IS NOT NULL) THEN 'category'::text
 ELSE 'none'::text
 END AS campaign_type,
 CASE
 WHEN (keyed.singlesend_id <> ''::text) THEN ('single_send:'::text || keyed.singlesend_id)
 WHEN (keyed.mc_auto_id <> ''::text) THEN ((('automation_step:'::text || keyed.mc_auto_id) || ':'::text) || COALESCE(keyed.mc_auto_step_id, ''::text))
 WHEN (keyed.marketing_campaign_id <> ''::text) THEN ('campaign:'::text || keyed.marketing_campaign_id)
 WHEN (keyed.newsletter_id <> ''::text) THEN ('newsletter:'::text || keyed.newsletter_id)
 WHEN (COALESCE(NULLIF(keyed.template_id, ''::text), NULLIF(keyed.sg_template_id, ''::text), NULLIF(keyed.template, ''::text)) IS NOT NULL) THEN ('template:'::text || COALESCE(NULLIF(keyed.template_id, ''::text), NULLIF(keyed.sg_template_id, ''::text), NULLIF(keyed.template, ''::text)))
 WHEN (NULLIF(keyed.categories[1], ''::text) IS NOT NULL) THEN ('category:'::text || NULLIF(keyed.categories[1], ''::text))
 ELSE 'none'::text
 END AS campaign_key,
 CASE
 WHEN (keyed.singlesend_id <> ''::text) THEN keyed.singlesend_name
 WHEN (keyed.mc_auto_id <> ''::text) THEN keyed.mc_auto_name
 WHEN (keyed.marketing_campaign_id <> ''::text) THEN keyed.marketing_campaign_name
 WHEN (keyed.newsletter_id <> ''::text) THEN keyed.newsletter_id
 WHEN (COALESCE(NULLIF(keyed.template_id, ''::text), NULLIF(keyed.sg_template_id, ''::text), NULLIF(keyed.template, ''::text)) IS NOT NULL) THEN COALESCE(NULLIF(keyed.sg_template_name, ''::text), COALESCE(NULLIF(keyed.template_id, ''::text), NULLIF(keyed.sg_template_id, ''::text), NULLIF(keyed.template, ''::text)))
 ELSE NULLIF(keyed.categories[1], ''::text)
 END AS campaign_name,
 COALESCE(NULLIF(keyed.template_id, ''::text), NULLIF(keyed.sg_template_id, ''::text), NULLIF(keyed.template, ''::text)) AS template_key,
 CASE
 WHEN (keyed.marketing_campaign_id <> ''::text) THEN NULLIF(keyed.marketing_campaign_version, ''::text)
 WHEN (keyed.singlesend_id <> ''::text) THEN COALESCE(NULLIF(keyed.template_version_id, ''::text), NULLIF(keyed.sg_template_id, ''::text), NULLIF(keyed.template_id, ''::text))
 ELSE NULL::text
 END AS ab_variation,
 keyed.phase_id,
 keyed.categories,
 keyed.asm_group_id,
 keyed.singlesend_id,
 keyed.singlesend_name,
 keyed.mc_auto_id,
 keyed.mc_auto_name,
 keyed.mc_auto_step_id,
 keyed.mc_auto_msg_id,
 keyed.mc_auto_unique_id,
 keyed.mc_pod_id,
 keyed.mc_stats,
 keyed.marketing_campaign_id,
 keyed.marketing_campaign_name,
 keyed.marketing_campaign_version,
 keyed.marketing_campaign_split_id,
 keyed.newsletter_id,
 keyed.newsletter_user_list_id,
 keyed.newsletter_send_id,
 keyed.sg_template_id,
 keyed.sg_template_name,
 keyed.template,
 keyed.template_id,
 keyed.template_version_id,
 keyed.template_hash,
 keyed.send_at,
 keyed.pool_id,
 keyed.pool_name,
 keyed.from_address,
 keyed.sg_user_id,
 keyed.post_type,
 keyed.reseller_id,
 keyed.ip,
 keyed.response,
 keyed.attempt,
 keyed.reason,
 keyed.status,
 keyed.type,
 keyed.bounce_classification,
 CASE
 WHEN (keyed.event = 'bounce'::text) THEN
 CASE
 WHEN (keyed.type = 'blocked'::text) THEN 'block'::text
 WHEN (keyed.type = 'expired'::text) THEN 'soft'::text
 WHEN (bounce_classes.bounce_class = ANY (ARRAY['hard'::text, 'soft'::text])) THEN bounce_classes.bounce_class
 WHEN (keyed.status ~~ '5%'::text) THEN 'hard'::text
 ELSE 'soft'::text
 END
 ELSE NULL::text
 END AS bounce_class,
 CASE
 WHEN (keyed.event = 'dropped'::text) THEN
 CASE
 WHEN (lower(keyed.reason) ~~ 'bounced%'::text) THEN 'bounced'::text
 WHEN (lower(keyed.reason) ~~ 'unsubscribed%'::text) THEN 'unsubscribed'::text
 WHEN (lower(keyed.reason) ~~ 'spam reporting%'::text) THEN 'spam_reporting'::text
 WHEN (lower(btrim(keyed.reason)) = ANY (ARRAY['invalid'::text, 'invalid address'::text])) THEN 'invalid'::text
 ELSE 'other'::text
 END
 ELSE NULL::text
 END AS drop_family,
 keyed.tls,
 keyed.cert_err,
 keyed.domain,
 keyed.message,
 keyed.useragent,
 keyed.url,
 NULLIF(split_part(split_part(keyed.url, '#'::text, 1), '?'::text, 1), ''::text) AS link_url,
 keyed.url_offset_index,
 keyed.url_offset_type,
 keyed.sg_content_type,
 keyed.sg_machine_open,
 ((keyed.event = 'open'::text) AND COALESCE(keyed.sg_machine_open, false)) AS is_machine_open,
 keyed.unsubscribe_date,
 keyed.custom_args,
 keyed.arg_of_text,
 keyed.arg_of_integer,
 keyed.arg_of_numeric,
 keyed.arg_of_boolean,
 keyed.arg_of_timestamp
 FROM ((keyed
 LEFT JOIN mailbox_providers ON ((keyed.recipient_domain = mailbox_providers.recipient_domain)))
 LEFT JOIN bounce_classes ON ((keyed.bounce_classification = bounce_classes.bounce_classification)))
 )
 SELECT final.event_key,
 final.message_key,
 final.recipient_key,
 final.sg_event_id,
 final.sg_message_id,
 final.smtp_id,
 final.event,
 final.event_at,
 final.event_date,
 final.received_at,
 final.load_id,
 final.is_copy,
 final.is_test_post,
 final.is_counted,
 final.email,
 final.recipient_domain,
 final.mailbox_provider,
 final.has_feedback_loop,
 final.stream,
 final.campaign_type,
 final.campaign_key,
 final.campaign_name,
 final.template_key,
 final.ab_variation,
 final.phase_id,
 final.categories,
 final.asm_group_id,
 final.singlesend_id,
 final.singlesend_name,
 final.mc_auto_id,
 final.mc_auto_name,
 final.mc_auto_step_id,
 final.mc_auto_msg_id,
 final.mc_auto_unique_id,
 final.mc_pod_id,
 final.mc_stats,
 final.marketing_campaign_id,
 final.marketing_campaign_name,
 final.marketing_campaign_version,
 final.marketing_campaign_split_id,
 final.newsletter_id,
 final.newsletter_user_list_id,
 final.newsletter_send_id,
 final.sg_template_id,
 final.sg_template_name,
 final.template,
 final.template_id,
 final.template_version_id,
 final.template_hash,
 final.send_at,
 final.pool_id,
 final.pool_name,
 final.from_address,
 final.sg_user_id,
 final.post_type,
 final.reseller_id,
 final.ip,
 final.response,
 final.attempt,
 final.reason,
 final.status,
 final.type,
 final.bounce_classification,
 final.bounce_class,
 final.drop_family,
 final.tls,
 final.cert_err,
 final.domain,
 final.message,
 final.useragent,
 final.url,
 final.link_url,
 final.url_offset_index,
 final.url_offset_type,
 final.sg_content_type,
 final.sg_machine_open,
 final.is_machine_open,
 final.unsubscribe_date,
 final.custom_args,
 final.arg_of_text,
 final.arg_of_integer,
 final.arg_of_numeric,
 final.arg_of_boolean,
 final.arg_of_timestamp
 FROM final
 )
 SELECT __dbt__cte__stg_sendgrid__events.event_key,
 __dbt__cte__stg_sendgrid__events.message_key,
 __dbt__cte__stg_sendgrid__events.recipient_key,
 __dbt__cte__stg_sendgrid__events.sg_event_id,
 __dbt__cte__stg_sendgrid__events.sg_message_id,
 __dbt__cte__stg_sendgrid__events.smtp_id,
 __dbt__cte__stg_sendgrid__events.event,
 __dbt__cte__stg_sendgrid__events.event_at,
 __dbt__cte__stg_sendgrid__events.event_date,
 __dbt__cte__stg_sendgrid__events.received_at,
 __dbt__cte__stg_sendgrid__events.load_id,
 __dbt__cte__stg_sendgrid__events.is_copy,
 __dbt__cte__stg_sendgrid__events.is_test_post,
 __dbt__cte__stg_sendgrid__events.is_counted,
 __dbt__cte__stg_sendgrid__events.email,
 __dbt__cte__stg_sendgrid__events.recipient_domain,
 __dbt__cte__stg_sendgrid__events.mailbox_provider,
 __dbt__cte__stg_sendgrid__events.has_feedback_loop,
 __dbt__cte__stg_sendgrid__events.stream,
 __dbt__cte__stg_sendgrid__events.campaign_type,
 __dbt__cte__stg_sendgrid__events.campaign_key,
 __dbt__cte__stg_sendgrid__events.campaign_name,
 __dbt__cte__stg_sendgrid__events.template_key,
 __dbt__cte__stg_sendgrid__events.ab_variation,
 __dbt__cte__stg_sendgrid__events.phase_id,
 __dbt__cte__stg_sendgrid__events.categories,
 __dbt__cte__stg_sendgrid__events.asm_group_id,
 __dbt__cte__stg_sendgrid__events.singlesend_id,
 __dbt__cte__stg_sendgrid__events.singlesend_name,
 __dbt__cte__stg_sendgrid__events.mc_auto_id,
 __dbt__cte__stg_sendgrid__events.mc_auto_name,
 __dbt__cte__stg_sendgrid__events.mc_auto_step_id,
 __dbt__cte__stg_sendgrid__events.mc_auto_msg_id,
 __dbt__cte__stg_sendgrid__events.mc_auto_unique_id,
 __dbt__cte__stg_sendgrid__events.mc_pod_id,
 __dbt__cte__stg_sendgrid__events.mc_stats,
 __dbt__cte__stg_sendgrid__events.marketing_campaign_id,
 __dbt__cte__stg_sendgrid__events.marketing_campaign_name,
 __dbt__cte__stg_sendgrid__events.marketing_campaign_version,
 __dbt__cte__stg_sendgrid__events.marketing_campaign_split_id,
 __dbt__cte__stg_sendgrid__events.newsletter_id,
 __dbt__cte__stg_sendgrid__events.newsletter_user_list_id,
 __dbt__cte__stg_sendgrid__events.newsletter_send_id,
 __dbt__cte__stg_sendgrid__events.sg_template_id,
 __dbt__cte__stg_sendgrid__events.sg_template_name,
 __dbt__cte__stg_sendgrid__events.template,
 __dbt__cte__stg_sendgrid__events.template_id,
 __dbt__cte__stg_sendgrid__events.template_version_id,
 __dbt__cte__stg_sendgrid__events.template_hash,
 __dbt__cte__stg_sendgrid__events.send_at,
 __dbt__cte__stg_sendgrid__events.pool_id,
 __dbt__cte__stg_sendgrid__events.pool_name,
 __dbt__cte__stg_sendgrid__events.from_address,
 __dbt__cte__stg_sendgrid__events.sg_user_id,
 __dbt__cte__stg_sendgrid__events.post_type,
 __dbt__cte__stg_sendgrid__events.reseller_id,
 __dbt__cte__stg_sendgrid__events.ip,
 __dbt__cte__stg_sendgrid__events.response,
 __dbt__cte__stg_sendgrid__events.attempt,
 __dbt__cte__stg_sendgrid__events.reason,
 __dbt__cte__stg_sendgrid__events.status,
 __dbt__cte__stg_sendgrid__events.type,
 __dbt__cte__stg_sendgrid__events.bounce_classification,
 __dbt__cte__stg_sendgrid__events.bounce_class,
 __dbt__cte__stg_sendgrid__events.drop_family,
 __dbt__cte__stg_sendgrid__events.tls,
 __dbt__cte__stg_sendgrid__events.cert_err,
 __dbt__cte__stg_sendgrid__events.domain,
 __dbt__cte__stg_sendgrid__events.message,
 __dbt__cte__stg_sendgrid__events.useragent,
 __dbt__cte__stg_sendgrid__events.url,
 __dbt__cte__stg_sendgrid__events.link_url,
 __dbt__cte__stg_sendgrid__events.url_offset_index,
 __dbt__cte__stg_sendgrid__events.url_offset_type,
 __dbt__cte__stg_sendgrid__events.sg_content_type,
 __dbt__cte__stg_sendgrid__events.sg_machine_open,
 __dbt__cte__stg_sendgrid__events.is_machine_open,
 __dbt__cte__stg_sendgrid__events.unsubscribe_date,
 __dbt__cte__stg_sendgrid__events.custom_args,
 __dbt__cte__stg_sendgrid__events.arg_of_text,
 __dbt__cte__stg_sendgrid__events.arg_of_integer,
 __dbt__cte__stg_sendgrid__events.arg_of_numeric,
 __dbt__cte__stg_sendgrid__events.arg_of_boolean,
 __dbt__cte__stg_sendgrid__events.arg_of_timestamp
 FROM __dbt__cte__stg_sendgrid__events;
CREATE TABLE sendgrid_marts.mart_recipient_engagement (
 recipient_key text NOT NULL,
 recipient_domain text,
 mailbox_provider text,
 engagement_tier text,
 engagement_score integer,
 recency_score integer,
 frequency_score integer,
 depth_score integer,
 engagement_points numeric(14,5),
 is_suppressed boolean,
 suppressions text,
 is_sunset_candidate boolean,
 delivered_since_engaged bigint,
 messages bigint,
 sent bigint,
 delivered bigint,
 opened_human bigint,
 clicked_human bigint,
 bounced bigint,
 hard_bounced bigint,
 spam_reported bigint,
 opted_out bigint,
 sent_30d bigint,
 delivered_30d bigint,
 opened_human_30d bigint,
 clicked_human_30d bigint,
 sent_90d bigint,
 delivered_90d bigint,
 opened_human_90d bigint,
 clicked_human_90d bigint,
 sent_180d bigint,
 delivered_180d bigint,
 opened_human_180d bigint,
 clicked_human_180d bigint,
 unique_open_rate_human_90d numeric(12,6),
 click_rate_human_90d numeric(12,6),
 first_sent_at timestamp with time zone,
 last_sent_at timestamp with time zone,
 last_delivered_at timestamp with time zone,
 last_open_at timestamp with time zone,
 last_click_at timestamp with time zone,
 last_human_open_at timestamp with time zone,
 last_human_click_at timestamp with time zone,
 last_engaged_at timestamp with time zone,
 last_bounced_at timestamp with time zone,
 favourite_hour integer,
 favourite_day_of_week integer,
 revisit_on date
);
CREATE TABLE sendgrid_raw.recipients (
 id text NOT NULL,
 email text,
 alternate_emails text,
 first_name text,
 last_name text,
 unique_name text,
 phone_number text,
 phone_number_id text,
 external_id text,
 anonymous_id text,
 whatsapp text,
 line text,
 facebook text,
 address_line_1 text,
 address_line_2 text,
 city text,
 state_province_region text,
 postal_code text,
 country text,
 created_at timestamp with time zone,
 updated_at timestamp with time zone,
 last_emailed timestamp with time zone,
 last_opened timestamp with time zone,
 last_clicked timestamp with time zone,
 custom_fields jsonb,
 first_seen_at timestamp with time zone NOT NULL,
 synced_at timestamp with time zone NOT NULL,
 deleted_at timestamp with time zone,
 content_hash bigint
)
WITH (fillfactor='90');
CREATE VIEW sendgrid.recipients AS
 WITH contacts AS (
 SELECT recipients.id,
 recipients.email,
 recipients.alternate_emails,
 recipients.first_name,
 recipients.last_name,
 recipients.unique_name,
 recipients.phone_number,
 recipients.phone_number_id,
 recipients.external_id,
 recipients.anonymous_id,
 recipients.whatsapp,
 recipients.line,
 recipients.facebook,
 recipients.address_line_1,
 recipients.address_line_2,
 recipients.city,
 recipients.state_province_region,
 recipients.postal_code,
 recipients.country,
 recipients.created_at,
 recipients.updated_at,
 recipients.last_emailed,
 recipients.last_opened,
 recipients.last_clicked,
 recipients.custom_fields,
 recipients.first_seen_at,
 recipients.synced_at,
 recipients.deleted_at,
 recipients.content_hash,
 lower(btrim(recipients.email)) AS recipient_key
 FROM sendgrid_raw.recipients
 WHERE (recipients.deleted_at IS NULL)
 ), engagement AS (
 SELECT mart_recipient_engagement.recipient_key,
 mart_recipient_engagement.recipient_domain,
 mart_recipient_engagement.mailbox_provider,
 mart_recipient_engagement.engagement_tier,
 mart_recipient_engagement.engagement_score,
 mart_recipient_engagement.recency_score,
 mart_recipient_engagement.frequency_score,
 mart_recipient_engagement.depth_score,
 mart_recipient_engagement.engagement_points,
 mart_recipient_engagement.is_suppressed,
 mart_recipient_engagement.suppressions,
 mart_recipient_engagement.is_sunset_candidate,
 mart_recipient_engagement.delivered_since_engaged,
 mart_recipient_engagement.messages,
 mart_recipient_engagement.sent,
 mart_recipient_engagement.delivered,
 mart_recipient_engagement.opened_human,
 mart_recipient_engagement.clicked_human,
 mart_recipient_engagement.bounced,
 mart_recipient_engagement.hard_bounced,
 mart_recipient_engagement.spam_reported,
 mart_recipient_engagement.opted_out,
 mart_recipient_engagement.sent_30d,
 mart_recipient_engagement.delivered_30d,
 mart_recipient_engagement.opened_human_30d,
 mart_recipient_engagement.clicked_human_30d,
 mart_recipient_engagement.sent_90d,
 mart_recipient_engagement.delivered_90d,
 mart_recipient_engagement.opened_human_90d,
 mart_recipient_engagement.clicked_human_90d,
 mart_recipient_engagement.sent_180d,
 mart_recipient_engagement.delivered_180d,
 mart_recipient_engagement.opened_human_180d,
 mart_recipient_engagement.clicked_human_180d,
 mart_recipient_engagement.unique_open_rate_human_90d,
 mart_recipient_engagement.click_rate_human_90d,
 mart_recipient_engagement.first_sent_at,
 mart_recipient_engagement.last_sent_at,
 mart_recipient_engagement.last_delivered_at,
 mart_recipient_engagement.last_open_at,
 mart_recipient_engagement.last_click_at,
 mart_recipient_engagement.last_human_open_at,
 mart_recipient_engagement.last_human_click_at,
 mart_recipient_engagement.last_engaged_at,
 mart_recipient_engagement.last_bounced_at,
 mart_recipient_engagement.favourite_hour,
 mart_recipient_engagement.favourite_day_of_week,
 mart_recipient_engagement.revisit_on
 FROM sendgrid_marts.mart_recipient_engagement
 ), final AS (
 SELECT contacts.id,
 contacts.email,
 GREATEST(contacts.last_emailed, engagement.last_sent_at) AS last_emailed,
 GREATEST(contacts.last_opened, engagement.last_open_at) AS last_opened,
 GREATEST(contacts.last_clicked, engagement.last_click_at) AS last_clicked,
 contacts.alternate_emails,
 contacts.first_name,
 contacts.last_name,
 contacts.unique_name,
 contacts.phone_number,
 contacts.phone_number_id,
 contacts.external_id,
 contacts.anonymous_id,
 contacts.whatsapp,
 contacts.line,
 contacts.facebook,
 contacts.address_line_1,
 contacts.address_line_2,
 contacts.city,
 contacts.state_province_region,
 contacts.postal_code,
 contacts.country,
 contacts.created_at,
 contacts.updated_at,
 contacts.custom_fields,
 contacts.first_seen_at,
 contacts.synced_at,
 contacts.deleted_at,
 contacts.content_hash
 FROM (contacts
 LEFT JOIN engagement ON ((contacts.recipient_key = engagement.recipient_key)))
 )
 SELECT final.id,
 final.email,
 final.last_emailed,
 final.last_opened,
 final.last_clicked,
 final.alternate_emails,
 final.first_name,
 final.last_name,
 final.unique_name,
 final.phone_number,
 final.phone_number_id,
 final.external_id,
 final.anonymous_id,
 final.whatsapp,
 final.line,
 final.facebook,
 final.address_line_1,
 final.address_line_2,
 final.city,
 final.state_province_region,
 final.postal_code,
 final.country,
 final.created_at,
 final.updated_at,
 final.custom_fields,
 final.first_seen_at,
 final.synced_at,
 final.deleted_at,
 final.content_hash
 FROM final;
CREATE TABLE sendgrid_marts.bridge_message_categories (
 message_key uuid NOT NULL,
 category text NOT NULL,
 sent_date date,
 recipient_key text,
 campaign_key text
);
CREATE TABLE sendgrid_marts.dim_campaigns (
 campaign_key text NOT NULL,
 campaign_type text,
 stream text,
 campaign_id text,
 campaign_name text,
 subject text,
 status text,
 scheduled_at timestamp with time zone,
 is_ab_test boolean,
 template_key text,
 list_ids text,
 segment_ids text,
 sends_to_all boolean,
 is_deleted boolean,
 created_at timestamp with time zone,
 first_sent_at timestamp with time zone,
 last_sent_at timestamp with time zone,
 first_sent_date date,
 last_sent_date date
);
CREATE TABLE sendgrid_marts.dim_recipients (
 recipient_key text NOT NULL,
 contact_id text,
 is_contact boolean,
 is_deleted boolean,
 email text,
 first_name text,
 last_name text,
 city text,
 country text,
 recipient_domain text,
 created_at timestamp with time zone,
 updated_at timestamp with time zone,
 lists bigint,
 segments bigint,
 is_suppressed boolean,
 suppressions text,
 first_sent_at timestamp with time zone,
 last_sent_at timestamp with time zone,
 last_engaged_at timestamp with time zone
);
CREATE TABLE sendgrid_marts.fct_email_clicks (
 event_key uuid NOT NULL,
 message_key uuid,
 event_at timestamp with time zone,
 event_date date,
 sent_date date,
 recipient_key text,
 recipient_domain text,
 mailbox_provider text,
 stream text,
 campaign_key text,
 ab_variation text,
 url text,
 link_url text,
 link_position integer,
 link_content_type text,
 ip text,
 useragent text,
 seconds_since_delivery bigint,
 is_at_delivery boolean,
 is_burst boolean,
 is_automatic_agent boolean,
 is_unsubscribed_at_once boolean,
 bot_score integer,
 is_bot_click boolean
);
CREATE TABLE sendgrid_marts.fct_email_messages (
 message_key uuid NOT NULL,
 sg_message_id text,
 smtp_id text,
 recipient_key text,
 recipient_domain text,
 mailbox_provider text,
 has_feedback_loop boolean,
 stream text,
 campaign_type text,
 campaign_key text,
 campaign_name text,
 ab_variation text,
 ab_phase text,
 template_key text,
 template_name text,
 categories text[],
 asm_group_id bigint,
 ip text,
 pool_name text,
 sent_at timestamp with time zone,
 sent_date date,
 matures_on date,
 first_event_at timestamp with time zone,
 last_event_at timestamp with time zone,
 processed_at timestamp with time zone,
 first_deferred_at timestamp with time zone,
 delivered_at timestamp with time zone,
 bounced_at timestamp with time zone,
 dropped_at timestamp with time zone,
 first_open_at timestamp with time zone,
 first_machine_open_at timestamp with time zone,
 first_human_open_at timestamp with time zone,
 last_open_at timestamp with time zone,
 last_human_open_at timestamp with time zone,
 first_click_at timestamp with time zone,
 first_human_click_at timestamp with time zone,
 last_human_click_at timestamp with time zone,
 spam_reported_at timestamp with time zone,
 unsubscribed_at timestamp with time zone,
 group_unsubscribed_at timestamp with time zone,
 resubscribed_at timestamp with time zone,
 deferral_count bigint,
 open_count bigint,
 human_open_count bigint,
 click_count bigint,
 human_click_count bigint,
 unique_links bigint,
 device_family text,
 bounce_class text,
 bounce_classification text,
 bounce_status text,
 bounce_reason text,
 bounce_matched_by text,
 drop_family text,
 drop_reason text,
 is_requested boolean,
 is_dropped boolean,
 is_sent boolean,
 is_deferred boolean,
 is_delivered boolean,
 is_bounced boolean,
 is_opened boolean,
 is_opened_human boolean,
 is_clicked boolean,
 is_clicked_human boolean,
 is_spam_reported boolean,
 is_opted_out boolean,
 is_engaged_without_delivery boolean,
 seconds_to_deliver bigint,
 seconds_deferred bigint,
 seconds_to_open bigint,
 seconds_to_click bigint,
 funnel_rank integer,
 funnel_stage text
);
CREATE TABLE sendgrid_marts.fct_suppression_history (
 recipient_key text NOT NULL,
 suppression_type text NOT NULL,
 asm_group_id bigint NOT NULL,
 started_at timestamp with time zone NOT NULL,
 ended_at timestamp with time zone,
 is_current boolean,
 is_account_wide boolean,
 told_by text,
 reason text,
 campaign_key text,
 seconds_in_force bigint
);
CREATE TABLE sendgrid_marts.mart_ab_test_results (
 campaign_key text NOT NULL,
 ab_variation text NOT NULL,
 campaign_name text,
 variations bigint,
 control_variation text,
 is_control boolean,
 delivered bigint,
 opened_human bigint,
 clicked_human bigint,
 unique_open_rate_human numeric(18,6),
 click_rate_human numeric(18,6),
 open_rate_difference numeric(12,6),
 click_rate_difference numeric(12,6),
 open_lift numeric(12,6),
 click_lift numeric(12,6),
 open_p_value numeric(12,6),
 click_p_value numeric(12,6),
 is_mature boolean
);
CREATE TABLE sendgrid_marts.mart_bounce_reasons_daily (
 event_date date NOT NULL,
 mailbox_provider text NOT NULL,
 bounce_class text NOT NULL,
 bounce_classification text NOT NULL,
 bounce_status text NOT NULL,
 reason text NOT NULL,
 messages bigint
);
CREATE TABLE sendgrid_marts.mart_campaign_benchmarks (
 campaign_key text NOT NULL,
 campaign_name text,
 campaign_type text,
 stream text,
 last_sent_date date,
 delivered bigint,
 opened_human bigint,
 clicked_human bigint,
 opted_out bigint,
 unique_open_rate_human numeric(18,6),
 click_rate_human numeric(18,6),
 unsubscribe_rate numeric(18,6),
 peers bigint,
 median_open_rate_human numeric(18,6),
 median_click_rate_human numeric(18,6),
 median_unsubscribe_rate numeric(18,6),
 open_rate_above_median numeric(18,6),
 click_rate_above_median numeric(18,6),
 is_mature boolean
);
CREATE TABLE sendgrid_marts.mart_campaign_performance (
 campaign_key text NOT NULL,
 ab_variation text NOT NULL,
 ab_phase text NOT NULL,
 campaign_name text,
 campaign_type text,
 stream text,
 first_sent_date date,
 last_sent_date date,
 messages bigint,
 requested bigint,
 dropped bigint,
 dropped_bounced bigint,
 dropped_unsubscribed bigint,
 dropped_spam_reporting bigint,
 dropped_invalid bigint,
 dropped_other bigint,
 processed bigint,
 sent bigint,
 deferred bigint,
 delivered bigint,
 bounced bigint,
 hard_bounced bigint,
 soft_bounced bigint,
 blocked bigint,
 opened_any bigint,
 opened_human bigint,
 opened_machine_only bigint,
 clicked_any bigint,
 clicked_human bigint,
 spam_reported bigint,
 unsubscribed bigint,
 group_unsubscribed bigint,
 resubscribed bigint,
 opted_out bigint,
 delivered_with_feedback bigint,
 spam_reported_with_feedback bigint,
 engaged_without_delivery bigint,
 delivered_sendgrid bigint,
 bounced_sendgrid bigint,
 opened_sendgrid bigint,
 clicked_sendgrid bigint,
 total_opens bigint,
 total_human_opens bigint,
 total_clicks bigint,
 total_human_clicks bigint,
 opened_human_in_1h bigint,
 opened_human_in_24h bigint,
 clicked_human_in_1h bigint,
 clicked_human_in_24h bigint,
 delivery_rate numeric(18,6),
 drop_rate numeric(18,6),
 bounce_rate numeric(18,6),
 hard_bounce_rate numeric(18,6),
 soft_bounce_rate numeric(18,6),
 block_rate numeric(18,6),
 deferral_rate numeric(18,6),
 unique_open_rate_all numeric(18,6),
 unique_open_rate_human numeric(18,6),
 open_rate_mpp_adjusted numeric(18,6),
 machine_open_share numeric(18,6),
 click_rate_all numeric(18,6),
 click_rate_human numeric(18,6),
 click_to_open_rate numeric(18,6),
 unsubscribe_rate numeric(18,6),
 complaint_rate numeric(18,6),
 delivery_rate_sendgrid numeric(18,6),
 bounce_rate_sendgrid numeric(18,6),
 unique_open_rate_sendgrid numeric(18,6),
 unique_click_rate_sendgrid numeric(18,6),
 click_to_open_rate_sendgrid numeric(18,6),
 is_mature boolean
);
CREATE TABLE sendgrid_marts.mart_campaign_performance_daily (
 event_date date NOT NULL,
 campaign_key text NOT NULL,
 messages bigint,
 processed bigint,
 delivered bigint,
 bounced bigint,
 dropped bigint,
 opened_any bigint,
 opened_human bigint,
 clicked_any bigint,
 clicked_human bigint,
 spam_reported bigint,
 opted_out bigint
);
CREATE TABLE sendgrid_marts.mart_category_performance (
 sent_date date NOT NULL,
 category text NOT NULL,
 messages bigint,
 requested bigint,
 dropped bigint,
 dropped_bounced bigint,
 dropped_unsubscribed bigint,
 dropped_spam_reporting bigint,
 dropped_invalid bigint,
 dropped_other bigint,
 processed bigint,
 sent bigint,
 deferred bigint,
 delivered bigint,
 bounced bigint,
 hard_bounced bigint,
 soft_bounced bigint,
 blocked bigint,
 opened_any bigint,
 opened_human bigint,
 opened_machine_only bigint,
 clicked_any bigint,
 clicked_human bigint,
 spam_reported bigint,
 unsubscribed bigint,
 group_unsubscribed bigint,
 resubscribed bigint,
 opted_out bigint,
 delivered_with_feedback bigint,
 spam_reported_with_feedback bigint,
 engaged_without_delivery bigint,
 delivered_sendgrid bigint,
 bounced_sendgrid bigint,
 opened_sendgrid bigint,
 clicked_sendgrid bigint,
 total_opens bigint,
 total_human_opens bigint,
 total_clicks bigint,
 total_human_clicks bigint,
 delivery_rate numeric(18,6),
 drop_rate numeric(18,6),
 bounce_rate numeric(18,6),
 hard_bounce_rate numeric(18,6),
 soft_bounce_rate numeric(18,6),
 block_rate numeric(18,6),
 deferral_rate numeric(18,6),
 unique_open_rate_all numeric(18,6),
 unique_open_rate_human numeric(18,6),
 open_rate_mpp_adjusted numeric(18,6),
 machine_open_share numeric(18,6),
 click_rate_all numeric(18,6),
 click_rate_human numeric(18,6),
 click_to_open_rate numeric(18,6),
 unsubscribe_rate numeric(18,6),
 complaint_rate numeric(18,6),
 delivery_rate_sendgrid numeric(18,6),
 bounce_rate_sendgrid numeric(18,6),
 unique_open_rate_sendgrid numeric(18,6),
 unique_click_rate_sendgrid numeric(18,6),
 click_to_open_rate_sendgrid numeric(18,6),
 is_mature boolean
);
CREATE TABLE sendgrid_marts.mart_data_quality (
 load_date date NOT NULL,
 loads bigint,
 replays bigint,
 files bigint,
 posts bigint,
 events_read bigint,
 inserted bigint,
 duplicate bigint,
 copies bigint,
 quarantined bigint,
 released bigint,
 test_posts bigint,
 without_message_id bigint,
 without_event_id bigint,
 without_recipient bigint,
 unknown_events bigint,
 received_late bigint,
 received_before_it_happened bigint,
 timed_events bigint,
 seconds_to_receive_total numeric(26,6),
 seconds_to_load_total numeric(26,6),
 duplicate_rate numeric(18,6),
 copy_rate numeric(18,6),
 quarantine_rate numeric(18,6),
 late_rate numeric(18,6),
 seconds_to_receive_mean numeric(18,6),
 seconds_to_load_mean numeric(18,6)
);
CREATE TABLE sendgrid_marts.mart_device_performance_daily (
 sent_date date NOT NULL,
 stream text NOT NULL,
 device_family text NOT NULL,
 messages bigint,
 opened_any bigint,
 opened_human bigint,
 clicked_human bigint,
 opted_out bigint,
 spam_reported bigint,
 click_to_open_rate numeric(18,6)
);
CREATE TABLE sendgrid_marts.mart_domain_deliverability_daily (
 sent_date date NOT NULL,
 mailbox_provider text NOT NULL,
 recipient_domain text NOT NULL,
 messages bigint,
 requested bigint,
 dropped bigint,
 dropped_bounced bigint,
 dropped_unsubscribed bigint,
 dropped_spam_reporting bigint,
 dropped_invalid bigint,
 dropped_other bigint,
 processed bigint,
 sent bigint,
 deferred bigint,
 delivered bigint,
 bounced bigint,
 hard_bounced bigint,
 soft_bounced bigint,
 blocked bigint,
 opened_any bigint,
 opened_human bigint,
 opened_machine_only bigint,
 clicked_any bigint,
 clicked_human bigint,
 spam_reported bigint,
 unsubscribed bigint,
 group_unsubscribed bigint,
 resubscribed bigint,
 opted_out bigint,
 delivered_with_feedback bigint,
 spam_reported_with_feedback bigint,
 engaged_without_delivery bigint,
 delivered_sendgrid bigint,
 bounced_sendgrid bigint,
 opened_sendgrid bigint,
 clicked_sendgrid bigint,
 total_opens bigint,
 total_human_opens bigint,
 total_clicks bigint,
 total_human_clicks bigint,
 delivered_in_10s bigint,
 delivered_in_1m bigint,
 delivered_in_10m bigint,
 delivered_in_1h bigint,
 delivered_in_6h bigint,
 delivered_timed bigint,
 delivery_rate numeric(18,6),
 drop_rate numeric(18,6),
 bounce_rate numeric(18,6),
 hard_bounce_rate numeric(18,6),
 soft_bounce_rate numeric(18,6),
 block_rate numeric(18,6),
 deferral_rate numeric(18,6),
 unique_open_rate_all numeric(18,6),
 unique_open_rate_human numeric(18,6),
 open_rate_mpp_adjusted numeric(18,6),
 machine_open_share numeric(18,6),
 click_rate_all numeric(18,6),
 click_rate_human numeric(18,6),
 click_to_open_rate numeric(18,6),
 unsubscribe_rate numeric(18,6),
 complaint_rate numeric(18,6),
 delivery_rate_sendgrid numeric(18,6),
 bounce_rate_sendgrid numeric(18,6),
 unique_open_rate_sendgrid numeric(18,6),
 unique_click_rate_sendgrid numeric(18,6),
 click_to_open_rate_sendgrid numeric(18,6),
 seconds_to_deliver_p50 numeric(12,1),
 seconds_to_deliver_p90 numeric(12,1),
 complaint_status text,
 delivery_status text,
 delivery_problem text,
 is_mature boolean
);
CREATE TABLE sendgrid_marts.mart_email_overview_daily (
 sent_date date NOT NULL,
 stream text NOT NULL,
 messages bigint,
 requested bigint,
 dropped bigint,
 dropped_bounced bigint,
 dropped_unsubscribed bigint,
 dropped_spam_reporting bigint,
 dropped_invalid bigint,
 dropped_other bigint,
 processed bigint,
 sent bigint,
 deferred bigint,
 delivered bigint,
 bounced bigint,
 hard_bounced bigint,
 soft_bounced bigint,
 blocked bigint,
 opened_any bigint,
 opened_human bigint,
 opened_machine_only bigint,
 clicked_any bigint,
 clicked_human bigint,
 spam_reported bigint,
 unsubscribed bigint,
 group_unsubscribed bigint,
 resubscribed bigint,
 opted_out bigint,
 delivered_with_feedback bigint,
 spam_reported_with_feedback bigint,
 engaged_without_delivery bigint,
 delivered_sendgrid bigint,
 bounced_sendgrid bigint,
 opened_sendgrid bigint,
 clicked_sendgrid bigint,
 total_opens bigint,
 total_human_opens bigint,
 total_clicks bigint,
 total_human_clicks bigint,
 delivery_rate numeric(18,6),
 drop_rate numeric(18,6),
 bounce_rate numeric(18,6),
 hard_bounce_rate numeric(18,6),
 soft_bounce_rate numeric(18,6),
 block_rate numeric(18,6),
 deferral_rate numeric(18,6),
 unique_open_rate_all numeric(18,6),
 unique_open_rate_human numeric(18,6),
 open_rate_mpp_adjusted numeric(18,6),
 machine_open_share numeric(18,6),
 click_rate_all numeric(18,6),
 click_rate_human numeric(18,6),
 click_to_open_rate numeric(18,6),
 unsubscribe_rate numeric(18,6),
 complaint_rate numeric(18,6),
 delivery_rate_sendgrid numeric(18,6),
 bounce_rate_sendgrid numeric(18,6),
 unique_open_rate_sendgrid numeric(18,6),
 unique_click_rate_sendgrid numeric(18,6),
 click_to_open_rate_sendgrid numeric(18,6),
 sent_7d bigint,
 sent_previous_7d bigint,
 sent_28d bigint,
 delivered_7d bigint,
 delivered_previous_7d bigint,
 delivered_28d bigint,
 opened_human_7d bigint,
 opened_human_previous_7d bigint,
 opened_human_28d bigint,
 clicked_human_7d bigint,
 clicked_human_previous_7d bigint,
 clicked_human_28d bigint,
 unique_open_rate_human_7d numeric(18,6),
 click_rate_human_7d numeric(18,6),
 is_mature boolean
);
CREATE TABLE sendgrid_marts.mart_engagement_tiers_monthly (
 month date NOT NULL,
 as_of_date date,
 engagement_tier text NOT NULL,
 previous_tier text NOT NULL,
 recipients bigint
);
CREATE TABLE sendgrid_marts.mart_event_volume_daily (
 event_date date NOT NULL,
 event text NOT NULL,
 events bigint,
 counted_events bigint,
 copies bigint,
 test_posts bigint,
 machine_opens bigint,
 without_message_id bigint,
 without_event_id bigint,
 without_recipient bigint,
 received_late bigint,
 received_before_it_happened bigint,
 seconds_to_receive_total bigint,
 seconds_to_receive_max bigint,
 seconds_to_receive_mean numeric(18,6)
);
CREATE TABLE sendgrid_marts.mart_ip_pool_deliverability_daily (
 sent_date date NOT NULL,
 ip text NOT NULL,
 pool_name text NOT NULL,
 messages bigint,
 requested bigint,
 dropped bigint,
 dropped_bounced bigint,
 dropped_unsubscribed bigint,
 dropped_spam_reporting bigint,
 dropped_invalid bigint,
 dropped_other bigint,
 processed bigint,
 sent bigint,
 deferred bigint,
 delivered bigint,
 bounced bigint,
 hard_bounced bigint,
 soft_bounced bigint,
 blocked bigint,
 opened_any bigint,
 opened_human bigint,
 opened_machine_only bigint,
 clicked_any bigint,
 clicked_human bigint,
 spam_reported bigint,
 unsubscribed bigint,
 group_unsubscribed bigint,
 resubscribed bigint,
 opted_out bigint,
 delivered_with_feedback bigint,
 spam_reported_with_feedback bigint,
 engaged_without_delivery bigint,
 delivered_sendgrid bigint,
 bounced_sendgrid bigint,
 opened_sendgrid bigint,
 clicked_sendgrid bigint,
 total_opens bigint,
 total_human_opens bigint,
 total_clicks bigint,
 total_human_clicks bigint,
 delivered_in_10s bigint,
 delivered_in_1m bigint,
 delivered_in_10m bigint,
 delivered_in_1h bigint,
 delivered_in_6h bigint,
 delivered_timed bigint,
 delivery_rate numeric(18,6),
 drop_rate numeric(18,6),
 bounce_rate numeric(18,6),
 hard_bounce_rate numeric(18,6),
 soft_bounce_rate numeric(18,6),
 block_rate numeric(18,6),
 deferral_rate numeric(18,6),
 unique_open_rate_all numeric(18,6),
 unique_open_rate_human numeric(18,6),
 open_rate_mpp_adjusted numeric(18,6),
 machine_open_share numeric(18,6),
 click_rate_all numeric(18,6),
 click_rate_human numeric(18,6),
 click_to_open_rate numeric(18,6),
 unsubscribe_rate numeric(18,6),
 complaint_rate numeric(18,6),
 delivery_rate_sendgrid numeric(18,6),
 bounce_rate_sendgrid numeric(18,6),
 unique_open_rate_sendgrid numeric(18,6),
 unique_click_rate_sendgrid numeric(18,6),
 click_to_open_rate_sendgrid numeric(18,6),
 seconds_to_deliver_p50 numeric(12,1),
 seconds_to_deliver_p90 numeric(12,1),
 delivery_status text,
 delivery_problem text,
 is_mature boolean
);
CREATE TABLE sendgrid_marts.mart_link_performance (
 sent_date date NOT NULL,
 campaign_key text NOT NULL,
 link_url text NOT NULL,
 messages bigint,
 clicked_any bigint,
 clicked_human bigint,
 total_clicks bigint,
 total_human_clicks bigint,
 campaign_human_clicks bigint,
 share_of_human_clicks numeric(18,6)
);
CREATE TABLE sendgrid_marts.mart_list_health_daily (
 snapshot_date date NOT NULL,
 list_id text NOT NULL,
 name text,
 is_deleted boolean,
 members bigint,
 members_added bigint,
 members_removed bigint,
 members_suppressed bigint,
 sent bigint,
 delivered bigint,
 bounced bigint,
 hard_bounced bigint,
 opened_human bigint,
 clicked_human bigint,
 spam_reported bigint,
 opted_out bigint,
 suppressed_share numeric(18,6),
 delivery_rate numeric(18,6),
 hard_bounce_rate numeric(18,6),
 unique_open_rate_human numeric(18,6),
 click_rate_human numeric(18,6),
 unsubscribe_rate numeric(18,6),
 is_mature boolean
);
CREATE TABLE sendgrid_marts.mart_membership_tiers (
 membership text NOT NULL,
 group_id text NOT NULL,
 name text,
 engagement_tier text NOT NULL,
 members bigint
);
CREATE TABLE sendgrid_marts.mart_provider_deliverability_daily (
 sent_date date NOT NULL,
 mailbox_provider text NOT NULL,
 messages bigint,
 requested bigint,
 dropped bigint,
 dropped_bounced bigint,
 dropped_unsubscribed bigint,
 dropped_spam_reporting bigint,
 dropped_invalid bigint,
 dropped_other bigint,
 processed bigint,
 sent bigint,
 deferred bigint,
 delivered bigint,
 bounced bigint,
 hard_bounced bigint,
 soft_bounced bigint,
 blocked bigint,
 opened_any bigint,
 opened_human bigint,
 opened_machine_only bigint,
 clicked_any bigint,
 clicked_human bigint,
 spam_reported bigint,
 unsubscribed bigint,
 group_unsubscribed bigint,
 resubscribed bigint,
 opted_out bigint,
 delivered_with_feedback bigint,
 spam_reported_with_feedback bigint,
 engaged_without_delivery bigint,
 delivered_sendgrid bigint,
 bounced_sendgrid bigint,
 opened_sendgrid bigint,
 clicked_sendgrid bigint,
 total_opens bigint,
 total_human_opens bigint,
 total_clicks bigint,
 total_human_clicks bigint,
 delivered_in_10s bigint,
 delivered_in_1m bigint,
 delivered_in_10m bigint,
 delivered_in_1h bigint,
 delivered_in_6h bigint,
 delivered_timed bigint,
 delivery_rate numeric(18,6),
 drop_rate numeric(18,6),
 bounce_rate numeric(18,6),
 hard_bounce_rate numeric(18,6),
 soft_bounce_rate numeric(18,6),
 block_rate numeric(18,6),
 deferral_rate numeric(18,6),
 unique_open_rate_all numeric(18,6),
 unique_open_rate_human numeric(18,6),
 open_rate_mpp_adjusted numeric(18,6),
 machine_open_share numeric(18,6),
 click_rate_all numeric(18,6),
 click_rate_human numeric(18,6),
 click_to_open_rate numeric(18,6),
 unsubscribe_rate numeric(18,6),
 complaint_rate numeric(18,6),
 delivery_rate_sendgrid numeric(18,6),
 bounce_rate_sendgrid numeric(18,6),
 unique_open_rate_sendgrid numeric(18,6),
 unique_click_rate_sendgrid numeric(18,6),
 click_to_open_rate_sendgrid numeric(18,6),
 seconds_to_deliver_p50 numeric(12,1),
 seconds_to_deliver_p90 numeric(12,1),
 delivered_7d bigint,
 delivered_30d bigint,
 spam_reported_7d bigint,
 spam_reported_30d bigint,
 delivered_with_feedback_7d bigint,
 delivered_with_feedback_30d bigint,
 spam_reported_with_feedback_7d bigint,
 spam_reported_with_feedback_30d bigint,
 complaint_rate_7d numeric(18,6),
 complaint_rate_30d numeric(18,6),
 complaint_status text,
 delivery_status text,
 delivery_problem text,
 is_mature boolean
);
CREATE TABLE sendgrid_marts.mart_recipient_tiers_monthly (
 recipient_key text NOT NULL,
 month date NOT NULL,
 engagement_tier text NOT NULL,
 previous_tier text NOT NULL
);
CREATE TABLE sendgrid_marts.mart_segment_health_daily (
 snapshot_date date NOT NULL,
 segment_id text NOT NULL,
 name text,
 is_deleted boolean,
 members bigint,
 members_added bigint,
 members_removed bigint,
 members_suppressed bigint,
 sent bigint,
 delivered bigint,
 bounced bigint,
 hard_bounced bigint,
 opened_human bigint,
 clicked_human bigint,
 spam_reported bigint,
 opted_out bigint,
 suppressed_share numeric(18,6),
 delivery_rate numeric(18,6),
 hard_bounce_rate numeric(18,6),
 unique_open_rate_human numeric(18,6),
 click_rate_human numeric(18,6),
 unsubscribe_rate numeric(18,6),
 is_mature boolean
);
CREATE TABLE sendgrid_marts.mart_send_time_heatmap (
 sent_month date NOT NULL,
 stream text NOT NULL,
 day_of_week integer NOT NULL,
 hour_of_day integer NOT NULL,
 messages bigint,
 requested bigint,
 dropped bigint,
 dropped_bounced bigint,
 dropped_unsubscribed bigint,
 dropped_spam_reporting bigint,
 dropped_invalid bigint,
 dropped_other bigint,
 processed bigint,
 sent bigint,
 deferred bigint,
 delivered bigint,
 bounced bigint,
 hard_bounced bigint,
 soft_bounced bigint,
 blocked bigint,
 opened_any bigint,
 opened_human bigint,
 opened_machine_only bigint,
 clicked_any bigint,
 clicked_human bigint,
 spam_reported bigint,
 unsubscribed bigint,
 group_unsubscribed bigint,
 resubscribed bigint,
 opted_out bigint,
 delivered_with_feedback bigint,
 spam_reported_with_feedback bigint,
 engaged_without_delivery bigint,
 delivered_sendgrid bigint,
 bounced_sendgrid bigint,
 opened_sendgrid bigint,
 clicked_sendgrid bigint,
 total_opens bigint,
 total_human_opens bigint,
 total_clicks bigint,
 total_human_clicks bigint,
 opened_human_in_1h bigint,
 opened_human_in_24h bigint,
 clicked_human_in_1h bigint,
 clicked_human_in_24h bigint,
 delivery_rate numeric(18,6),
 drop_rate numeric(18,6),
 bounce_rate numeric(18,6),
 hard_bounce_rate numeric(18,6),
 soft_bounce_rate numeric(18,6),
 block_rate numeric(18,6),
 deferral_rate numeric(18,6),
 unique_open_rate_all numeric(18,6),
 unique_open_rate_human numeric(18,6),
 open_rate_mpp_adjusted numeric(18,6),
 machine_open_share numeric(18,6),
 click_rate_all numeric(18,6),
 click_rate_human numeric(18,6),
 click_to_open_rate numeric(18,6),
 unsubscribe_rate numeric(18,6),
 complaint_rate numeric(18,6),
 delivery_rate_sendgrid numeric(18,6),
 bounce_rate_sendgrid numeric(18,6),
 unique_open_rate_sendgrid numeric(18,6),
 unique_click_rate_sendgrid numeric(18,6),
 click_to_open_rate_sendgrid numeric(18,6)
);
CREATE TABLE sendgrid_marts.mart_sendgrid_comparison_daily (
 event_date date NOT NULL,
 metric text NOT NULL,
 is_day_over boolean,
 events bigint,
 group_events bigint,
 events_sendgrid bigint,
 difference bigint,
 difference_share numeric(18,6)
);
CREATE TABLE sendgrid_marts.mart_template_performance (
 sent_date date NOT NULL,
 template_key text NOT NULL,
 messages bigint,
 requested bigint,
 dropped bigint,
 dropped_bounced bigint,
 dropped_unsubscribed bigint,
 dropped_spam_reporting bigint,
 dropped_invalid bigint,
 dropped_other bigint,
 processed bigint,
 sent bigint,
 deferred bigint,
 delivered bigint,
 bounced bigint,
 hard_bounced bigint,
 soft_bounced bigint,
 blocked bigint,
 opened_any bigint,
 opened_human bigint,
 opened_machine_only bigint,
 clicked_any bigint,
 clicked_human bigint,
 spam_reported bigint,
 unsubscribed bigint,
 group_unsubscribed bigint,
 resubscribed bigint,
 opted_out bigint,
 delivered_with_feedback bigint,
 spam_reported_with_feedback bigint,
 engaged_without_delivery bigint,
 delivered_sendgrid bigint,
 bounced_sendgrid bigint,
 opened_sendgrid bigint,
 clicked_sendgrid bigint,
 total_opens bigint,
 total_human_opens bigint,
 total_clicks bigint,
 total_human_clicks bigint,
 delivery_rate numeric(18,6),
 drop_rate numeric(18,6),
 bounce_rate numeric(18,6),
 hard_bounce_rate numeric(18,6),
 soft_bounce_rate numeric(18,6),
 block_rate numeric(18,6),
 deferral_rate numeric(18,6),
 unique_open_rate_all numeric(18,6),
 unique_open_rate_human numeric(18,6),
 open_rate_mpp_adjusted numeric(18,6),
 machine_open_share numeric(18,6),
 click_rate_all numeric(18,6),
 click_rate_human numeric(18,6),
 click_to_open_rate numeric(18,6),
 unsubscribe_rate numeric(18,6),
 complaint_rate numeric(18,6),
 delivery_rate_sendgrid numeric(18,6),
 bounce_rate_sendgrid numeric(18,6),
 unique_open_rate_sendgrid numeric(18,6),
 unique_click_rate_sendgrid numeric(18,6),
 click_to_open_rate_sendgrid numeric(18,6),
 is_mature boolean
);
CREATE TABLE sendgrid_raw.automation_stats (
 automation_id text NOT NULL,
 step_id text NOT NULL,
 aggregation text NOT NULL,
 date date,
 requests bigint,
 delivered bigint,
 bounces bigint,
 bounce_drops bigint,
 invalid_emails bigint,
 opens bigint,
 unique_opens bigint,
 clicks bigint,
 unique_clicks bigint,
 spam_reports bigint,
 spam_report_drops bigint,
 unsubscribes bigint,
 extra jsonb,
 first_seen_at timestamp with time zone NOT NULL,
 synced_at timestamp with time zone NOT NULL,
 deleted_at timestamp with time zone,
 content_hash bigint
)
WITH (fillfactor='100');
CREATE TABLE sendgrid_raw.blocks (
 email text NOT NULL,
 created_at timestamp with time zone,
 reason text,
 status text,
 extra jsonb,
 first_seen_at timestamp with time zone NOT NULL,
 synced_at timestamp with time zone NOT NULL,
 deleted_at timestamp with time zone,
 content_hash bigint
)
WITH (fillfactor='100');
CREATE TABLE sendgrid_raw.bounces (
 email text NOT NULL,
 created_at timestamp with time zone,
 reason text,
 status text,
 extra jsonb,
 first_seen_at timestamp with time zone NOT NULL,
 synced_at timestamp with time zone NOT NULL,
 deleted_at timestamp with time zone,
 content_hash bigint
)
WITH (fillfactor='100');
CREATE TABLE sendgrid_raw.campaigns (
 id text NOT NULL,
 name text,
 status text,
 channels jsonb,
 is_abtest boolean,
 subject text,
 list_ids text[],
 segment_ids text[],
 categories text[],
 editor text,
 created_at timestamp with time zone,
 updated_at timestamp with time zone,
 extra jsonb,
 first_seen_at timestamp with time zone NOT NULL,
 synced_at timestamp with time zone NOT NULL,
 deleted_at timestamp with time zone,
 content_hash bigint
)
WITH (fillfactor='100');
CREATE TABLE sendgrid_raw.categories (
 name text NOT NULL,
 extra jsonb,
 first_seen_at timestamp with time zone NOT NULL,
 synced_at timestamp with time zone NOT NULL,
 deleted_at timestamp with time zone,
 content_hash bigint
)
WITH (fillfactor='100');
CREATE TABLE sendgrid_raw.daily_stats (
 date date NOT NULL,
 blocks bigint,
 bounce_drops bigint,
 bounces bigint,
 clicks bigint,
 deferred bigint,
 delivered bigint,
 invalid_emails bigint,
 opens bigint,
 processed bigint,
 requests bigint,
 spam_report_drops bigint,
 spam_reports bigint,
 unique_clicks bigint,
 unique_opens bigint,
 unsubscribe_drops bigint,
 unsubscribes bigint,
 extra jsonb,
 first_seen_at timestamp with time zone NOT NULL,
 synced_at timestamp with time zone NOT NULL,
 deleted_at timestamp with time zone,
 content_hash bigint
)
WITH (fillfactor='100');
CREATE TABLE sendgrid_raw.damaged_files (
 file_name text NOT NULL,
 bytes bigint NOT NULL,
 problem text NOT NULL,
 found_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
CREATE TABLE sendgrid_raw.events_2026_01 (
 event_at timestamp with time zone NOT NULL,
 event_key uuid NOT NULL,
 received_at timestamp with time zone NOT NULL,
 load_id bigint NOT NULL,
 event_date date NOT NULL,
 is_copy boolean NOT NULL,
 sg_machine_open boolean,
 tls smallint,
 attempt integer,
 url_offset_index integer,
 asm_group_id bigint,
 send_at timestamp with time zone,
 event text NOT NULL,
 email text,
 sg_event_id text,
 sg_message_id text,
 smtp_id text,
 categories text[],
 ip text,
 useragent text,
 url text,
 url_offset_type text,
 sg_content_type text,
 response text,
 reason text,
 status text,
 type text,
 bounce_classification text,
 cert_err text,
 pool_id text,
 pool_name text,
 domain text,
 from_address text,
 message text,
 post_type text,
 sg_user_id text,
 newsletter_id text,
 newsletter_user_list_id text,
 newsletter_send_id text,
 marketing_campaign_id text,
 marketing_campaign_name text,
 marketing_campaign_version text,
 marketing_campaign_split_id text,
 singlesend_id text,
 singlesend_name text,
 mc_stats text,
 phase_id text,
 sg_template_id text,
 sg_template_name text,
 template text,
 template_id text,
 template_version_id text,
 template_hash text,
 mc_auto_id text,
 mc_auto_name text,
 mc_auto_step_id text,
 mc_auto_msg_id text,
 mc_auto_unique_id text,
 mc_pod_id text,
 unsubscribe_date text,
 reseller_id text,
 custom_args jsonb,
 arg_of_text text GENERATED ALWAYS AS ((custom_args ->> 'of_text'::text)) STORED,
 arg_of_integer bigint GENERATED ALWAYS AS (
CASE
 WHEN ((custom_args ->> 'of_integer'::text) ~ '^\s*[+-]?\d{1,18}\s*$'::text) THEN ((custom_args ->> 'of_integer'::text))::bigint
 ELSE NULL::bigint
END) STORED,
 arg_of_numeric numeric GENERATED ALWAYS AS (
CASE
 WHEN ((length((custom_args ->> 'of_numeric'::text)) <= 100) AND ((custom_args ->> 'of_numeric'::text) ~ '^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?\s*$'::text)) THEN ((custom_args ->> 'of_numeric'::text))::numeric
 ELSE NULL::numeric
END) STORED,
 arg_of_boolean boolean GENERATED ALWAYS AS (
CASE lower(btrim((custom_args ->> 'of_boolean'::text)))
 WHEN 'true'::text THEN true
 WHEN 't'::text THEN true
 WHEN 'yes'::text THEN true
 WHEN 'y'::text THEN true
 WHEN 'on'::text THEN true
 WHEN '1'::text THEN true
 WHEN 'false'::text THEN false
 WHEN 'f'::text THEN false
 WHEN 'no'::text THEN false
 WHEN 'n'::text THEN false
 WHEN 'off'::text THEN false
 WHEN '0'::text THEN false
 ELSE NULL::boolean
END) STORED,
 arg_of_timestamp timestamp with time zone GENERATED ALWAYS AS (
CASE
 WHEN ((custom_args ->> 'of_timestamp'::text) ~ '^\d{9,10}(\.\d{1,6})?$'::text) THEN to_timestamp(((custom_args ->> 'of_timestamp'::text))::double precision)
 WHEN ((custom_args ->> 'of_timestamp'::text) ~ '^\d{12,13}$'::text) THEN to_timestamp((((custom_args ->> 'of_timestamp'::text))::double precision / (1000)::double precision))
 WHEN ((custom_args ->> 'of_timestamp'::text) ~ '^[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?( ?([Zz]|[+-](0\d|1[0-5])(:?[0-5]\d)?))?)?$'::text) THEN
 CASE
 WHEN (EXTRACT(month FROM (make_date((substr((custom_args ->> 'of_timestamp'::text), 1, 4))::integer, (substr((custom_args ->> 'of_timestamp'::text), 6, 2))::integer, 1) + ((substr((custom_args ->> 'of_timestamp'::text), 9, 2))::integer - 1))) = ((substr((custom_args ->> 'of_timestamp'::text), 6, 2))::integer)::numeric) THEN ((((make_date((substr((custom_args ->> 'of_timestamp'::text), 1, 4))::integer, (substr((custom_args ->> 'of_timestamp'::text), 6, 2))::integer, 1) + ((substr((custom_args ->> 'of_timestamp'::text), 9, 2))::integer - 1)) + make_interval(hours => (COALESCE("substring"((custom_args ->> 'of_timestamp'::text), '[T ](\d\d):'::text), '0'::text))::integer, mins => (COALESCE("substring"((custom_args ->> 'of_timestamp'::text), '[T ]\d\d:(\d\d)'::text), '0'::text))::integer, secs => (COALESCE("substring"((custom_args ->> 'of_timestamp'::text), '[T ]\d\d:\d\d:(\d\d(?:\.\d+)?)'::text), '0'::text))::double precision)) - (make_interval(hours => (COALESCE("substring"((custom_args ->> 'of_timestamp'::text), '[T ].*[+-](\d\d)(?::?\d\d)?$'::text), '0'::text))::integer, mins => (COALESCE("substring"((custom_args ->> 'of_timestamp'::text), '[T ].*[+-]\d\d:?(\d\d)$'::text), '0'::text))::integer) * (
 CASE
 WHEN ((custom_args ->> 'of_timestamp'::text) ~ '[T ].*-'::text) THEN '-1'::integer
 ELSE 1
 END)::double precision)) AT TIME ZONE 'UTC'::text)
 ELSE NULL::timestamp with time zone
 END
 ELSE NULL::timestamp with time zone
END) STORED
);
CREATE TABLE sendgrid_raw.field_definitions (
 id text NOT NULL,
 name text,
 field_type text,
 is_reserved boolean,
 is_read_only boolean,
 extra jsonb,
 first_seen_at timestamp with time zone NOT NULL,
 synced_at timestamp with time zone NOT NULL,
 deleted_at timestamp with time zone,
 content_hash bigint
)
WITH (fillfactor='100');
CREATE TABLE sendgrid_raw.global_unsubscribes (
 email text NOT NULL,
 created_at timestamp with time zone,
 extra jsonb,
 first_seen_at timestamp with time zone NOT NULL,
 synced_at timestamp with time zone NOT NULL,
 deleted_at timestamp with time zone,
 content_hash bigint
)
WITH (fillfactor='100');
CREATE TABLE sendgrid_raw.invalid_emails (
 email text NOT NULL,
 created_at timestamp with time zone,
 reason text,
 extra jsonb,
 first_seen_at timestamp with time zone NOT NULL,
 synced_at timestamp with time zone NOT NULL,
 deleted_at timestamp with time zone,
 content_hash bigint
)
WITH (fillfactor='100');
CREATE TABLE sendgrid_raw.landed_files (
 file_name text NOT NULL,
 load_id bigint NOT NULL,
 bytes bigint NOT NULL,
 posts bigint NOT NULL,
 events_read bigint NOT NULL,
 inserted bigint NOT NULL,
 duplicate bigint NOT NULL,
 quarantined bigint NOT NULL,
 copies bigint NOT NULL,
 first_received_at timestamp with time zone,
 last_received_at timestamp with time zone,
 sealed_at timestamp with time zone NOT NULL,
 loaded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
 archive_path text,
 CONSTRAINT landed_files_add_up CHECK ((events_read = ((inserted + duplicate) + quarantined))),
 CONSTRAINT landed_files_copies_are_inserted CHECK ((copies <= inserted))
);
CREATE TABLE sendgrid_raw.list_members (
 list_id text NOT NULL,
 contact_id text NOT NULL,
 valid_from timestamp with time zone NOT NULL,
 valid_to timestamp with time zone
)
WITH (fillfactor='100');
CREATE TABLE sendgrid_raw.lists (
 id text NOT NULL,
 name text,
 recipient_count bigint,
 extra jsonb,
 first_seen_at timestamp with time zone NOT NULL,
 synced_at timestamp with time zone NOT NULL,
 deleted_at timestamp with time zone,
 content_hash bigint
)
WITH (fillfactor='100');
CREATE TABLE sendgrid_raw.loads (
 load_id bigint NOT NULL,
 kind text NOT NULL,
 run_id text,
 started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
 committed_at timestamp with time zone,
 files integer DEFAULT 0 NOT NULL,
 posts bigint DEFAULT 0 NOT NULL,
 events_read bigint DEFAULT 0 NOT NULL,
 inserted bigint DEFAULT 0 NOT NULL,
 duplicate bigint DEFAULT 0 NOT NULL,
 quarantined bigint DEFAULT 0 NOT NULL,
 copies bigint DEFAULT 0 NOT NULL,
 first_event_date date,
 last_event_date date,
 CONSTRAINT loads_add_up CHECK ((events_read = ((inserted + duplicate) + quarantined))),
 CONSTRAINT loads_copies_are_inserted CHECK ((copies <= inserted)),
 CONSTRAINT loads_kind_check CHECK ((kind = ANY (ARRAY['load'::text, 'replay'::text, 'quarantine_retry'::text])))
);
ALTER TABLE sendgrid_raw.loads ALTER COLUMN load_id ADD GENERATED ALWAYS AS IDENTITY (
 SEQUENCE NAME sendgrid_raw.loads_load_id_seq
 START WITH 1
 INCREMENT BY 1
 NO MINVALUE
 NO MAXVALUE
 CACHE 1
);
CREATE TABLE sendgrid_raw.member_reads (
 object text NOT NULL,
 group_id text NOT NULL,
 read_at timestamp with time zone NOT NULL,
 complete boolean NOT NULL,
 members bigint NOT NULL
)
WITH (fillfactor='100');
CREATE TABLE sendgrid_raw.object_history (
 object text NOT NULL,
 id text NOT NULL,
 valid_from timestamp with time zone NOT NULL,
 valid_to timestamp with time zone NOT NULL,
 record jsonb NOT NULL
)
WITH (fillfactor='100');
CREATE TABLE sendgrid_raw.segments (
 id text NOT NULL,
 name text,
 recipient_count bigint,
 list_id text,
 parent_list_ids text[],
 conditions text,
 query_dsl text,
 query_version text,
 status text,
 status_message text,
 created_at timestamp with time zone,
 updated_at timestamp with time zone,
 sample_updated_at timestamp with time zone,
 next_sample_update timestamp with time zone,
 extra jsonb,
 first_seen_at timestamp with time zone NOT NULL,
 synced_at timestamp with time zone NOT NULL,
 deleted_at timestamp with time zone,
 content_hash bigint
)
WITH (fillfactor='100');
CREATE TABLE sendgrid_raw.single_sends (
 id text NOT NULL,
 name text,
 status text,
 categories text[],
 send_at timestamp with time zone,
 is_abtest boolean,
 abtest jsonb,
 subject text,
 list_ids text[],
 segment_ids text[],
 sends_to_all boolean,
 suppression_group_id bigint,
 sender_id bigint,
 email_config jsonb,
 warnings jsonb,
 created_at timestamp with time zone,
 updated_at timestamp with time zone,
 extra jsonb,
 first_seen_at timestamp with time zone NOT NULL,
 synced_at timestamp with time zone NOT NULL,
 deleted_at timestamp with time zone,
 content_hash bigint
)
WITH (fillfactor='100');
CREATE TABLE sendgrid_raw.spam_reports (
 email text NOT NULL,
 created_at timestamp with time zone,
 ip text,
 extra jsonb,
 first_seen_at timestamp with time zone NOT NULL,
 synced_at timestamp with time zone NOT NULL,
 deleted_at timestamp with time zone,
 content_hash bigint
)
WITH (fillfactor='100');
CREATE TABLE sendgrid_raw.templates (
 id text NOT NULL,
 name text,
 generation text,
 updated_at timestamp with time zone,
 versions jsonb,
 extra jsonb,
 first_seen_at timestamp with time zone NOT NULL,
 synced_at timestamp with time zone NOT NULL,
 deleted_at timestamp with time zone,
 content_hash bigint
)
WITH (fillfactor='100');
CREATE TABLE sendgrid_raw.unsubscribe_group_members (
 group_id bigint NOT NULL,
 email text NOT NULL,
 group_name text,
 created_at timestamp with time zone,
 extra jsonb,
 first_seen_at timestamp with time zone NOT NULL,
 synced_at timestamp with time zone NOT NULL,
 deleted_at timestamp with time zone,
 content_hash bigint
)
WITH (fillfactor='100');
CREATE TABLE sendgrid_raw.unsubscribe_groups (
 id bigint NOT NULL,
 name text,
 description text,
 is_default boolean,
 unsubscribes bigint,
 last_email_sent_at timestamp with time zone,
 extra jsonb,
 first_seen_at timestamp with time zone NOT NULL,
 synced_at timestamp with time zone NOT NULL,
 deleted_at timestamp with time zone,
 content_hash bigint
)
WITH (fillfactor='100');
CREATE VIEW sendgrid_raw.object_versions AS
 SELECT object_history.object,
 object_history.id,
 object_history.valid_from,
 object_history.valid_to,
 object_history.record
 FROM sendgrid_raw.object_history
UNION ALL
 SELECT 'lists'::text AS object,
 t.id,
 t.synced_at AS valid_from,
 t.deleted_at AS valid_to,
 (to_jsonb(t.*) - '{content_hash,first_seen_at,synced_at,deleted_at}'::text[]) AS record
 FROM sendgrid_raw.lists t
UNION ALL
 SELECT 'segments'::text AS object,
 t.id,
 t.synced_at AS valid_from,
 t.deleted_at AS valid_to,
 (to_jsonb(t.*) - '{content_hash,first_seen_at,synced_at,deleted_at}'::text[]) AS record
 FROM sendgrid_raw.segments t
UNION ALL
 SELECT 'recipients'::text AS object,
 t.id,
 t.synced_at AS valid_from,
 t.deleted_at AS valid_to,
 (to_jsonb(t.*) - '{content_hash,first_seen_at,synced_at,deleted_at}'::text[]) AS record
 FROM sendgrid_raw.recipients t
UNION ALL
 SELECT 'field_definitions'::text AS object,
 t.id,
 t.synced_at AS valid_from,
 t.deleted_at AS valid_to,
 (to_jsonb(t.*) - '{content_hash,first_seen_at,synced_at,deleted_at}'::text[]) AS record
 FROM sendgrid_raw.field_definitions t
UNION ALL
 SELECT 'campaigns'::text AS object,
 t.id,
 t.synced_at AS valid_from,
 t.deleted_at AS valid_to,
 (to_jsonb(t.*) - '{content_hash,first_seen_at,synced_at,deleted_at}'::text[]) AS record
 FROM sendgrid_raw.campaigns t
UNION ALL
 SELECT 'single_sends'::text AS object,
 t.id,
 t.synced_at AS valid_from,
 t.deleted_at AS valid_to,
 (to_jsonb(t.*) - '{content_hash,first_seen_at,synced_at,deleted_at}'::text[]) AS record
 FROM sendgrid_raw.single_sends t
UNION ALL
 SELECT 'unsubscribe_groups'::text AS object,
 (t.id)::text AS id,
 t.synced_at AS valid_from,
 t.deleted_at AS valid_to,
 (to_jsonb(t.*) - '{content_hash,first_seen_at,synced_at,deleted_at}'::text[]) AS record
 FROM sendgrid_raw.unsubscribe_groups t
UNION ALL
 SELECT 'unsubscribe_group_members'::text AS object,
 concat_ws('/'::text, t.group_id, t.email) AS id,
 t.synced_at AS valid_from,
 t.deleted_at AS valid_to,
 (to_jsonb(t.*) - '{content_hash,first_seen_at,synced_at,deleted_at}'::text[]) AS record
 FROM sendgrid_raw.unsubscribe_group_members t
UNION ALL
 SELECT 'bounces'::text AS object,
 t.email AS id,
 t.synced_at AS valid_from,
 t.deleted_at AS valid_to,
 (to_jsonb(t.*) - '{content_hash,first_seen_at,synced_at,deleted_at}'::text[]) AS record
 FROM sendgrid_raw.bounces t
UNION ALL
 SELECT 'blocks'::text AS object,
 t.email AS id,
 t.synced_at AS valid_from,
 t.deleted_at AS valid_to,
 (to_jsonb(t.*) - '{content_hash,first_seen_at,synced_at,deleted_at}'::text[]) AS record
 FROM sendgrid_raw.blocks t
UNION ALL
 SELECT 'invalid_emails'::text AS object,
 t.email AS id,
 t.synced_at AS valid_from,
 t.deleted_at AS valid_to,
 (to_jsonb(t.*) - '{content_hash,first_seen_at,synced_at,deleted_at}'::text[]) AS record
 FROM sendgrid_raw.invalid_emails t
UNION ALL
 SELECT 'spam_reports'::text AS object,
 t.email AS id,
 t.synced_at AS valid_from,
 t.deleted_at AS valid_to,
 (to_jsonb(t.*) - '{content_hash,first_seen_at,synced_at,deleted_at}'::text[]) AS record
 FROM sendgrid_raw.spam_reports t
UNION ALL
 SELECT 'global_unsubscribes'::text AS object,
 t.email AS id,
 t.synced_at AS valid_from,
 t.deleted_at AS valid_to,
 (to_jsonb(t.*) - '{content_hash,first_seen_at,synced_at,deleted_at}'::text[]) AS record
 FROM sendgrid_raw.global_unsubscribes t
UNION ALL
 SELECT 'templates'::text AS object,
 t.id,
 t.synced_at AS valid_from,
 t.deleted_at AS valid_to,
 (to_jsonb(t.*) - '{content_hash,first_seen_at,synced_at,deleted_at}'::text[]) AS record
 FROM sendgrid_raw.templates t
UNION ALL
 SELECT 'categories'::text AS object,
 t.name AS id,
 t.synced_at AS valid_from,
 t.deleted_at AS valid_to,
 (to_jsonb(t.*) - '{content_hash,first_seen_at,synced_at,deleted_at}'::text[]) AS record
 FROM sendgrid_raw.categories t;
CREATE TABLE sendgrid_raw.quarantine (
 quarantine_key uuid NOT NULL,
 reason text NOT NULL,
 detail text NOT NULL,
 item text NOT NULL,
 file_name text NOT NULL,
 post_index integer NOT NULL,
 item_index integer NOT NULL,
 received_at timestamp with time zone NOT NULL,
 load_id bigint NOT NULL,
 quarantined_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
 released_at timestamp with time zone,
 released_load_id bigint
);
CREATE TABLE sendgrid_raw.recipient_fields (
 field_id text NOT NULL,
 field_type text NOT NULL,
 name text NOT NULL,
 column_name text NOT NULL,
 added_at timestamp with time zone NOT NULL,
 removed_at timestamp with time zone
)
WITH (fillfactor='100');
CREATE TABLE sendgrid_raw.schema_version (
 version integer NOT NULL,
 name text NOT NULL,
 applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
CREATE TABLE sendgrid_raw.segment_members (
 segment_id text NOT NULL,
 contact_id text NOT NULL,
 valid_from timestamp with time zone NOT NULL,
 valid_to timestamp with time zone
)
WITH (fillfactor='100');
CREATE TABLE sendgrid_raw.single_send_stats (
 single_send_id text NOT NULL,
 ab_variation text NOT NULL,
 ab_phase text NOT NULL,
 aggregation text NOT NULL,
 date date,
 requests bigint,
 delivered bigint,
 bounces bigint,
 bounce_drops bigint,
 invalid_emails bigint,
 opens bigint,
 unique_opens bigint,
 clicks bigint,
 unique_clicks bigint,
 spam_reports bigint,
 spam_report_drops bigint,
 unsubscribes bigint,
 extra jsonb,
 first_seen_at timestamp with time zone NOT NULL,
 synced_at timestamp with time zone NOT NULL,
 deleted_at timestamp with time zone,
 content_hash bigint
)
WITH (fillfactor='100');
CREATE TABLE sendgrid_raw.sync_runs (
 sync_id bigint NOT NULL,
 object text NOT NULL,
 family text,
 started_at timestamp with time zone NOT NULL,
 finished_at timestamp with time zone,
 complete boolean,
 rows_read bigint,
 inserted bigint,
 updated bigint,
 unchanged bigint,
 deleted bigint,
 warnings text[],
 error text
)
WITH (fillfactor='100');
ALTER TABLE sendgrid_raw.sync_runs ALTER COLUMN sync_id ADD GENERATED ALWAYS AS IDENTITY (
 SEQUENCE NAME sendgrid_raw.sync_runs_sync_id_seq
 START WITH 1
 INCREMENT BY 1
 NO MINVALUE
 NO MAXVALUE
 CACHE 1
);
CREATE TABLE sendgrid_staging.bot_user_agents (
 pattern text,
 what text
);
CREATE TABLE sendgrid_staging.int_message_changes (
 change_id bigint,
 weight smallint,
 message_key uuid,
 sg_message_id text,
 smtp_id text,
 recipient_key text,
 recipient_domain text,
 mailbox_provider text,
 has_feedback_loop boolean,
 stream text,
 campaign_type text,
 campaign_key text,
 campaign_name text,
 ab_variation text,
 ab_phase text,
 template_key text,
 template_name text,
 categories text[],
 asm_group_id bigint,
 ip text,
 pool_name text,
 sent_at timestamp with time zone,
 sent_date date,
 matures_on date,
 first_event_at timestamp with time zone,
 last_event_at timestamp with time zone,
 processed_at timestamp with time zone,
 first_deferred_at timestamp with time zone,
 delivered_at timestamp with time zone,
 bounced_at timestamp with time zone,
 dropped_at timestamp with time zone,
 first_open_at timestamp with time zone,
 first_machine_open_at timestamp with time zone,
 first_human_open_at timestamp with time zone,
 last_open_at timestamp with time zone,
 last_human_open_at timestamp with time zone,
 first_click_at timestamp with time zone,
 first_human_click_at timestamp with time zone,
 last_human_click_at timestamp with time zone,
 spam_reported_at timestamp with time zone,
 unsubscribed_at timestamp with time zone,
 group_unsubscribed_at timestamp with time zone,
 resubscribed_at timestamp with time zone,
 deferral_count bigint,
 open_count bigint,
 human_open_count bigint,
 click_count bigint,
 human_click_count bigint,
 unique_links bigint,
 device_family text,
 bounce_class text,
 bounce_classification text,
 bounce_status text,
 bounce_reason text,
 bounce_matched_by text,
 drop_family text,
 drop_reason text,
 is_requested boolean,
 is_dropped boolean,
 is_sent boolean,
 is_deferred boolean,
 is_delivered boolean,
 is_bounced boolean,
 is_opened boolean,
 is_opened_human boolean,
 is_clicked boolean,
 is_clicked_human boolean,
 is_spam_reported boolean,
 is_opted_out boolean,
 is_engaged_without_delivery boolean,
 seconds_to_deliver bigint,
 seconds_deferred bigint,
 seconds_to_open bigint,
 seconds_to_click bigint,
 funnel_rank integer,
 funnel_stage text
);
CREATE TABLE sendgrid_staging.int_suppression_events (
 event_key uuid,
 recipient_key text,
 event_at timestamp with time zone,
 suppression_type text,
 asm_group_id bigint,
 is_end boolean,
 reason text,
 campaign_key text
);
CREATE TABLE sendgrid_staging.model_state (
 model text NOT NULL,
 generation bigint DEFAULT 0 NOT NULL,
 load_id bigint DEFAULT 0 NOT NULL,
 next_load_id bigint DEFAULT 0 NOT NULL,
 change_id bigint DEFAULT 0 NOT NULL,
 updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
 as_of date
);
ALTER TABLE ONLY sendgrid_raw.events ATTACH PARTITION sendgrid_raw.events_2026_01 FOR VALUES FROM ('2026-01-01 00:00:00+00') TO ('2026-02-01 00:00:00+00');
INSERT INTO sendgrid_marts.bridge_message_categories VALUES
	('ee672501-d9dc-29b0-df3e-c3f482d41f87', 'news', '2026-01-06', 'person1@corp.example', 'single_send:send1'),
	('704adeb6-6a7b-d490-2ab0-427b742bb98a', 'receipts', '2026-01-06', 'person1@corp.example', 'template:d-2'),
	('ee672501-d9dc-29b0-df3e-c3f482d41f87', 'weekly', '2026-01-06', 'person1@corp.example', 'single_send:send1'),
	('14b736d3-6e7e-ac51-6d11-977cd7128b20', 'news', '2026-01-06', 'person2@gmail.com', 'single_send:send1'),
	('14b736d3-6e7e-ac51-6d11-977cd7128b20', 'weekly', '2026-01-06', 'person2@gmail.com', 'single_send:send1'),
	('81d47823-0ba7-d14f-be8e-a5bc50c8334e', 'news', '2026-01-06', 'person3@corp.example', 'single_send:send1'),
	('81d47823-0ba7-d14f-be8e-a5bc50c8334e', 'weekly', '2026-01-06', 'person3@corp.example', 'single_send:send1'),
	('e1e30136-729f-cabb-8674-186654244729', 'other', '2026-01-06', 'person0@gmail.com', 'single_send:send1');
INSERT INTO sendgrid_marts.dim_campaigns VALUES
	('template:d-2', 'template', 'transactional', 'd-2', 'Untitled Version', NULL, NULL, NULL, false, 'd-2', NULL, NULL, false, false, NULL, '2026-01-06 12:00:00+00', '2026-01-06 12:00:00+00', '2026-01-06', '2026-01-06'),
	('automation_step:auto1:step0', 'automation_step', 'automation', 'auto1', 'Welcome: step step0', NULL, NULL, NULL, false, 'none', NULL, NULL, false, false, NULL, '2026-01-07 09:00:00+00', '2026-01-07 09:00:00+00', '2026-01-07', '2026-01-07'),
	('automation_step:auto1:', 'automation_step', 'automation', 'auto1', 'Welcome: step ', NULL, NULL, NULL, false, 'none', NULL, NULL, false, false, NULL, '2026-01-11 09:00:00+00', '2026-01-11 09:00:00+00', '2026-01-11', '2026-01-11'),
	('single_send:send1', 'single_send', 'marketing', 'send1', 'Renamed', NULL, 'triggered', NULL, false, 'd-1', NULL, NULL, false, false, NULL, '2026-01-06 09:00:00+00', '2026-01-06 09:00:03+00', '2026-01-06', '2026-01-06'),
	('automation_step:auto1:step1', 'automation_step', 'automation', 'auto1', 'Welcome: step step1', NULL, NULL, NULL, false, 'none', NULL, NULL, false, false, NULL, '2026-01-07 09:00:01+00', '2026-01-07 09:00:01+00', '2026-01-07', '2026-01-07');
INSERT INTO sendgrid_marts.dim_recipients VALUES
	('person1@corp.example', 'c1', true, false, 'person1@corp.example', NULL, NULL, NULL, NULL, 'corp.example', NULL, NULL, 0, 1, false, NULL, '2026-01-06 09:00:01+00', '2026-01-06 12:00:00+00', '2026-01-06 13:00:00+00'),
	('person4@gmail.com', 'c4', true, false, 'person4@gmail.com', NULL, NULL, NULL, NULL, 'gmail.com', NULL, NULL, 1, 0, true, 'spam_report', '2026-01-07 09:00:00+00', '2026-01-07 09:00:00+00', NULL),
	('person0@gmail.com', 'c0', true, false, 'person0@gmail.com', NULL, NULL, NULL, NULL, 'gmail.com', NULL, NULL, 1, 1, false, NULL, '2026-01-06 09:00:00+00', '2026-01-06 09:00:00+00', '2026-01-06 09:00:32+00'),
	('person3@corp.example', 'c3', true, false, 'person3@corp.example', NULL, NULL, NULL, NULL, 'corp.example', NULL, NULL, 1, 0, true, 'bounce', '2026-01-06 09:00:03+00', '2026-01-06 09:00:03+00', NULL),
	('person5@corp.example', 'c5', true, false, 'person5@corp.example', NULL, NULL, NULL, NULL, 'corp.example', NULL, NULL, 1, 0, true, 'spam_report', '2026-01-07 09:00:01+00', '2026-01-07 09:00:01+00', NULL),
	('person6@gmail.com', 'c6', true, false, 'person6@gmail.com', NULL, NULL, NULL, NULL, 'gmail.com', NULL, NULL, 1, 0, false, NULL, NULL, NULL, NULL),
	('person2@gmail.com', 'c2', true, false, 'person2@gmail.com', NULL, NULL, NULL, NULL, 'gmail.com', NULL, NULL, 1, 1, true, 'global_unsubscribe', '2026-01-06 09:00:02+00', '2026-01-06 09:00:02+00', NULL),
	('person7@corp.example', 'c7', true, false, 'person7@corp.example', NULL, NULL, NULL, NULL, 'corp.example', NULL, NULL, 1, 0, false, NULL, NULL, NULL, NULL);
INSERT INTO sendgrid_marts.fct_email_clicks VALUES
	('b9a07553-6cdf-93ef-fb28-9bbafe535e37', 'ee672501-d9dc-29b0-df3e-c3f482d41f87', '2026-01-06 10:01:00+00', '2026-01-06', '2026-01-06', 'person1@corp.example', 'corp.example', 'Other', 'marketing', 'single_send:send1', 'v-1', 'https://x.example/1', 'https://x.example/1', 1, 'html', NULL, 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)', 3649, false, false, false, false, 0, false),
	('b55f8ef7-9376-0f60-b06b-be017413b9f6', 'e1e30136-729f-cabb-8674-186654244729', '2026-01-06 09:00:30+00', '2026-01-06', '2026-01-06', 'person0@gmail.com', 'gmail.com', 'Gmail', 'marketing', 'single_send:send1', 'v-0', 'https://x.example/0', 'https://x.example/0', NULL, NULL, NULL, 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)', 20, false, true, false, false, 1, false),
	('e6ee0033-12e7-889f-db24-cedd3f5313e4', 'e1e30136-729f-cabb-8674-186654244729', '2026-01-06 09:00:32+00', '2026-01-06', '2026-01-06', 'person0@gmail.com', 'gmail.com', 'Gmail', 'marketing', 'single_send:send1', 'v-0', 'https://x.example/2', 'https://x.example/2', NULL, NULL, NULL, 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)', 22, false, true, false, false, 1, false),
	('e98edd2f-23c8-4aae-bf88-26cfa0daa3df', 'e1e30136-729f-cabb-8674-186654244729', '2026-01-06 09:00:31+00', '2026-01-06', '2026-01-06', 'person0@gmail.com', 'gmail.com', 'Gmail', 'marketing', 'single_send:send1', 'v-0', 'https://x.example/1', 'https://x.example/1', NULL, NULL, NULL, 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)', 21, false, true, false, false, 1, false);
INSERT INTO sendgrid_marts.fct_email_messages VALUES
	('ee672501-d9dc-29b0-df3e-c3f482d41f87', 'news1.recvd-1', '<1@geopod>', 'person1@corp.example', 'corp.example', 'Other', false, 'marketing', 'single_send', 'single_send:send1', 'News', 'v-1', 'send', 'd-1', NULL, '{news,weekly}', NULL, '1.2.3.4', 'pool1', '2026-01-06 09:00:01+00', '2026-01-06', '2026-01-09', '2026-01-06 09:00:01+00', '2026-01-06 10:01:00+00', '2026-01-06 09:00:01+00', NULL, '2026-01-06 09:00:11+00', NULL, NULL, '2026-01-06 09:00:20+00', '2026-01-06 09:00:20+00', '2026-01-06 10:00:00+00', '2026-01-06 10:00:00+00', '2026-01-06 10:01:00+00', '2026-01-06 10:01:00+00', '2026-01-06 10:01:00+00', '2026-01-06 10:01:00+00', NULL, NULL, NULL, NULL, 0, 2, 1, 1, 1, 1, 'mobile', NULL, NULL, NULL, NULL, NULL, NULL, NULL, true, false, true, false, true, false, true, true, true, true, false, false, false, 10, NULL, 3589, 3649, 7, 'clicked'),
	('704adeb6-6a7b-d490-2ab0-427b742bb98a', 'receipt.recvd-1', NULL, 'person1@corp.example', 'corp.example', 'Other', false, 'transactional', 'template', 'template:d-2', 'Untitled Version', 'none', 'send', 'd-2', 'Untitled Version', '{receipts}', NULL, NULL, NULL, '2026-01-06 12:00:00+00', '2026-01-06', '2026-01-09', '2026-01-06 12:00:00+00', '2026-01-06 16:00:00+00', '2026-01-06 12:00:00+00', NULL, '2026-01-06 12:00:02+00', NULL, NULL, '2026-01-06 13:00:00+00', NULL, '2026-01-06 13:00:00+00', '2026-01-06 13:00:00+00', '2026-01-06 13:00:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 1, 1, 0, 0, 0, 'mobile', NULL, NULL, NULL, NULL, NULL, NULL, NULL, true, false, true, false, true, false, true, true, false, false, false, false, false, 2, NULL, 3598, NULL, 6, 'opened'),
	('419cd1ba-bb22-e7df-1e9f-4e72fb98ca9a', 'welcome0.recvd-1', NULL, 'person4@gmail.com', 'gmail.com', 'Gmail', false, 'automation', 'automation_step', 'automation_step:auto1:step0', 'Welcome', 'none', 'send', 'none', NULL, NULL, NULL, '1.2.3.4', NULL, '2026-01-07 09:00:00+00', '2026-01-07', '2026-01-10', '2026-01-07 09:00:00+00', '2026-01-10 09:00:00+00', '2026-01-07 09:00:00+00', '2026-01-07 09:00:09+00', '2026-01-07 09:08:20+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-10 09:00:00+00', NULL, NULL, NULL, 1, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, true, false, true, true, true, false, false, false, false, false, true, false, false, 500, 491, NULL, NULL, 9, 'complained'),
	('14b736d3-6e7e-ac51-6d11-977cd7128b20', 'news2.recvd-1', '<2@geopod>', 'person2@gmail.com', 'gmail.com', 'Gmail', false, 'marketing', 'single_send', 'single_send:send1', 'News', 'v-0', 'send', 'd-1', NULL, '{news,weekly}', 7, '1.2.3.4', 'pool1', '2026-01-06 09:00:02+00', '2026-01-06', '2026-01-09', '2026-01-06 09:00:02+00', '2026-01-10 09:00:00+00', '2026-01-06 09:00:02+00', NULL, '2026-01-06 09:00:12+00', NULL, NULL, '2026-01-06 09:00:20+00', '2026-01-06 09:00:20+00', NULL, '2026-01-06 09:00:20+00', NULL, NULL, NULL, NULL, NULL, '2026-01-10 09:00:00+00', '2026-01-08 09:00:00+00', '2026-01-08 10:00:00+00', 0, 1, 0, 0, 0, 0, 'proxy', NULL, NULL, NULL, NULL, NULL, NULL, NULL, true, false, true, false, true, false, true, false, false, false, false, false, false, 10, NULL, NULL, NULL, 8, 'unsubscribed'),
	('309f5248-0637-9c9d-f9cd-7b5567fcc599', 'welcome2.recvd-1', NULL, 'person6@gmail.com', 'gmail.com', 'Gmail', false, 'automation', 'automation_step', 'automation_step:auto1:', 'Welcome', 'none', 'send', 'none', NULL, NULL, NULL, NULL, NULL, '2026-01-11 09:00:00+00', '2026-01-11', '2026-01-14', '2026-01-11 09:00:00+00', '2026-01-11 09:00:00+00', NULL, NULL, NULL, NULL, '2026-01-11 09:00:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, 'bounced', 'Bounced Address', true, true, false, false, false, false, false, false, false, false, false, false, false, NULL, NULL, NULL, NULL, 3, 'dropped'),
	('81d47823-0ba7-d14f-be8e-a5bc50c8334e', 'news3.recvd-1', '<3@geopod>', 'person3@corp.example', 'corp.example', 'Other', false, 'marketing', 'single_send', 'single_send:send1', 'News', 'v-1', 'send', 'd-1', NULL, '{news,weekly}', NULL, '1.2.3.4', 'pool1', '2026-01-06 09:00:03+00', '2026-01-06', '2026-01-09', '2026-01-06 09:00:03+00', '2026-01-06 09:00:09+00', '2026-01-06 09:00:03+00', NULL, NULL, '2026-01-06 09:00:09+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, NULL, 'hard', NULL, '5.1.1', '550 unknown user', 'message_id', NULL, NULL, true, false, true, false, false, true, false, false, false, false, false, false, false, NULL, NULL, NULL, NULL, 4, 'bounced'),
	('c73e8147-6d65-7294-96e5-d03a55f7b87d', 'welcome1.recvd-1', NULL, 'person5@corp.example', 'corp.example', 'Other', false, 'automation', 'automation_step', 'automation_step:auto1:step1', 'Welcome', 'none', 'send', 'none', NULL, NULL, NULL, '1.2.3.4', NULL, '2026-01-07 09:00:01+00', '2026-01-07', '2026-01-10', '2026-01-07 09:00:01+00', '2026-01-10 09:00:01+00', '2026-01-07 09:00:01+00', '2026-01-07 09:00:10+00', '2026-01-07 09:08:21+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-10 09:00:01+00', NULL, NULL, NULL, 1, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, true, false, true, true, true, false, false, false, false, false, true, false, false, 500, 491, NULL, NULL, 9, 'complained'),
	('e1e30136-729f-cabb-8674-186654244729', 'news0.recvd-1', '<0@geopod>', 'person0@gmail.com', 'gmail.com', 'Gmail', false, 'marketing', 'single_send', 'single_send:send1', 'News', 'v-0', 'send', 'd-1', NULL, '{other}', NULL, '1.2.3.4', 'pool1', '2026-01-06 09:00:00+00', '2026-01-06', '2026-01-09', '2026-01-06 09:00:00+00', '2026-01-06 09:00:32+00', '2026-01-06 09:00:00+00', NULL, '2026-01-06 09:00:10+00', NULL, NULL, '2026-01-06 09:00:20+00', '2026-01-06 09:00:20+00', '2026-01-06 09:00:30+00', '2026-01-06 09:00:20+00', '2026-01-06 09:00:32+00', '2026-01-06 09:00:30+00', '2026-01-06 09:00:30+00', '2026-01-06 09:00:32+00', NULL, NULL, NULL, NULL, 0, 2, 0, 3, 3, 3, 'mobile', NULL, NULL, NULL, NULL, NULL, NULL, NULL, true, false, true, false, true, false, true, true, true, true, false, false, false, 10, NULL, 20, 20, 7, 'clicked');
INSERT INTO sendgrid_marts.fct_suppression_history VALUES
	('person2@gmail.com', 'global_unsubscribe', 0, '2026-01-10 00:00:00+00', NULL, true, true, 'list', NULL, NULL, NULL),
	('person2@gmail.com', 'group_unsubscribe', 7, '2026-01-08 09:00:00+00', '2026-01-08 10:00:00+00', false, false, 'event', NULL, 'single_send:send1', 3600),
	('person3@corp.example', 'bounce', 0, '2026-01-06 09:00:09+00', NULL, true, true, 'event', '550 unknown user', 'single_send:send1', NULL),
	('person4@gmail.com', 'spam_report', 0, '2026-01-10 09:00:00+00', NULL, true, true, 'event', NULL, 'automation_step:auto1:step0', NULL),
	('person5@corp.example', 'spam_report', 0, '2026-01-10 00:00:00+00', NULL, true, true, 'list', NULL, NULL, NULL);
INSERT INTO sendgrid_marts.mart_ab_test_results VALUES
	('single_send:send1', 'v-0', 'Renamed', 2, 'v-0', true, 2, 1, 1, 0.500000, 0.500000, 0.000000, 0.000000, 0.000000, 0.000000, 1.000000, 1.000000, true),
	('single_send:send1', 'v-1', 'Renamed', 2, 'v-0', false, 1, 1, 1, 1.000000, 1.000000, 0.500000, 0.500000, 1.000000, 1.000000, 0.386476, 0.386476, true);
INSERT INTO sendgrid_marts.mart_bounce_reasons_daily VALUES
	('2026-01-06', 'Other', 'hard', 'none', '5.1.1', 'unknown user', 1);
INSERT INTO sendgrid_marts.mart_campaign_benchmarks VALUES
	('automation_step:auto1:', 'Welcome: step ', 'automation_step', 'automation', '2026-01-11', 0, 0, 0, 0, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, false),
	('automation_step:auto1:step0', 'Welcome: step step0', 'automation_step', 'automation', '2026-01-07', 1, 0, 0, 0, 0.000000, 0.000000, 0.000000, 0, NULL, NULL, NULL, NULL, NULL, true),
	('automation_step:auto1:step1', 'Welcome: step step1', 'automation_step', 'automation', '2026-01-07', 1, 0, 0, 0, 0.000000, 0.000000, 0.000000, 0, NULL, NULL, NULL, NULL, NULL, true),
	('single_send:send1', 'Renamed', 'single_send', 'marketing', '2026-01-06', 3, 2, 2, 0, 0.666667, 0.666667, 0.000000, 0, NULL, NULL, NULL, NULL, NULL, true),
	('template:d-2', 'Untitled Version', 'template', 'transactional', '2026-01-06', 1, 1, 0, 0, 1.000000, 0.000000, 0.000000, 0, NULL, NULL, NULL, NULL, NULL, true);
INSERT INTO sendgrid_marts.mart_campaign_performance VALUES
	('template:d-2', 'none', 'send', 'Untitled Version', 'template', 'transactional', '2026-01-06', '2026-01-06', 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 1.000000, 1.000000, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, NULL, 1.000000, 0.000000, 1.000000, 0.000000, 0.000000, true),
	('automation_step:auto1:step0', 'none', 'send', 'Welcome: step step0', 'automation_step', 'automation', '2026-01-07', '2026-01-07', 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 1.000000, 0.000000, 0.000000, 0.000000, NULL, 0.000000, 0.000000, NULL, 0.000000, NULL, 1.000000, 0.000000, 0.000000, 0.000000, NULL, true),
	('automation_step:auto1:', 'none', 'send', 'Welcome: step ', 'automation_step', 'automation', '2026-01-11', '2026-01-11', 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 1.000000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.000000, NULL, NULL, NULL, NULL, false),
	('single_send:send1', 'v-0', 'send', 'Renamed', 'single_send', 'marketing', '2026-01-06', '2026-01-06', 2, 2, 0, 0, 0, 0, 0, 0, 2, 2, 0, 2, 0, 0, 0, 0, 2, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 2, 0, 2, 1, 3, 0, 3, 3, 1, 1, 1, 1, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 1.000000, 0.500000, 1.000000, 0.500000, 0.500000, 0.500000, 1.000000, 0.000000, NULL, 1.000000, 0.000000, 1.000000, 0.500000, 0.500000, true),
	('single_send:send1', 'v-1', 'send', 'Renamed', 'single_send', 'marketing', '2026-01-06', '2026-01-06', 2, 2, 0, 0, 0, 0, 0, 0, 2, 2, 0, 1, 1, 1, 0, 0, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 0, 1, 0.500000, 0.000000, 0.500000, 0.500000, 0.000000, 0.000000, 0.000000, 1.000000, 1.000000, 1.000000, 0.000000, 1.000000, 1.000000, 1.000000, 0.000000, NULL, 0.500000, 1.000000, 1.000000, 1.000000, 1.000000, true),
	('automation_step:auto1:step1', 'none', 'send', 'Welcome: step step1', 'automation_step', 'automation', '2026-01-07', '2026-01-07', 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 1.000000, 0.000000, 0.000000, 0.000000, NULL, 0.000000, 0.000000, NULL, 0.000000, NULL, 1.000000, 0.000000, 0.000000, 0.000000, NULL, true);
INSERT INTO sendgrid_marts.mart_campaign_performance_daily VALUES
	('2026-01-07', 'automation_step:auto1:step0', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0),
	('2026-01-10', 'automation_step:auto1:step0', 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0),
	('2026-01-06', 'template:d-2', 4, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0),
	('2026-01-06', 'single_send:send1', 17, 4, 3, 1, 0, 3, 2, 2, 2, 0, 0),
	('2026-01-11', 'automation_step:auto1:', 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0),
	('2026-01-07', 'automation_step:auto1:step1', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0),
	('2026-01-10', 'automation_step:auto1:step1', 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0);
INSERT INTO sendgrid_marts.mart_category_performance VALUES
	('2026-01-06', 'receipts', 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 1.000000, 1.000000, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, NULL, 1.000000, 0.000000, 1.000000, 0.000000, 0.000000, true),
	('2026-01-06', 'weekly', 3, 3, 0, 0, 0, 0, 0, 0, 3, 3, 0, 2, 1, 1, 0, 0, 2, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 2, 1, 2, 1, 3, 1, 1, 1, 0.666667, 0.000000, 0.333333, 0.333333, 0.000000, 0.000000, 0.000000, 1.000000, 0.500000, 1.000000, 0.500000, 0.500000, 0.500000, 1.000000, 0.000000, NULL, 0.666667, 0.500000, 1.000000, 0.500000, 0.500000, true),
	('2026-01-06', 'other', 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 2, 0, 3, 3, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 1.000000, 1.000000, 1.000000, 0.000000, 1.000000, 1.000000, 1.000000, 0.000000, NULL, 1.000000, 0.000000, 1.000000, 1.000000, 1.000000, true),
	('2026-01-06', 'news', 3, 3, 0, 0, 0, 0, 0, 0, 3, 3, 0, 2, 1, 1, 0, 0, 2, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 2, 1, 2, 1, 3, 1, 1, 1, 0.666667, 0.000000, 0.333333, 0.333333, 0.000000, 0.000000, 0.000000, 1.000000, 0.500000, 1.000000, 0.500000, 0.500000, 0.500000, 1.000000, 0.000000, NULL, 0.666667, 0.500000, 1.000000, 0.500000, 0.500000, true);
INSERT INTO sendgrid_marts.mart_data_quality VALUES
	('2026-11-24', 2, 0, 2, 5, 44, 39, 2, 2, 3, 0, 0, 2, 2, 1, 1, 38, 1, 39, 12019085.000000, 1072280242.127465, 0.045455, 0.051282, 0.068182, 0.974359, 308181.666667, 27494365.182756);
INSERT INTO sendgrid_marts.mart_device_performance_daily VALUES
	('2026-01-06', 'transactional', 'mobile', 1, 1, 1, 0, 0, 0, 0.000000),
	('2026-01-06', 'marketing', 'mobile', 2, 2, 2, 2, 0, 0, 1.000000),
	('2026-01-06', 'marketing', 'proxy', 1, 1, 0, 0, 0, 0, NULL);
INSERT INTO sendgrid_marts.mart_domain_deliverability_daily VALUES
	('2026-01-07', 'Gmail', 'gmail.com', 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 1.000000, 0.000000, 0.000000, 0.000000, NULL, 0.000000, 0.000000, NULL, 0.000000, NULL, 1.000000, 0.000000, 0.000000, 0.000000, NULL, 330.0, 546.0, 'not_reported', 'too_few', 'none', true),
	('2026-01-07', 'Other', 'corp.example', 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 1.000000, 0.000000, 0.000000, 0.000000, NULL, 0.000000, 0.000000, NULL, 0.000000, NULL, 1.000000, 0.000000, 0.000000, 0.000000, NULL, 330.0, 546.0, 'not_reported', 'too_few', 'none', true),
	('2026-01-06', 'Other', 'corp.example', 3, 3, 0, 0, 0, 0, 0, 0, 3, 3, 0, 2, 1, 1, 0, 0, 2, 2, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 3, 2, 1, 1, 2, 2, 2, 2, 2, 2, 0.666667, 0.000000, 0.333333, 0.333333, 0.000000, 0.000000, 0.000000, 1.000000, 1.000000, 1.000000, 0.000000, 0.500000, 0.500000, 0.500000, 0.000000, NULL, 0.666667, 0.500000, 1.000000, 0.500000, 0.500000, 5.0, 9.0, 'not_reported', 'too_few', 'none', true),
	('2026-01-06', 'Gmail', 'gmail.com', 2, 2, 0, 0, 0, 0, 0, 0, 2, 2, 0, 2, 0, 0, 0, 0, 2, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 2, 0, 2, 1, 3, 0, 3, 3, 2, 2, 2, 2, 2, 2, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 1.000000, 0.500000, 1.000000, 0.500000, 0.500000, 0.500000, 1.000000, 0.000000, NULL, 1.000000, 0.000000, 1.000000, 0.500000, 0.500000, 5.0, 9.0, 'not_reported', 'too_few', 'none', true),
	('2026-01-11', 'Gmail', 'gmail.com', 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 1.000000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.000000, NULL, NULL, NULL, NULL, NULL, NULL, 'not_reported', 'too_few', 'none', false);
INSERT INTO sendgrid_marts.mart_email_overview_daily VALUES
	('2026-01-07', 'automation', 2, 2, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 1.000000, 0.000000, 0.000000, 0.000000, NULL, 0.000000, 0.000000, NULL, 0.000000, NULL, 1.000000, 0.000000, 0.000000, 0.000000, NULL, 2, 0, 2, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0.000000, 0.000000, true),
	('2026-01-11', 'automation', 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 1.000000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.000000, NULL, NULL, NULL, NULL, 2, 0, 2, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0.000000, 0.000000, false),
	('2026-01-06', 'marketing', 4, 4, 0, 0, 0, 0, 0, 0, 4, 4, 0, 3, 1, 1, 0, 0, 3, 2, 1, 2, 2, 0, 1, 1, 1, 0, 0, 0, 0, 3, 1, 3, 2, 5, 1, 4, 4, 0.750000, 0.000000, 0.250000, 0.250000, 0.000000, 0.000000, 0.000000, 1.000000, 0.666667, 1.000000, 0.333333, 0.666667, 0.666667, 1.000000, 0.000000, NULL, 0.750000, 0.333333, 1.000000, 0.666667, 0.666667, 4, 0, 4, 3, 0, 3, 2, 0, 2, 2, 0, 2, 0.666667, 0.666667, true),
	('2026-01-06', 'transactional', 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 1.000000, 1.000000, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, NULL, 1.000000, 0.000000, 1.000000, 0.000000, 0.000000, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0, 0, 0, 1.000000, 0.000000, true);
INSERT INTO sendgrid_marts.mart_engagement_tiers_monthly VALUES
	('2026-01-01', '2026-01-13', 'new', 'none', 2),
	('2026-01-01', '2026-01-13', 'suppressed', 'none', 4);
INSERT INTO sendgrid_marts.mart_event_volume_daily VALUES
	('2026-01-06', 'account_status_change', 1, 1, 0, 0, 0, 1, 0, 1, 1, 0, 205200, 205200, 205200.000000),
	('2026-01-06', 'click', 4, 4, 0, 0, 0, 0, 0, 0, 4, 0, 903447, 226770, 225861.750000),
	('2026-01-06', 'hologram', 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 201600, 201600, 201600.000000),
	('2026-01-06', 'bounce', 2, 2, 0, 0, 0, 1, 0, 0, 2, 0, 781191, 572391, 390595.500000),
	('2026-01-06', 'delivered', 5, 5, 0, 0, 0, 0, 0, 0, 5, 0, 1814355, 572390, 362871.000000),
	('2026-01-06', 'open', 8, 6, 2, 0, 4, 0, 2, 0, 8, 0, 2469520, 572380, 308690.000000),
	('2026-01-06', 'processed', 6, 6, 0, 0, 0, 0, 0, 0, 6, 0, 2375994, 572398, 395999.000000),
	('2026-01-07', 'deferred', 2, 2, 0, 0, 0, 0, 0, 0, 2, 0, 626381, 485990, 313190.500000),
	('2026-01-07', 'delivered', 2, 2, 0, 0, 0, 0, 0, 0, 2, 0, 625399, 485499, 312699.500000),
	('2026-01-07', 'processed', 2, 2, 0, 0, 0, 0, 0, 0, 2, 0, 626399, 485999, 313199.500000),
	('2026-01-08', 'group_resubscribe', 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 396000, 396000, 396000.000000),
	('2026-01-08', 'group_unsubscribe', 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 399600, 399600, 399600.000000),
	('2026-01-10', 'spamreport', 2, 2, 0, 0, 0, 0, 0, 0, 1, 1, 226799, 226799, 113399.500000),
	('2026-01-10', 'unsubscribe', 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 226800, 226800, 226800.000000),
	('2026-01-11', 'dropped', 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 140400, 140400, 140400.000000);
INSERT INTO sendgrid_marts.mart_ip_pool_deliverability_daily VALUES
	('2026-01-06', 'unknown', 'none', 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 1.000000, 1.000000, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, NULL, 1.000000, 0.000000, 1.000000, 0.000000, 0.000000, 5.0, 9.0, 'too_few', 'none', true),
	('2026-01-06', '1.2.3.4', 'pool1', 4, 4, 0, 0, 0, 0, 0, 0, 4, 4, 0, 3, 1, 1, 0, 0, 3, 2, 1, 2, 2, 0, 1, 1, 1, 0, 0, 0, 0, 3, 1, 3, 2, 5, 1, 4, 4, 3, 3, 3, 3, 3, 3, 0.750000, 0.000000, 0.250000, 0.250000, 0.000000, 0.000000, 0.000000, 1.000000, 0.666667, 1.000000, 0.333333, 0.666667, 0.666667, 1.000000, 0.000000, NULL, 0.750000, 0.333333, 1.000000, 0.666667, 0.666667, 5.0, 9.0, 'too_few', 'none', true),
	('2026-01-11', 'unknown', 'none', 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 1.000000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.000000, NULL, NULL, NULL, NULL, NULL, NULL, 'too_few', 'none', false),
	('2026-01-07', '1.2.3.4', 'none', 2, 2, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 1.000000, 0.000000, 0.000000, 0.000000, NULL, 0.000000, 0.000000, NULL, 0.000000, NULL, 1.000000, 0.000000, 0.000000, 0.000000, NULL, 330.0, 546.0, 'too_few', 'none', true);
INSERT INTO sendgrid_marts.mart_link_performance VALUES
	('2026-01-06', 'single_send:send1', 'https://x.example/0', 1, 1, 1, 1, 1, 4, 0.250000),
	('2026-01-06', 'single_send:send1', 'https://x.example/1', 2, 2, 2, 2, 2, 4, 0.500000),
	('2026-01-06', 'single_send:send1', 'https://x.example/2', 1, 1, 1, 1, 1, 4, 0.250000);
INSERT INTO sendgrid_marts.mart_list_health_daily VALUES
	('2026-01-05', 'l1', 'Everybody', false, 8, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.000000, NULL, NULL, NULL, NULL, NULL, true),
	('2026-01-06', 'l1', 'Everybody', false, 8, 0, 0, 1, 5, 4, 1, 1, 3, 2, 0, 0, 0.125000, 0.800000, 0.200000, 0.750000, 0.500000, 0.000000, true),
	('2026-01-07', 'l1', 'Everybody', false, 8, 0, 0, 1, 2, 2, 0, 0, 0, 0, 2, 0, 0.125000, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, true),
	('2026-01-08', 'l1', 'Everybody', false, 8, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0.125000, NULL, NULL, NULL, NULL, NULL, true),
	('2026-01-09', 'l1', 'Everybody', false, 8, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0.125000, NULL, NULL, NULL, NULL, NULL, true),
	('2026-01-10', 'l1', 'Everybody', false, 8, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0.500000, NULL, NULL, NULL, NULL, NULL, true),
	('2026-01-11', 'l1', 'Everybody', false, 8, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0.500000, NULL, NULL, NULL, NULL, NULL, false),
	('2026-01-12', 'l1', 'Everybody', false, 7, 0, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0.571429, NULL, NULL, NULL, NULL, NULL, false),
	('2026-01-13', 'l1', 'Everybody', false, 7, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0.571429, NULL, NULL, NULL, NULL, NULL, false);
INSERT INTO sendgrid_marts.mart_membership_tiers VALUES
	('list', 'l1', 'Everybody', 'new', 2),
	('list', 'l1', 'Everybody', 'not mailed', 1),
	('list', 'l1', 'Everybody', 'suppressed', 4),
	('segment', 'g1', 'VIP', 'new', 2),
	('segment', 'g1', 'VIP', 'suppressed', 1);
INSERT INTO sendgrid_marts.mart_provider_deliverability_daily VALUES
	('2026-01-06', 'Gmail', 2, 2, 0, 0, 0, 0, 0, 0, 2, 2, 0, 2, 0, 0, 0, 0, 2, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 2, 0, 2, 1, 3, 0, 3, 3, 2, 2, 2, 2, 2, 2, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 1.000000, 0.500000, 1.000000, 0.500000, 0.500000, 0.500000, 1.000000, 0.000000, NULL, 1.000000, 0.000000, 1.000000, 0.500000, 0.500000, 5.0, 9.0, 2, 2, 0, 0, 0, 0, 0, 0, NULL, NULL, 'not_reported', 'too_few', 'none', true),
	('2026-01-07', 'Gmail', 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 1.000000, 0.000000, 0.000000, 0.000000, NULL, 0.000000, 0.000000, NULL, 0.000000, NULL, 1.000000, 0.000000, 0.000000, 0.000000, NULL, 330.0, 546.0, 3, 3, 1, 1, 0, 0, 0, 0, NULL, NULL, 'not_reported', 'too_few', 'none', true),
	('2026-01-11', 'Gmail', 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 1.000000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.000000, NULL, NULL, NULL, NULL, NULL, NULL, 3, 3, 1, 1, 0, 0, 0, 0, NULL, NULL, 'not_reported', 'too_few', 'none', false),
	('2026-01-06', 'Other', 3, 3, 0, 0, 0, 0, 0, 0, 3, 3, 0, 2, 1, 1, 0, 0, 2, 2, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 3, 2, 1, 1, 2, 2, 2, 2, 2, 2, 0.666667, 0.000000, 0.333333, 0.333333, 0.000000, 0.000000, 0.000000, 1.000000, 1.000000, 1.000000, 0.000000, 0.500000, 0.500000, 0.500000, 0.000000, NULL, 0.666667, 0.500000, 1.000000, 0.500000, 0.500000, 5.0, 9.0, 2, 2, 0, 0, 0, 0, 0, 0, NULL, NULL, 'not_reported', 'too_few', 'none', true),
	('2026-01-07', 'Other', 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 1.000000, 0.000000, 0.000000, 0.000000, NULL, 0.000000, 0.000000, NULL, 0.000000, NULL, 1.000000, 0.000000, 0.000000, 0.000000, NULL, 330.0, 546.0, 3, 3, 1, 1, 0, 0, 0, 0, NULL, NULL, 'not_reported', 'too_few', 'none', true);
INSERT INTO sendgrid_marts.mart_recipient_engagement VALUES
	('person1@corp.example', 'corp.example', 'Other', 'new', 50, 5, 3, 4, 7.00000, false, NULL, false, 0, 2, 2, 2, 2, 1, 0, 0, 0, 0, 2, 2, 2, 1, 2, 2, 2, 1, 2, 2, 2, 1, 1.000000, 0.500000, '2026-01-06 09:00:01+00', '2026-01-06 12:00:00+00', '2026-01-06 12:00:02+00', '2026-01-06 13:00:00+00', '2026-01-06 10:01:00+00', '2026-01-06 13:00:00+00', '2026-01-06 10:01:00+00', '2026-01-06 13:00:00+00', NULL, 10, 2, '2026-01-14'),
	('person4@gmail.com', 'gmail.com', 'Gmail', 'suppressed', 0, 1, 1, 1, -20.00000, true, 'spam_report', false, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0.000000, 0.000000, '2026-01-07 09:00:00+00', '2026-01-07 09:00:00+00', '2026-01-07 09:08:20+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-02-06'),
	('person0@gmail.com', 'gmail.com', 'Gmail', 'new', 45, 5, 2, 4, 6.00000, false, NULL, false, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1.000000, 1.000000, '2026-01-06 09:00:00+00', '2026-01-06 09:00:00+00', '2026-01-06 09:00:10+00', '2026-01-06 09:00:20+00', '2026-01-06 09:00:30+00', '2026-01-06 09:00:32+00', '2026-01-06 09:00:32+00', '2026-01-06 09:00:32+00', NULL, 9, 2, '2026-01-14'),
	('person3@corp.example', 'corp.example', 'Other', 'suppressed', 0, 1, 1, 1, 0.00000, true, 'bounce', false, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, NULL, NULL, '2026-01-06 09:00:03+00', '2026-01-06 09:00:03+00', NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-06 09:00:09+00', NULL, NULL, '2026-02-05'),
	('person5@corp.example', 'corp.example', 'Other', 'suppressed', 0, 1, 1, 1, -20.00000, true, 'spam_report', false, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0.000000, 0.000000, '2026-01-07 09:00:01+00', '2026-01-07 09:00:01+00', '2026-01-07 09:08:21+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-02-06'),
	('person6@gmail.com', 'gmail.com', 'Gmail', 'new', 0, 1, 1, 1, 0.00000, false, NULL, false, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('person2@gmail.com', 'gmail.com', 'Gmail', 'suppressed', 0, 1, 1, 1, 0.00000, true, 'global_unsubscribe', false, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0.000000, 0.000000, '2026-01-06 09:00:02+00', '2026-01-06 09:00:02+00', '2026-01-06 09:00:12+00', '2026-01-06 09:00:20+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-02-05');
INSERT INTO sendgrid_marts.mart_recipient_tiers_monthly VALUES
	('person4@gmail.com', '2026-01-01', 'suppressed', 'none'),
	('person0@gmail.com', '2026-01-01', 'new', 'none'),
	('person1@corp.example', '2026-01-01', 'new', 'none'),
	('person3@corp.example', '2026-01-01', 'suppressed', 'none'),
	('person5@corp.example', '2026-01-01', 'suppressed', 'none'),
	('person2@gmail.com', '2026-01-01', 'suppressed', 'none');
INSERT INTO sendgrid_marts.mart_segment_health_daily VALUES
	('2026-01-05', 'g1', 'VIP', false, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.000000, NULL, NULL, NULL, NULL, NULL, true),
	('2026-01-06', 'g1', 'VIP', false, 3, 0, 0, 0, 4, 4, 0, 0, 3, 2, 0, 0, 0.000000, 1.000000, 0.000000, 0.750000, 0.500000, 0.000000, true),
	('2026-01-07', 'g1', 'VIP', false, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.000000, NULL, NULL, NULL, NULL, NULL, true),
	('2026-01-08', 'g1', 'VIP', false, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.000000, NULL, NULL, NULL, NULL, NULL, true),
	('2026-01-09', 'g1', 'VIP', false, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.000000, NULL, NULL, NULL, NULL, NULL, true),
	('2026-01-10', 'g1', 'VIP', false, 3, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0.333333, NULL, NULL, NULL, NULL, NULL, true),
	('2026-01-11', 'g1', 'VIP', false, 3, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0.333333, NULL, NULL, NULL, NULL, NULL, false),
	('2026-01-12', 'g1', 'VIP', false, 3, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0.333333, NULL, NULL, NULL, NULL, NULL, false),
	('2026-01-13', 'g1', 'VIP', false, 3, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0.333333, NULL, NULL, NULL, NULL, NULL, false);
INSERT INTO sendgrid_marts.mart_send_time_heatmap VALUES
	('2026-01-01', 'transactional', 2, 12, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 1.000000, 1.000000, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, NULL, 1.000000, 0.000000, 1.000000, 0.000000, 0.000000),
	('2026-01-01', 'automation', 3, 9, 2, 2, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 1.000000, 0.000000, 0.000000, 0.000000, NULL, 0.000000, 0.000000, NULL, 0.000000, NULL, 1.000000, 0.000000, 0.000000, 0.000000, NULL),
	('2026-01-01', 'automation', 7, 9, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 1.000000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.000000, NULL, NULL, NULL, NULL),
	('2026-01-01', 'marketing', 2, 9, 4, 4, 0, 0, 0, 0, 0, 0, 4, 4, 0, 3, 1, 1, 0, 0, 3, 2, 1, 2, 2, 0, 1, 1, 1, 0, 0, 0, 0, 3, 1, 3, 2, 5, 1, 4, 4, 2, 2, 1, 2, 0.750000, 0.000000, 0.250000, 0.250000, 0.000000, 0.000000, 0.000000, 1.000000, 0.666667, 1.000000, 0.333333, 0.666667, 0.666667, 1.000000, 0.000000, NULL, 0.750000, 0.333333, 1.000000, 0.666667, 0.666667);
INSERT INTO sendgrid_marts.mart_sendgrid_comparison_daily VALUES
	('2026-01-06', 'bounced_and_blocked', false, 2, 0, 0, 2, NULL),
	('2026-01-06', 'clicks', false, 4, 0, 0, 4, NULL),
	('2026-01-06', 'deferred', false, 0, 0, 0, 0, NULL),
	('2026-01-06', 'delivered', false, 5, 0, 4, 1, 0.250000),
	('2026-01-06', 'dropped', false, 0, 0, 0, 0, NULL),
	('2026-01-06', 'opens', false, 6, 0, 0, 6, NULL),
	('2026-01-06', 'processed', false, 6, 0, 0, 6, NULL),
	('2026-01-06', 'spam_reports', false, 0, 0, 0, 0, NULL),
	('2026-01-06', 'unsubscribes', false, 0, 0, 0, 0, NULL);
INSERT INTO sendgrid_marts.mart_template_performance VALUES
	('2026-01-06', 'd-2', 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 1.000000, 1.000000, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, NULL, 1.000000, 0.000000, 1.000000, 0.000000, 0.000000, true),
	('2026-01-11', 'none', 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 1.000000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.000000, NULL, NULL, NULL, NULL, false),
	('2026-01-07', 'none', 2, 2, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 1.000000, 0.000000, 0.000000, 0.000000, NULL, 0.000000, 0.000000, NULL, 0.000000, NULL, 1.000000, 0.000000, 0.000000, 0.000000, NULL, true),
	('2026-01-06', 'd-1', 4, 4, 0, 0, 0, 0, 0, 0, 4, 4, 0, 3, 1, 1, 0, 0, 3, 2, 1, 2, 2, 0, 1, 1, 1, 0, 0, 0, 0, 3, 1, 3, 2, 5, 1, 4, 4, 0.750000, 0.000000, 0.250000, 0.250000, 0.000000, 0.000000, 0.000000, 1.000000, 0.666667, 1.000000, 0.333333, 0.666667, 0.666667, 1.000000, 0.000000, NULL, 0.750000, 0.333333, 1.000000, 0.666667, 0.666667, true);
INSERT INTO sendgrid_raw.daily_stats VALUES
	('2026-01-06', NULL, NULL, NULL, NULL, NULL, 4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-12 00:00:00+00', '2026-01-12 00:00:00+00', NULL, NULL);
INSERT INTO sendgrid_raw.events_2026_01 VALUES
	('2026-01-06 14:00:00+00', 'aef14356-8e73-77a5-86aa-329cbe554514', '2026-01-09 00:00:00.001+00', 1, '2026-01-06', false, NULL, NULL, NULL, NULL, NULL, NULL, 'bounce', 'person7@corp.example', 'account-bounce-18000', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'policy', '5.7.1', 'blocked', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 15:00:00+00', '68780b82-d856-5403-b9a3-a896155e3d5a', '2026-01-09 00:00:00.001+00', 1, '2026-01-06', false, NULL, NULL, NULL, NULL, NULL, NULL, 'account_status_change', NULL, 'account-account_status_change-21600', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'compliance_suspend', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 09:00:10+00', 'efc08e21-fdde-5cfa-1385-b33ab005fb2a', '2026-01-09 00:00:00+00', 1, '2026-01-06', false, NULL, 1, NULL, NULL, NULL, NULL, 'delivered', 'person0@gmail.com', 'news0.recvd-1-delivered-10', 'news0.recvd-1', '<0@geopod>', '{news,weekly}', '1.2.3.4', NULL, NULL, NULL, NULL, '250 OK', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-0', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c0"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 09:00:11+00', '113f8c52-bcee-5784-7408-35b82eff683f', '2026-01-09 00:00:00+00', 1, '2026-01-06', false, NULL, 1, NULL, NULL, NULL, NULL, 'delivered', 'person1@corp.example', 'news1.recvd-1-delivered-11', 'news1.recvd-1', '<1@geopod>', '{news,weekly}', '1.2.3.4', NULL, NULL, NULL, NULL, '250 OK', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c1"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 09:00:20+00', '9d4c585b-32ba-7b85-24c5-5113c4b73cb6', '2026-01-09 00:00:00+00', 1, '2026-01-06', false, true, NULL, NULL, NULL, NULL, NULL, 'open', 'person1@corp.example', 'news1.recvd-1-open-20', 'news1.recvd-1', '<1@geopod>', '{news,weekly}', NULL, 'Mozilla/5.0', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c1"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 09:00:20+00', 'd0d4714d-4553-0bf6-bc54-f8f6198710fb', '2026-01-09 00:00:00+00', 1, '2026-01-06', false, true, NULL, NULL, NULL, NULL, NULL, 'open', 'person0@gmail.com', 'news0.recvd-1-open-20', 'news0.recvd-1', '<0@geopod>', '{news,weekly}', NULL, 'Mozilla/5.0', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-0', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c0"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 09:00:30+00', 'b55f8ef7-9376-0f60-b06b-be017413b9f6', '2026-01-09 00:00:00+00', 1, '2026-01-06', false, NULL, NULL, NULL, NULL, NULL, NULL, 'click', 'person0@gmail.com', 'news0.recvd-1-click-30', 'news0.recvd-1', '<0@geopod>', '{news,weekly}', NULL, 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)', 'https://x.example/0', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-0', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c0"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 09:00:31+00', 'e98edd2f-23c8-4aae-bf88-26cfa0daa3df', '2026-01-09 00:00:00+00', 1, '2026-01-06', false, NULL, NULL, NULL, NULL, NULL, NULL, 'click', 'person0@gmail.com', 'news0.recvd-1-click-31', 'news0.recvd-1', '<0@geopod>', '{news,weekly}', NULL, 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)', 'https://x.example/1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-0', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c0"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 09:00:32+00', 'e6ee0033-12e7-889f-db24-cedd3f5313e4', '2026-01-09 00:00:00+00', 1, '2026-01-06', false, NULL, NULL, NULL, NULL, NULL, NULL, 'click', 'person0@gmail.com', 'news0.recvd-1-click-32', 'news0.recvd-1', '<0@geopod>', '{news,weekly}', NULL, 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)', 'https://x.example/2', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-0', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c0"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 10:00:00+00', '55bdaf3e-030a-c5be-82e6-457b9c4c7666', '2026-01-09 00:00:00+00', 1, '2026-01-06', false, NULL, NULL, NULL, NULL, NULL, NULL, 'open', 'person1@corp.example', 'news1.recvd-1-open-3600', 'news1.recvd-1', '<1@geopod>', '{news,weekly}', NULL, 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c1"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 10:00:00+00', '55bdaf3e-030a-c5be-c7d2-c37de83e8c06', '2026-01-09 00:00:00+00', 1, '2026-01-06', true, NULL, NULL, NULL, NULL, NULL, NULL, 'open', 'person1@corp.example', 'a copy', 'news1.recvd-1', '<1@geopod>', '{news,weekly}', NULL, 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c1"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 10:01:00+00', 'b9a07553-6cdf-93ef-fb28-9bbafe535e37', '2026-01-09 00:00:00+00', 1, '2026-01-06', false, NULL, NULL, NULL, 1, NULL, NULL, 'click', 'person1@corp.example', 'news1.recvd-1-click-3660', 'news1.recvd-1', '<1@geopod>', '{news,weekly}', NULL, 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)', 'https://x.example/1', 'html', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c1"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 12:00:00+00', '6b12349f-5219-457c-4947-cc2800dc07a4', '2026-01-09 00:00:00.001+00', 1, '2026-01-06', false, NULL, NULL, NULL, NULL, NULL, NULL, 'processed', 'person1@corp.example', 'receipt.recvd-1-processed-10800', 'receipt.recvd-1', NULL, '{receipts}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'd-2', 'Untitled Version', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"nested": {"a": [1, 2.5]}, "of_text": "a", "of_boolean": "true", "of_integer": "7", "of_numeric": "9.90", "of_timestamp": "2026-01-06T09:00:00Z"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 12:00:02+00', '4dd93c76-a7a7-fbaf-3a5b-6618f9509bb1', '2026-01-09 00:00:00.001+00', 1, '2026-01-06', false, NULL, NULL, NULL, NULL, NULL, NULL, 'delivered', 'person1@corp.example', 'receipt.recvd-1-delivered-10802', 'receipt.recvd-1', NULL, '{receipts}', NULL, NULL, NULL, NULL, NULL, '250 ü', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'd-2', 'Untitled Version', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"nested": {"a": [1, 2.5]}, "of_text": "a", "of_boolean": "true", "of_integer": "7", "of_numeric": "9.90", "of_timestamp": "2026-01-06T09:00:00Z"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 13:00:00+00', '12013f2a-26a2-60ce-8a58-f72730661e95', '2026-01-09 00:00:00.001+00', 1, '2026-01-06', true, NULL, NULL, NULL, NULL, NULL, NULL, 'open', 'person1@corp.example', '', 'receipt.recvd-1', NULL, '{receipts}', NULL, 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'd-2', 'Untitled Version', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"nested": {"a": [1, 2.5]}, "of_text": "a", "of_boolean": "true", "of_integer": "7", "of_numeric": "9.90", "of_timestamp": "2026-01-06T09:00:00Z"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 13:00:00+00', '12013f2a-26a2-60ce-b532-168abd061682', '2026-01-09 00:00:00.001+00', 1, '2026-01-06', false, NULL, NULL, NULL, NULL, NULL, NULL, 'open', 'person1@corp.example', '', 'receipt.recvd-1', NULL, '{receipts}', NULL, 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'd-2', 'Untitled Version', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"nested": {"a": [1, 2.5]}, "of_text": "a", "of_boolean": "true", "of_integer": "7", "of_numeric": "9.90", "of_timestamp": "2026-01-06T09:00:00Z"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 16:00:00+00', '0ea37055-fdbe-5961-2820-6b51da0f83cc', '2026-01-09 00:00:00.001+00', 1, '2026-01-06', false, NULL, NULL, NULL, NULL, NULL, NULL, 'hologram', 'person1@corp.example', 'receipt.recvd-1-hologram-25200', 'receipt.recvd-1', NULL, '{receipts}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'd-2', 'Untitled Version', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"nested": {"a": [1, 2.5]}, "of_text": "a", "of_boolean": "true", "of_integer": "7", "of_numeric": "9.90", "of_timestamp": "2026-01-06T09:00:00Z"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-07 09:00:00+00', '957eb78a-538a-5ab3-d708-35500387e837', '2026-01-09 00:00:00+00', 1, '2026-01-07', false, NULL, NULL, NULL, NULL, NULL, NULL, 'processed', 'person4@gmail.com', 'welcome0.recvd-1-processed-86400', 'welcome0.recvd-1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'auto1', 'Welcome', 'step0', NULL, NULL, NULL, NULL, NULL, NULL, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-07 09:00:09+00', 'fe78977a-3853-dbb1-d268-d8f154399292', '2026-01-09 00:00:00+00', 1, '2026-01-07', false, NULL, NULL, 1, NULL, NULL, NULL, 'deferred', 'person4@gmail.com', 'welcome0.recvd-1-deferred-86409', 'welcome0.recvd-1', NULL, NULL, '1.2.3.4', NULL, NULL, NULL, NULL, '451 try later', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'auto1', 'Welcome', 'step0', NULL, NULL, NULL, NULL, NULL, NULL, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-07 09:08:20+00', '7ce3e010-0ecb-e0ed-bdb5-67ce510436c1', '2026-01-09 00:00:00+00', 1, '2026-01-07', false, NULL, NULL, NULL, NULL, NULL, NULL, 'delivered', 'person4@gmail.com', 'welcome0.recvd-1-delivered-86900', 'welcome0.recvd-1', NULL, NULL, '1.2.3.4', NULL, NULL, NULL, NULL, '250 OK', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'auto1', 'Welcome', 'step0', NULL, NULL, NULL, NULL, NULL, NULL, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-10 09:00:00+00', 'bb234387-8f83-e15b-6a02-ec36b7429e5c', '2026-01-09 00:00:00+00', 1, '2026-01-10', false, NULL, NULL, NULL, NULL, NULL, NULL, 'spamreport', 'person4@gmail.com', 'welcome0.recvd-1-spamreport-345600', 'welcome0.recvd-1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'auto1', 'Welcome', 'step0', NULL, NULL, NULL, NULL, NULL, NULL, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 09:00:00+00', '95705d16-9c0f-1138-d3c6-68f8e585598c', '2026-01-09 00:00:00+00', 1, '2026-01-06', false, NULL, NULL, NULL, NULL, NULL, NULL, 'processed', 'person0@gmail.com', 'news0.recvd-1-processed-0', 'news0.recvd-1', '<0@geopod>', '{news,weekly}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '1', 'pool1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-0', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c0"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 09:00:01+00', '8b385c42-6692-41bd-9dc7-ed646bb28a5f', '2026-01-09 00:00:00+00', 1, '2026-01-06', false, NULL, NULL, NULL, NULL, NULL, NULL, 'processed', 'person1@corp.example', 'news1.recvd-1-processed-1', 'news1.recvd-1', '<1@geopod>', '{news,weekly}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '1', 'pool1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c1"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 09:00:09+00', 'd6133a15-b748-5184-546f-342807d156f6', '2026-01-13 00:00:00+00', 2, '2026-01-06', false, NULL, NULL, NULL, NULL, NULL, NULL, 'bounce', 'person3@corp.example', 'news3.recvd-1-bounce-9', 'news3.recvd-1', '<3@geopod>', '{news,weekly}', '1.2.3.4', NULL, NULL, NULL, NULL, NULL, '550 unknown user', '5.1.1', 'bounce', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c3"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 09:00:10+00', '0c06f8e1-5710-d7fe-deaf-923cc3ae1113', '2026-01-13 00:00:00+00', 2, '2026-01-06', false, NULL, 1, NULL, NULL, NULL, NULL, 'delivered', 'person0@gmail.com', 'news0.recvd-1-delivered-10', 'news0.recvd-1', '<0@geopod>', '{news,weekly}', '1.2.3.4', NULL, NULL, NULL, NULL, '250 OK', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-0', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c0"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 09:00:12+00', '0a72a6f7-9ff0-4fa4-6e40-89c8b6edf825', '2026-01-13 00:00:00+00', 2, '2026-01-06', false, NULL, 1, NULL, NULL, NULL, NULL, 'delivered', 'person2@gmail.com', 'news2.recvd-1-delivered-12', 'news2.recvd-1', '<2@geopod>', '{news,weekly}', '1.2.3.4', NULL, NULL, NULL, NULL, '250 OK', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-0', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c2"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 09:00:20+00', 'c01e85b9-40cf-311d-ffc1-cb73f7274cee', '2026-01-13 00:00:00+00', 2, '2026-01-06', false, true, NULL, NULL, NULL, NULL, NULL, 'open', 'person2@gmail.com', 'news2.recvd-1-open-20', 'news2.recvd-1', '<2@geopod>', '{news,weekly}', NULL, 'Mozilla/5.0', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-0', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c2"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 09:00:20+00', 'ffb456fa-8c7b-c214-33da-b8aaf9d5481d', '2026-01-13 00:00:00+00', 2, '2026-01-06', false, true, NULL, NULL, NULL, NULL, NULL, 'open', 'person0@gmail.com', 'news0.recvd-1-open-20', 'news0.recvd-1', '<0@geopod>', '{other}', NULL, 'Mozilla/5.0', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-0', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c0"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 12:00:00+00', '43528efe-9665-c529-428d-686527511624', '2026-01-13 00:00:00+00', 2, '2026-01-06', false, NULL, NULL, NULL, NULL, NULL, NULL, 'processed', 'person1@corp.example', 'receipt.recvd-1-processed-10800', 'receipt.recvd-1', NULL, '{receipts}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'd-2', 'Untitled Version', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"nested": {"a": [1, 2.5]}, "of_text": "a", "of_boolean": "true", "of_integer": "7", "of_numeric": "9.90", "of_timestamp": "2026-01-06T09:00:00Z"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-07 09:00:01+00', '97b3c482-0e76-3c16-8603-0019010290ae', '2026-01-13 00:00:00.001+00', 2, '2026-01-07', false, NULL, NULL, NULL, NULL, NULL, NULL, 'processed', 'person5@corp.example', 'welcome1.recvd-1-processed-86401', 'welcome1.recvd-1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'auto1', 'Welcome', 'step1', NULL, NULL, NULL, NULL, NULL, NULL, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-07 09:00:10+00', 'd0312bf0-3e7a-c25f-bc2e-5fd97bf9c73c', '2026-01-13 00:00:00.001+00', 2, '2026-01-07', false, NULL, NULL, 1, NULL, NULL, NULL, 'deferred', 'person5@corp.example', 'welcome1.recvd-1-deferred-86410', 'welcome1.recvd-1', NULL, NULL, '1.2.3.4', NULL, NULL, NULL, NULL, '451 try later', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'auto1', 'Welcome', 'step1', NULL, NULL, NULL, NULL, NULL, NULL, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-07 09:08:21+00', 'd2780852-3c3c-0b8b-43bd-733fb8ba93dd', '2026-01-13 00:00:00.001+00', 2, '2026-01-07', false, NULL, NULL, NULL, NULL, NULL, NULL, 'delivered', 'person5@corp.example', 'welcome1.recvd-1-delivered-86901', 'welcome1.recvd-1', NULL, NULL, '1.2.3.4', NULL, NULL, NULL, NULL, '250 OK', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'auto1', 'Welcome', 'step1', NULL, NULL, NULL, NULL, NULL, NULL, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-08 09:00:00+00', '647ab34e-aecf-d585-2a72-cebd98b3cd2c', '2026-01-13 00:00:00+00', 2, '2026-01-08', false, NULL, NULL, NULL, NULL, 7, NULL, 'group_unsubscribe', 'person2@gmail.com', 'news2.recvd-1-group_unsubscribe-172800', 'news2.recvd-1', '<2@geopod>', '{news,weekly}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-0', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c2"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-08 10:00:00+00', 'c8b2c623-5244-7111-41aa-aee70c779349', '2026-01-13 00:00:00+00', 2, '2026-01-08', false, NULL, NULL, NULL, NULL, 7, NULL, 'group_resubscribe', 'person2@gmail.com', 'news2.recvd-1-group_resubscribe-176400', 'news2.recvd-1', '<2@geopod>', '{news,weekly}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-0', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c2"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-10 09:00:00+00', 'f49ada98-5a93-46f4-48a4-8583049876f0', '2026-01-13 00:00:00+00', 2, '2026-01-10', false, NULL, NULL, NULL, NULL, NULL, NULL, 'unsubscribe', 'person2@gmail.com', 'news2.recvd-1-unsubscribe-345600', 'news2.recvd-1', '<2@geopod>', '{news,weekly}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-0', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c2"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-10 09:00:01+00', '3e57e76e-0f55-f943-977e-144cc540f657', '2026-01-13 00:00:00.001+00', 2, '2026-01-10', false, NULL, NULL, NULL, NULL, NULL, NULL, 'spamreport', 'person5@corp.example', 'welcome1.recvd-1-spamreport-345601', 'welcome1.recvd-1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'auto1', 'Welcome', 'step1', NULL, NULL, NULL, NULL, NULL, NULL, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-11 09:00:00+00', '5aba9796-64fd-2262-88e6-d647d0640f62', '2026-01-13 00:00:00.001+00', 2, '2026-01-11', false, NULL, NULL, NULL, NULL, NULL, NULL, 'dropped', 'person6@gmail.com', 'welcome2.recvd-1-dropped-432000', 'welcome2.recvd-1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'Bounced Address', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'auto1', 'Welcome', NULL, NULL, NULL, NULL, NULL, NULL, NULL, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 09:00:02+00', '4e5c772d-89a3-05d6-a4fc-a9db5345fd7d', '2026-01-13 00:00:00+00', 2, '2026-01-06', false, NULL, NULL, NULL, NULL, NULL, NULL, 'processed', 'person2@gmail.com', 'news2.recvd-1-processed-2', 'news2.recvd-1', '<2@geopod>', '{news,weekly}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '1', 'pool1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-0', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c2"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT),
	('2026-01-06 09:00:03+00', '2802232b-7471-8c63-b253-812c543bff7f', '2026-01-13 00:00:00+00', 2, '2026-01-06', false, NULL, NULL, NULL, NULL, NULL, NULL, 'processed', 'person3@corp.example', 'news3.recvd-1-processed-3', 'news3.recvd-1', '<3@geopod>', '{news,weekly}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '1', 'pool1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'send1', 'News', NULL, NULL, NULL, NULL, NULL, 'd-1', 'v-1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"customer": "c3"}', DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT);
INSERT INTO sendgrid_raw.global_unsubscribes VALUES
	('Person2@gmail.com', '2026-01-10 00:00:00+00', NULL, '2026-01-12 00:00:00+00', '2026-01-12 00:00:00+00', NULL, NULL);
INSERT INTO sendgrid_raw.landed_files VALUES
	('20260109T000000000000Z-78afe007d1e7f0b9-00000001', 1, 9300, 3, 27, 23, 2, 2, 2, '2026-01-09 00:00:00+00', '2026-01-09 00:00:00.002+00', '2026-11-24 20:41:48.07963+00', '2026-11-24 20:41:48.221351+00', '20260109T000000000000Z-78afe007d1e7f0b9-00000001'),
	('20260113T000000000000Z-78afe007d1e7f0b9-00000002', 2, 5624, 2, 17, 16, 0, 1, 0, '2026-01-13 00:00:00+00', '2026-01-13 00:00:00.001+00', '2026-11-24 20:43:29.450785+00', '2026-11-24 20:43:29.55554+00', '20260113T000000000000Z-78afe007d1e7f0b9-00000002');
INSERT INTO sendgrid_raw.list_members VALUES
	('l1', 'c0', '2026-01-05 00:00:00+00', NULL),
	('l1', 'c2', '2026-01-05 00:00:00+00', NULL),
	('l1', 'c3', '2026-01-05 00:00:00+00', NULL),
	('l1', 'c4', '2026-01-05 00:00:00+00', NULL),
	('l1', 'c5', '2026-01-05 00:00:00+00', NULL),
	('l1', 'c6', '2026-01-05 00:00:00+00', NULL),
	('l1', 'c7', '2026-01-05 00:00:00+00', NULL),
	('l1', 'c1', '2026-01-05 00:00:00+00', '2026-01-12 00:00:00+00');
INSERT INTO sendgrid_raw.lists VALUES
	('l1', 'Everybody', 8, NULL, '2026-01-05 00:00:00+00', '2026-01-05 00:00:00+00', NULL, NULL);
INSERT INTO sendgrid_raw.loads OVERRIDING SYSTEM VALUE VALUES
	(1, 'load', NULL, '2026-11-24 20:41:48.129828+00', '2026-11-24 20:41:48.226399+00', 1, 3, 27, 23, 2, 2, 2, '2026-01-06', '2026-01-10'),
	(2, 'load', NULL, '2026-11-24 20:43:29.513815+00', '2026-11-24 20:43:29.558268+00', 1, 2, 17, 16, 0, 1, 0, '2026-01-06', '2026-01-11');
INSERT INTO sendgrid_raw.quarantine VALUES
	('66c86e90-39a2-ea97-ddc4-cdb6b5136f30', 'no_event', 'The item does not say what happened: it has no `event`.', '{"no": "event"}', '20260109T000000000000Z-78afe007d1e7f0b9-00000001', 1, 7, '2026-01-09 00:00:00.001+00', 1, '2026-11-24 20:41:48.217589+00', NULL, NULL),
	('69a8ca77-328d-4423-939a-9d94dfdce302', 'not_an_object', 'The item is a text; an event is an object.', '"text"', '20260109T000000000000Z-78afe007d1e7f0b9-00000001', 1, 8, '2026-01-09 00:00:00.001+00', 1, '2026-11-24 20:41:48.218259+00', NULL, NULL),
	('192cdc9a-efa2-6a83-4de1-c0a51cd4fe5b', 'no_timestamp', 'The item does not say when it happened: it has no `timestamp`.', '{"event": "open"}', '20260113T000000000000Z-78afe007d1e7f0b9-00000002', 1, 5, '2026-01-13 00:00:00.001+00', 2, '2026-11-24 20:43:29.554049+00', NULL, NULL);
INSERT INTO sendgrid_raw.recipients VALUES
	('c0', 'person0@gmail.com', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-05 00:00:00+00', '2026-01-05 00:00:00+00', NULL, NULL),
	('c1', 'person1@corp.example', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-05 00:00:00+00', '2026-01-05 00:00:00+00', NULL, NULL),
	('c2', 'person2@gmail.com', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-05 00:00:00+00', '2026-01-05 00:00:00+00', NULL, NULL),
	('c3', 'person3@corp.example', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-05 00:00:00+00', '2026-01-05 00:00:00+00', NULL, NULL),
	('c4', 'person4@gmail.com', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-05 00:00:00+00', '2026-01-05 00:00:00+00', NULL, NULL),
	('c5', 'person5@corp.example', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-05 00:00:00+00', '2026-01-05 00:00:00+00', NULL, NULL),
	('c6', 'person6@gmail.com', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-05 00:00:00+00', '2026-01-05 00:00:00+00', NULL, NULL),
	('c7', 'person7@corp.example', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-05 00:00:00+00', '2026-01-05 00:00:00+00', NULL, NULL);
INSERT INTO sendgrid_raw.schema_version VALUES
	(1, 'ledger', '2026-11-24 20:41:47.788749+00'),
	(2, 'events', '2026-11-24 20:41:47.797006+00'),
	(3, 'files_without_archive', '2026-11-24 20:41:47.799499+00'),
	(4, 'event_comments', '2026-11-24 20:41:47.802375+00');
INSERT INTO sendgrid_raw.segment_members VALUES
	('g1', 'c0', '2026-01-05 00:00:00+00', NULL),
	('g1', 'c1', '2026-01-05 00:00:00+00', NULL),
	('g1', 'c2', '2026-01-05 00:00:00+00', NULL);
INSERT INTO sendgrid_raw.segments VALUES
	('g1', 'VIP', 3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-05 00:00:00+00', '2026-01-05 00:00:00+00', NULL, NULL);
INSERT INTO sendgrid_raw.single_sends VALUES
	('send1', 'Renamed', 'triggered', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-05 00:00:00+00', '2026-01-12 00:00:00+00', NULL, NULL);
INSERT INTO sendgrid_raw.spam_reports VALUES
	('person5@corp.example', '2026-01-10 00:00:00+00', NULL, NULL, '2026-01-12 00:00:00+00', '2026-01-12 00:00:00+00', NULL, NULL);
INSERT INTO sendgrid_raw.templates VALUES
	('d-2', 'Order receipt', NULL, NULL, NULL, NULL, '2026-01-05 00:00:00+00', '2026-01-05 00:00:00+00', NULL, NULL);
INSERT INTO sendgrid_staging.bot_user_agents VALUES
	('python-requests', 'HTTP library'),
	('python-urllib', 'HTTP library'),
	('aiohttp', 'HTTP library'),
	('httpx', 'HTTP library'),
	('curl/', 'command line'),
	('wget/', 'command line'),
	('java/', 'HTTP library'),
	('apache-httpclient', 'HTTP library'),
	('okhttp', 'HTTP library'),
	('go-http-client', 'HTTP library'),
	('node-fetch', 'HTTP library'),
	('axios/', 'HTTP library'),
	('libwww-perl', 'HTTP library'),
	('ruby', 'HTTP library'),
	('headlesschrome', 'headless browser'),
	('phantomjs', 'headless browser'),
	('puppeteer', 'headless browser'),
	('playwright', 'headless browser'),
	('barracuda', 'mail scanner'),
	('mimecast', 'mail scanner'),
	('proofpoint', 'mail scanner'),
	('symantec', 'mail scanner'),
	('trendmicro', 'mail scanner'),
	('safelinks', 'mail scanner'),
	('bingpreview', 'link preview'),
	('googlebot', 'crawler'),
	('bingbot', 'crawler'),
	('ahrefsbot', 'crawler'),
	('slackbot', 'link preview'),
	('facebookexternalhit', 'link preview');
INSERT INTO sendgrid_staging.bounce_classes VALUES
	('Invalid Address', 'hard'),
	('Mailbox Unavailable', 'by_status'),
	('Technical', 'soft'),
	('Technical Failure', 'soft'),
	('Content', 'soft'),
	('Reputation', 'soft'),
	('Frequency or Volume Too High', 'soft'),
	('Unclassified', 'by_status');
INSERT INTO sendgrid_staging.int_message_changes VALUES
	(1, -1, 'e1e30136-729f-cabb-8674-186654244729', 'news0.recvd-1', '<0@geopod>', 'person0@gmail.com', 'gmail.com', 'Gmail', false, 'marketing', 'single_send', 'single_send:send1', 'News', 'v-0', 'send', 'd-1', NULL, '{news,weekly}', NULL, '1.2.3.4', 'pool1', '2026-01-06 09:00:00+00', '2026-01-06', '2026-01-09', '2026-01-06 09:00:00+00', '2026-01-06 09:00:32+00', '2026-01-06 09:00:00+00', NULL, '2026-01-06 09:00:10+00', NULL, NULL, '2026-01-06 09:00:20+00', '2026-01-06 09:00:20+00', '2026-01-06 09:00:30+00', '2026-01-06 09:00:20+00', '2026-01-06 09:00:32+00', '2026-01-06 09:00:30+00', '2026-01-06 09:00:30+00', '2026-01-06 09:00:32+00', NULL, NULL, NULL, NULL, 0, 1, 0, 3, 3, 3, 'mobile', NULL, NULL, NULL, NULL, NULL, NULL, NULL, true, false, true, false, true, false, true, true, true, true, false, false, false, 10, NULL, 20, 20, 7, 'clicked'),
	(1, 1, '14b736d3-6e7e-ac51-6d11-977cd7128b20', 'news2.recvd-1', '<2@geopod>', 'person2@gmail.com', 'gmail.com', 'Gmail', false, 'marketing', 'single_send', 'single_send:send1', 'News', 'v-0', 'send', 'd-1', NULL, '{news,weekly}', 7, '1.2.3.4', 'pool1', '2026-01-06 09:00:02+00', '2026-01-06', '2026-01-09', '2026-01-06 09:00:02+00', '2026-01-10 09:00:00+00', '2026-01-06 09:00:02+00', NULL, '2026-01-06 09:00:12+00', NULL, NULL, '2026-01-06 09:00:20+00', '2026-01-06 09:00:20+00', NULL, '2026-01-06 09:00:20+00', NULL, NULL, NULL, NULL, NULL, '2026-01-10 09:00:00+00', '2026-01-08 09:00:00+00', '2026-01-08 10:00:00+00', 0, 1, 0, 0, 0, 0, 'proxy', NULL, NULL, NULL, NULL, NULL, NULL, NULL, true, false, true, false, true, false, true, false, false, false, false, false, false, 10, NULL, NULL, NULL, 8, 'unsubscribed'),
	(1, 1, '309f5248-0637-9c9d-f9cd-7b5567fcc599', 'welcome2.recvd-1', NULL, 'person6@gmail.com', 'gmail.com', 'Gmail', false, 'automation', 'automation_step', 'automation_step:auto1:', 'Welcome', 'none', 'send', 'none', NULL, NULL, NULL, NULL, NULL, '2026-01-11 09:00:00+00', '2026-01-11', '2026-01-14', '2026-01-11 09:00:00+00', '2026-01-11 09:00:00+00', NULL, NULL, NULL, NULL, '2026-01-11 09:00:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, 'bounced', 'Bounced Address', true, true, false, false, false, false, false, false, false, false, false, false, false, NULL, NULL, NULL, NULL, 3, 'dropped'),
	(1, 1, '81d47823-0ba7-d14f-be8e-a5bc50c8334e', 'news3.recvd-1', '<3@geopod>', 'person3@corp.example', 'corp.example', 'Other', false, 'marketing', 'single_send', 'single_send:send1', 'News', 'v-1', 'send', 'd-1', NULL, '{news,weekly}', NULL, '1.2.3.4', 'pool1', '2026-01-06 09:00:03+00', '2026-01-06', '2026-01-09', '2026-01-06 09:00:03+00', '2026-01-06 09:00:09+00', '2026-01-06 09:00:03+00', NULL, NULL, '2026-01-06 09:00:09+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, NULL, 'hard', NULL, '5.1.1', '550 unknown user', 'message_id', NULL, NULL, true, false, true, false, false, true, false, false, false, false, false, false, false, NULL, NULL, NULL, NULL, 4, 'bounced'),
	(1, 1, 'c73e8147-6d65-7294-96e5-d03a55f7b87d', 'welcome1.recvd-1', NULL, 'person5@corp.example', 'corp.example', 'Other', false, 'automation', 'automation_step', 'automation_step:auto1:step1', 'Welcome', 'none', 'send', 'none', NULL, NULL, NULL, '1.2.3.4', NULL, '2026-01-07 09:00:01+00', '2026-01-07', '2026-01-10', '2026-01-07 09:00:01+00', '2026-01-10 09:00:01+00', '2026-01-07 09:00:01+00', '2026-01-07 09:00:10+00', '2026-01-07 09:08:21+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-10 09:00:01+00', NULL, NULL, NULL, 1, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, true, false, true, true, true, false, false, false, false, false, true, false, false, 500, 491, NULL, NULL, 9, 'complained'),
	(1, 1, 'e1e30136-729f-cabb-8674-186654244729', 'news0.recvd-1', '<0@geopod>', 'person0@gmail.com', 'gmail.com', 'Gmail', false, 'marketing', 'single_send', 'single_send:send1', 'News', 'v-0', 'send', 'd-1', NULL, '{other}', NULL, '1.2.3.4', 'pool1', '2026-01-06 09:00:00+00', '2026-01-06', '2026-01-09', '2026-01-06 09:00:00+00', '2026-01-06 09:00:32+00', '2026-01-06 09:00:00+00', NULL, '2026-01-06 09:00:10+00', NULL, NULL, '2026-01-06 09:00:20+00', '2026-01-06 09:00:20+00', '2026-01-06 09:00:30+00', '2026-01-06 09:00:20+00', '2026-01-06 09:00:32+00', '2026-01-06 09:00:30+00', '2026-01-06 09:00:30+00', '2026-01-06 09:00:32+00', NULL, NULL, NULL, NULL, 0, 2, 0, 3, 3, 3, 'mobile', NULL, NULL, NULL, NULL, NULL, NULL, NULL, true, false, true, false, true, false, true, true, true, true, false, false, false, 10, NULL, 20, 20, 7, 'clicked');
INSERT INTO sendgrid_staging.int_suppression_events VALUES
	('bb234387-8f83-e15b-6a02-ec36b7429e5c', 'person4@gmail.com', '2026-01-10 09:00:00+00', 'spam_report', 0, false, NULL, 'automation_step:auto1:step0'),
	('d6133a15-b748-5184-546f-342807d156f6', 'person3@corp.example', '2026-01-06 09:00:09+00', 'bounce', 0, false, '550 unknown user', 'single_send:send1'),
	('647ab34e-aecf-d585-2a72-cebd98b3cd2c', 'person2@gmail.com', '2026-01-08 09:00:00+00', 'group_unsubscribe', 7, false, NULL, 'single_send:send1'),
	('c8b2c623-5244-7111-41aa-aee70c779349', 'person2@gmail.com', '2026-01-08 10:00:00+00', 'group_unsubscribe', 7, true, NULL, 'single_send:send1'),
	('f49ada98-5a93-46f4-48a4-8583049876f0', 'person2@gmail.com', '2026-01-10 09:00:00+00', 'global_unsubscribe', 0, false, NULL, 'single_send:send1'),
	('3e57e76e-0f55-f943-977e-144cc540f657', 'person5@corp.example', '2026-01-10 09:00:01+00', 'spam_report', 0, false, NULL, 'automation_step:auto1:step1');
INSERT INTO sendgrid_staging.mailbox_providers VALUES
	('gmail.com', 'Gmail', false),
	('googlemail.com', 'Gmail', false),
	('yahoo.com', 'Yahoo', true),
	('yahoo.co.uk', 'Yahoo', true),
	('yahoo.co.in', 'Yahoo', true),
	('yahoo.co.id', 'Yahoo', true),
	('yahoo.ca', 'Yahoo', true),
	('yahoo.com.au', 'Yahoo', true),
	('yahoo.com.br', 'Yahoo', true),
	('yahoo.com.mx', 'Yahoo', true),
	('yahoo.de', 'Yahoo', true),
	('yahoo.es', 'Yahoo', true),
	('yahoo.fr', 'Yahoo', true),
	('yahoo.in', 'Yahoo', true),
	('yahoo.it', 'Yahoo', true),
	('ymail.com', 'Yahoo', true),
	('rocketmail.com', 'Yahoo', true),
	('aol.com', 'Yahoo', true),
	('aim.com', 'Yahoo', true),
	('verizon.net', 'Yahoo', true),
	('netscape.net', 'Yahoo', true),
	('outlook.com', 'Microsoft', true),
	('outlook.de', 'Microsoft', true),
	('outlook.es', 'Microsoft', true),
	('outlook.fr', 'Microsoft', true),
	('outlook.co.id', 'Microsoft', true),
	('hotmail.com', 'Microsoft', true),
	('hotmail.co.uk', 'Microsoft', true),
	('hotmail.de', 'Microsoft', true),
	('hotmail.es', 'Microsoft', true),
	('hotmail.fr', 'Microsoft', true),
	('hotmail.it', 'Microsoft', true),
	('live.com', 'Microsoft', true),
	('live.co.uk', 'Microsoft', true),
	('live.de', 'Microsoft', true),
	('live.fr', 'Microsoft', true),
	('live.nl', 'Microsoft', true),
	('msn.com', 'Microsoft', true),
	('icloud.com', 'Apple', false),
	('me.com', 'Apple', false),
	('mac.com', 'Apple', false),
	('comcast.net', 'Comcast', true),
	('xfinity.com', 'Comcast', true),
	('att.net', 'AT&T', true),
	('sbcglobal.net', 'AT&T', true),
	('bellsouth.net', 'AT&T', true),
	('cox.net', 'Cox', true),
	('charter.net', 'Spectrum', true),
	('spectrum.net', 'Spectrum', true),
	('btinternet.com', 'BT', true),
	('orange.fr', 'Orange', true),
	('wanadoo.fr', 'Orange', true),
	('free.fr', 'Free', false),
	('laposte.net', 'La Poste', true),
	('sfr.fr', 'SFR', true),
	('gmx.de', 'GMX & WEB.DE', false),
	('gmx.net', 'GMX & WEB.DE', false),
	('gmx.at', 'GMX & WEB.DE', false),
	('gmx.com', 'GMX & WEB.DE', false),
	('web.de', 'GMX & WEB.DE', false),
	('t-online.de', 'Telekom', false),
	('libero.it', 'Libero', true),
	('mail.ru', 'Mail.ru', true),
	('bk.ru', 'Mail.ru', true),
	('inbox.ru', 'Mail.ru', true),
	('list.ru', 'Mail.ru', true),
	('yandex.ru', 'Yandex', true),
	('yandex.com', 'Yandex', true),
	('ya.ru', 'Yandex', true),
	('uol.com.br', 'UOL', true),
	('terra.com.br', 'Terra', true),
	('proton.me', 'Proton', false),
	('protonmail.com', 'Proton', false),
	('fastmail.com', 'Fastmail', true),
	('zoho.com', 'Zoho', false),
	('qq.com', 'Tencent', false),
	('163.com', 'NetEase', false),
	('126.com', 'NetEase', false),
	('naver.com', 'Naver', false);
INSERT INTO sendgrid_staging.model_state VALUES
	('int_suppression_events', 1, 2, 2, 0, '2026-11-24 20:44:07.581895+00', NULL),
	('mart_event_volume_daily', 1, 2, 2, 0, '2026-11-24 20:44:08.287089+00', NULL),
	('mart_data_quality', 1, 2, 2, 0, '2026-11-24 20:44:08.322562+00', NULL),
	('fct_email_messages', 1, 2, 2, 1, '2026-11-24 20:44:36.424468+00', NULL),
	('bridge_message_categories', 1, 0, 0, 1, '2026-11-24 20:44:40.092134+00', '2026-01-13'),
	('mart_recipient_engagement', 1, 0, 0, 1, '2026-11-24 20:44:41.246154+00', '2026-01-13'),
	('fct_email_clicks', 1, 0, 0, 1, '2026-11-24 20:44:41.469511+00', '2026-01-13'),
	('dim_campaigns', 1, 0, 0, 1, '2026-11-24 20:44:41.663089+00', '2026-01-13'),
	('mart_bounce_reasons_daily', 1, 0, 0, 1, '2026-11-24 20:44:41.72273+00', '2026-01-13'),
	('mart_campaign_performance_daily', 1, 0, 0, 1, '2026-11-24 20:44:44.009864+00', '2026-01-13'),
	('mart_device_performance_daily', 1, 0, 0, 1, '2026-11-24 20:44:44.818788+00', '2026-01-13'),
	('mart_category_performance', 1, 0, 0, 1, '2026-11-24 20:44:44.956418+00', '2026-01-13'),
	('mart_domain_deliverability_daily', 1, 0, 0, 1, '2026-11-24 20:44:47.568995+00', '2026-01-13'),
	('mart_ip_pool_deliverability_daily', 1, 0, 0, 1, '2026-11-24 20:44:50.626281+00', '2026-01-13'),
	('mart_list_health_daily', 1, 0, 0, 1, '2026-11-24 20:44:51.039533+00', '2026-01-13'),
	('mart_provider_deliverability_daily', 1, 0, 0, 1, '2026-11-24 20:44:52.748972+00', '2026-01-13'),
	('mart_email_overview_daily', 1, 0, 0, 1, '2026-11-24 20:44:53.273696+00', '2026-01-13'),
	('mart_send_time_heatmap', 1, 0, 0, 1, '2026-11-24 20:44:54.109862+00', '2026-01-13'),
	('mart_segment_health_daily', 1, 0, 0, 1, '2026-11-24 20:44:54.575076+00', '2026-01-13'),
	('mart_template_performance', 1, 0, 0, 1, '2026-11-24 20:44:56.724294+00', '2026-01-13'),
	('mart_recipient_tiers_monthly', 1, 0, 0, 1, '2026-11-24 20:44:58.942219+00', '2026-01-13'),
	('mart_link_performance', 1, 0, 0, 1, '2026-11-24 20:44:59.214935+00', '2026-01-13'),
	('mart_campaign_performance', 1, 0, 0, 1, '2026-11-24 20:44:59.603926+00', '2026-01-13');
SELECT pg_catalog.setval('sendgrid_raw.loads_load_id_seq', 2, true);
SELECT pg_catalog.setval('sendgrid_raw.sync_runs_sync_id_seq', 1, false);
ALTER TABLE ONLY sendgrid_marts.bridge_message_categories
 ADD CONSTRAINT bridge_message_categories_pkey PRIMARY KEY (message_key, category);
ALTER TABLE ONLY sendgrid_marts.dim_campaigns
 ADD CONSTRAINT dim_campaigns_pkey PRIMARY KEY (campaign_key);
ALTER TABLE ONLY sendgrid_marts.dim_recipients
 ADD CONSTRAINT dim_recipients__dbt_tmp_pkey1 PRIMARY KEY (recipient_key);
ALTER TABLE ONLY sendgrid_marts.fct_email_clicks
 ADD CONSTRAINT fct_email_clicks_pkey PRIMARY KEY (event_key);
ALTER TABLE ONLY sendgrid_marts.fct_email_messages
 ADD CONSTRAINT fct_email_messages_pkey PRIMARY KEY (message_key);
ALTER TABLE ONLY sendgrid_marts.fct_suppression_history
 ADD CONSTRAINT fct_suppression_history__dbt_tmp_pkey1 PRIMARY KEY (recipient_key, suppression_type, asm_group_id, started_at);
ALTER TABLE ONLY sendgrid_marts.mart_ab_test_results
 ADD CONSTRAINT mart_ab_test_results__dbt_tmp_pkey1 PRIMARY KEY (campaign_key, ab_variation);
ALTER TABLE ONLY sendgrid_marts.mart_bounce_reasons_daily
 ADD CONSTRAINT mart_bounce_reasons_daily_pkey PRIMARY KEY (event_date, mailbox_provider, bounce_class, bounce_classification, bounce_status, reason);
ALTER TABLE ONLY sendgrid_marts.mart_campaign_benchmarks
 ADD CONSTRAINT mart_campaign_benchmarks__dbt_tmp_pkey1 PRIMARY KEY (campaign_key);
ALTER TABLE ONLY sendgrid_marts.mart_campaign_performance_daily
 ADD CONSTRAINT mart_campaign_performance_daily_pkey PRIMARY KEY (event_date, campaign_key);
ALTER TABLE ONLY sendgrid_marts.mart_campaign_performance
 ADD CONSTRAINT mart_campaign_performance_pkey PRIMARY KEY (campaign_key, ab_variation, ab_phase);
ALTER TABLE ONLY sendgrid_marts.mart_category_performance
 ADD CONSTRAINT mart_category_performance_pkey PRIMARY KEY (sent_date, category);
ALTER TABLE ONLY sendgrid_marts.mart_data_quality
 ADD CONSTRAINT mart_data_quality_pkey PRIMARY KEY (load_date);
ALTER TABLE ONLY sendgrid_marts.mart_device_performance_daily
 ADD CONSTRAINT mart_device_performance_daily_pkey PRIMARY KEY (sent_date, stream, device_family);
ALTER TABLE ONLY sendgrid_marts.mart_domain_deliverability_daily
 ADD CONSTRAINT mart_domain_deliverability_daily_pkey PRIMARY KEY (sent_date, mailbox_provider, recipient_domain);
ALTER TABLE ONLY sendgrid_marts.mart_email_overview_daily
 ADD CONSTRAINT mart_email_overview_daily_pkey PRIMARY KEY (sent_date, stream);
ALTER TABLE ONLY sendgrid_marts.mart_engagement_tiers_monthly
 ADD CONSTRAINT mart_engagement_tiers_monthly__dbt_tmp_pkey1 PRIMARY KEY (month, engagement_tier, previous_tier);
ALTER TABLE ONLY sendgrid_marts.mart_event_volume_daily
 ADD CONSTRAINT mart_event_volume_daily_pkey PRIMARY KEY (event_date, event);
ALTER TABLE ONLY sendgrid_marts.mart_ip_pool_deliverability_daily
 ADD CONSTRAINT mart_ip_pool_deliverability_daily_pkey PRIMARY KEY (sent_date, ip, pool_name);
ALTER TABLE ONLY sendgrid_marts.mart_link_performance
 ADD CONSTRAINT mart_link_performance_pkey PRIMARY KEY (sent_date, campaign_key, link_url);
ALTER TABLE ONLY sendgrid_marts.mart_list_health_daily
 ADD CONSTRAINT mart_list_health_daily_pkey PRIMARY KEY (snapshot_date, list_id);
ALTER TABLE ONLY sendgrid_marts.mart_membership_tiers
 ADD CONSTRAINT mart_membership_tiers__dbt_tmp_pkey1 PRIMARY KEY (membership, group_id, engagement_tier);
ALTER TABLE ONLY sendgrid_marts.mart_provider_deliverability_daily
 ADD CONSTRAINT mart_provider_deliverability_daily_pkey PRIMARY KEY (sent_date, mailbox_provider);
ALTER TABLE ONLY sendgrid_marts.mart_recipient_engagement
 ADD CONSTRAINT mart_recipient_engagement_pkey PRIMARY KEY (recipient_key);
ALTER TABLE ONLY sendgrid_marts.mart_recipient_tiers_monthly
 ADD CONSTRAINT mart_recipient_tiers_monthly_pkey PRIMARY KEY (recipient_key, month);
ALTER TABLE ONLY sendgrid_marts.mart_segment_health_daily
 ADD CONSTRAINT mart_segment_health_daily_pkey PRIMARY KEY (snapshot_date, segment_id);
ALTER TABLE ONLY sendgrid_marts.mart_send_time_heatmap
 ADD CONSTRAINT mart_send_time_heatmap_pkey PRIMARY KEY (sent_month, stream, day_of_week, hour_of_day);
ALTER TABLE ONLY sendgrid_marts.mart_sendgrid_comparison_daily
 ADD CONSTRAINT mart_sendgrid_comparison_daily__dbt_tmp_pkey1 PRIMARY KEY (event_date, metric);
ALTER TABLE ONLY sendgrid_marts.mart_template_performance
 ADD CONSTRAINT mart_template_performance_pkey PRIMARY KEY (sent_date, template_key);
ALTER TABLE ONLY sendgrid_raw.automation_stats
 ADD CONSTRAINT automation_stats_pkey PRIMARY KEY (automation_id, step_id, aggregation);
ALTER TABLE ONLY sendgrid_raw.blocks
 ADD CONSTRAINT blocks_pkey PRIMARY KEY (email);
ALTER TABLE ONLY sendgrid_raw.bounces
 ADD CONSTRAINT bounces_pkey PRIMARY KEY (email);
ALTER TABLE ONLY sendgrid_raw.campaigns
 ADD CONSTRAINT campaigns_pkey PRIMARY KEY (id);
ALTER TABLE ONLY sendgrid_raw.categories
 ADD CONSTRAINT categories_pkey PRIMARY KEY (name);
ALTER TABLE ONLY sendgrid_raw.daily_stats
 ADD CONSTRAINT daily_stats_pkey PRIMARY KEY (date);
ALTER TABLE ONLY sendgrid_raw.damaged_files
 ADD CONSTRAINT damaged_files_pkey PRIMARY KEY (file_name);
ALTER TABLE ONLY sendgrid_raw.events
 ADD CONSTRAINT events_pkey PRIMARY KEY (event_at, event_key);
ALTER TABLE ONLY sendgrid_raw.events_2026_01
 ADD CONSTRAINT events_2026_01_pkey PRIMARY KEY (event_at, event_key);
ALTER TABLE ONLY sendgrid_raw.field_definitions
 ADD CONSTRAINT field_definitions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY sendgrid_raw.global_unsubscribes
 ADD CONSTRAINT global_unsubscribes_pkey PRIMARY KEY (email);
ALTER TABLE ONLY sendgrid_raw.invalid_emails
 ADD CONSTRAINT invalid_emails_pkey PRIMARY KEY (email);
ALTER TABLE ONLY sendgrid_raw.landed_files
 ADD CONSTRAINT landed_files_pkey PRIMARY KEY (file_name);
ALTER TABLE ONLY sendgrid_raw.list_members
 ADD CONSTRAINT list_members_pkey PRIMARY KEY (list_id, contact_id, valid_from);
ALTER TABLE ONLY sendgrid_raw.lists
 ADD CONSTRAINT lists_pkey PRIMARY KEY (id);
ALTER TABLE ONLY sendgrid_raw.loads
 ADD CONSTRAINT loads_pkey PRIMARY KEY (load_id);
ALTER TABLE ONLY sendgrid_raw.member_reads
 ADD CONSTRAINT member_reads_pkey PRIMARY KEY (object, group_id);
ALTER TABLE ONLY sendgrid_raw.object_history
 ADD CONSTRAINT object_history_pkey PRIMARY KEY (object, id, valid_from);
ALTER TABLE ONLY sendgrid_raw.quarantine
 ADD CONSTRAINT quarantine_pkey PRIMARY KEY (quarantine_key);
ALTER TABLE ONLY sendgrid_raw.recipient_fields
 ADD CONSTRAINT recipient_fields_pkey PRIMARY KEY (field_id);
ALTER TABLE ONLY sendgrid_raw.recipients
 ADD CONSTRAINT recipients_pkey PRIMARY KEY (id);
ALTER TABLE ONLY sendgrid_raw.schema_version
 ADD CONSTRAINT schema_version_pkey PRIMARY KEY (version);
ALTER TABLE ONLY sendgrid_raw.segment_members
 ADD CONSTRAINT segment_members_pkey PRIMARY KEY (segment_id, contact_id, valid_from);
ALTER TABLE ONLY sendgrid_raw.segments
 ADD CONSTRAINT segments_pkey PRIMARY KEY (id);
ALTER TABLE ONLY sendgrid_raw.single_send_stats
 ADD CONSTRAINT single_send_stats_pkey PRIMARY KEY (single_send_id, ab_variation, ab_phase, aggregation);
ALTER TABLE ONLY sendgrid_raw.single_sends
 ADD CONSTRAINT single_sends_pkey PRIMARY KEY (id);
ALTER TABLE ONLY sendgrid_raw.spam_reports
 ADD CONSTRAINT spam_reports_pkey PRIMARY KEY (email);
ALTER TABLE ONLY sendgrid_raw.sync_runs
 ADD CONSTRAINT sync_runs_pkey PRIMARY KEY (sync_id);
ALTER TABLE ONLY sendgrid_raw.templates
 ADD CONSTRAINT templates_pkey PRIMARY KEY (id);
ALTER TABLE ONLY sendgrid_raw.unsubscribe_group_members
 ADD CONSTRAINT unsubscribe_group_members_pkey PRIMARY KEY (group_id, email);
ALTER TABLE ONLY sendgrid_raw.unsubscribe_groups
 ADD CONSTRAINT unsubscribe_groups_pkey PRIMARY KEY (id);
ALTER TABLE ONLY sendgrid_staging.model_state
 ADD CONSTRAINT model_state_pkey PRIMARY KEY (model);
CREATE INDEX "04ee9707b7650a85325e80e5cc163ded" ON sendgrid_marts.fct_email_messages USING btree (recipient_key, sent_date, first_human_open_at);
CREATE INDEX "06fc1a9a6b2ac97b90bafca814f3534d" ON sendgrid_marts.fct_email_clicks USING btree (message_key);
CREATE INDEX "721a4e8e1c2741079485f7554daab0b7" ON sendgrid_marts.fct_email_messages USING btree (sent_date, recipient_key, is_sent, is_delivered, is_opened_human, is_clicked_human);
CREATE INDEX "81e7b2bfe3c1b15eb3d5d729f6d4f253" ON sendgrid_marts.mart_recipient_tiers_monthly USING btree (month, engagement_tier);
CREATE INDEX af1eaf095dbb85505f56acd15d211965 ON sendgrid_marts.fct_email_clicks USING btree (sent_date, campaign_key);
CREATE INDEX cd3f0a3ee72f5534c80c5e0ed32e8955 ON sendgrid_marts.fct_email_messages USING btree (campaign_key, sent_at);
CREATE INDEX ee4a6cac1494166eb8753894f7353053 ON sendgrid_marts.bridge_message_categories USING btree (category, sent_date);
CREATE INDEX fct_email_messages_first_human_click_at_recipient_key_idx ON sendgrid_marts.fct_email_messages USING btree (first_human_click_at, recipient_key) WHERE (first_human_click_at IS NOT NULL);
CREATE INDEX fct_email_messages_first_human_open_at_recipient_key_idx ON sendgrid_marts.fct_email_messages USING btree (first_human_open_at, recipient_key) WHERE (first_human_open_at IS NOT NULL);
CREATE INDEX events_by_time ON ONLY sendgrid_raw.events USING brin (event_at) WITH (autosummarize='on');
CREATE INDEX events_2026_01_event_at_idx ON sendgrid_raw.events_2026_01 USING brin (event_at) WITH (autosummarize='on');
CREATE INDEX events_by_kind ON ONLY sendgrid_raw.events USING btree (event, event_date);
CREATE INDEX events_2026_01_event_event_date_idx ON sendgrid_raw.events_2026_01 USING btree (event, event_date);
CREATE INDEX events_by_load ON ONLY sendgrid_raw.events USING brin (load_id) WITH (autosummarize='on');
CREATE INDEX events_2026_01_load_id_idx ON sendgrid_raw.events_2026_01 USING brin (load_id) WITH (autosummarize='on');
CREATE INDEX events_by_message ON ONLY sendgrid_raw.events USING btree (sg_message_id);
CREATE INDEX events_2026_01_sg_message_id_idx ON sendgrid_raw.events_2026_01 USING btree (sg_message_id);
CREATE INDEX landed_files_without_archive ON sendgrid_raw.landed_files USING btree (file_name) WHERE (archive_path IS NULL);
CREATE INDEX list_members_contact ON sendgrid_raw.list_members USING btree (contact_id);
CREATE UNIQUE INDEX list_members_now ON sendgrid_raw.list_members USING btree (list_id, contact_id) WHERE (valid_to IS NULL);
CREATE INDEX quarantine_waiting ON sendgrid_raw.quarantine USING btree (quarantined_at) WHERE (released_at IS NULL);
CREATE INDEX segment_members_contact ON sendgrid_raw.segment_members USING btree (contact_id);
CREATE UNIQUE INDEX segment_members_now ON sendgrid_raw.segment_members USING btree (segment_id, contact_id) WHERE (valid_to IS NULL);
CREATE INDEX sync_runs_object ON sendgrid_raw.sync_runs USING btree (object, started_at);
CREATE INDEX "75dce5a204774010f462cfdc182c7519" ON sendgrid_staging.int_suppression_events USING btree (event_at);
CREATE INDEX "7aaacb2d2826b0edd3330d9fbc4a72f8" ON sendgrid_staging.int_suppression_events USING btree (recipient_key);
CREATE UNIQUE INDEX bounce_classes_key ON sendgrid_staging.bounce_classes USING btree (bounce_classification);
CREATE INDEX d48749c7ea6b36d4e63a53d5fada2c5c ON sendgrid_staging.int_message_changes USING btree (change_id);
CREATE UNIQUE INDEX fa6d0eb4dfa90d4eba460d7700f72dda ON sendgrid_staging.int_suppression_events USING btree (event_key);
CREATE UNIQUE INDEX mailbox_providers_domain ON sendgrid_staging.mailbox_providers USING btree (recipient_domain);
ALTER INDEX sendgrid_raw.events_by_time ATTACH PARTITION sendgrid_raw.events_2026_01_event_at_idx;
ALTER INDEX sendgrid_raw.events_by_kind ATTACH PARTITION sendgrid_raw.events_2026_01_event_event_date_idx;
ALTER INDEX sendgrid_raw.events_by_load ATTACH PARTITION sendgrid_raw.events_2026_01_load_id_idx;
ALTER INDEX sendgrid_raw.events_pkey ATTACH PARTITION sendgrid_raw.events_2026_01_pkey;
ALTER INDEX sendgrid_raw.events_by_message ATTACH PARTITION sendgrid_raw.events_2026_01_sg_message_id_idx;
ALTER TABLE ONLY sendgrid_raw.landed_files
 ADD CONSTRAINT landed_files_load_id_fkey FOREIGN KEY (load_id) REFERENCES sendgrid_raw.loads(load_id);
ALTER TABLE ONLY sendgrid_raw.quarantine
 ADD CONSTRAINT quarantine_load_id_fkey FOREIGN KEY (load_id) REFERENCES sendgrid_raw.loads(load_id);
ALTER TABLE ONLY sendgrid_raw.quarantine
 ADD CONSTRAINT quarantine_released_load_id_fkey FOREIGN KEY (released_load_id) REFERENCES sendgrid_raw.loads(load_id);
