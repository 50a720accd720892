-- 20261121T160052_first_tables on PostgreSQL, frozen when it was made; made by "rootstock migrate new", not to be edited.
--@ operations 6b14404b098a0972230adcd1cfcac26c34550fc3dc4419f48722ee8332aab7a2

--@ up

--@ step {"undo":true}
--@ statement
CREATE TABLE "organizations" (
  "id" uuid NOT NULL,
  "name" varchar(255) COLLATE "C" NOT NULL,
  "slug" varchar(100) COLLATE "C" NOT NULL,
  "description" text COLLATE "C",
  "is_active" boolean NOT NULL DEFAULT 't',
  "time_zone" varchar(64) COLLATE "C" NOT NULL DEFAULT 'Europe/Moscow',
  "settings" jsonb NOT NULL DEFAULT '{}',
  "token_budget_month" bigint,
  "is_system" boolean NOT NULL DEFAULT 'f',
  "created_at" timestamp(3) with time zone NOT NULL,
  "updated_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "organizations_token_budget_month_check" CHECK (token_budget_month >= 0),
  CONSTRAINT "organizations_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "organizations_slug_key" UNIQUE ("slug")
);
--@ statement
CREATE INDEX "idx_organizations_active" ON "organizations" ("is_active") WHERE is_active;
--@ statement
CREATE INDEX "idx_organizations_system" ON "organizations" ("is_system");
--@ statement
CREATE TABLE "roles" (
  "id" uuid NOT NULL,
  "org_id" uuid NOT NULL,
  "name" varchar(255) COLLATE "C" NOT NULL,
  "code" varchar(50) COLLATE "C" NOT NULL,
  "description" text COLLATE "C",
  "system_prompt" text COLLATE "C" NOT NULL,
  "rag_collection" varchar(255) COLLATE "C",
  "model_name" varchar(100) COLLATE "C" NOT NULL DEFAULT 'qwen2.5:7b',
  "agent_type" text COLLATE "C" NOT NULL DEFAULT 'simple',
  "agent_config" jsonb NOT NULL DEFAULT '{}',
  "tools" jsonb NOT NULL DEFAULT '[]',
  "prompt_file" varchar(255) COLLATE "C",
  "is_active" boolean NOT NULL DEFAULT 't',
  "version" bigint NOT NULL DEFAULT '0',
  "created_at" timestamp(3) with time zone NOT NULL,
  "updated_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "roles_agent_type_type" CHECK ("agent_type" IN ('simple', 'chain', 'multi_agent')),
  CONSTRAINT "roles_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "roles_org_id_code_key" UNIQUE ("org_id", "code")
);
--@ statement
CREATE INDEX "idx_roles_org" ON "roles" ("org_id");
--@ statement
CREATE TABLE "users" (
  "id" uuid NOT NULL,
  "org_id" uuid NOT NULL,
  "name" varchar(255) COLLATE "C" NOT NULL,
  "username" varchar(50) COLLATE "C" NOT NULL,
  "email" varchar(255) COLLATE "C" NOT NULL,
  "password_hash" varchar(255) COLLATE "C",
  "role_id" uuid,
  "is_admin" boolean NOT NULL DEFAULT 'f',
  "is_active" boolean NOT NULL DEFAULT 't',
  "avatar_url" text COLLATE "C",
  "last_seen_at" timestamp(3) with time zone,
  "is_system" boolean NOT NULL DEFAULT 'f',
  "telegram_id" bigint,
  "created_at" timestamp(3) with time zone NOT NULL,
  "updated_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "users_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "users_email_key" UNIQUE ("email"),
  CONSTRAINT "users_telegram_id_key" UNIQUE ("telegram_id"),
  CONSTRAINT "users_org_id_username_key" UNIQUE ("org_id", "username")
);
--@ statement
CREATE INDEX "idx_users_org" ON "users" ("org_id");
--@ statement
CREATE INDEX "idx_users_role" ON "users" ("role_id");
--@ statement
CREATE TABLE "chats" (
  "id" uuid NOT NULL,
  "org_id" uuid NOT NULL,
  "type" text COLLATE "C" NOT NULL DEFAULT 'main',
  "name" varchar(255) COLLATE "C",
  "participants" text[] COLLATE "C" NOT NULL DEFAULT '{}',
  "created_by" uuid,
  "is_active" boolean NOT NULL DEFAULT 't',
  "last_message_at" timestamp(3) with time zone,
  "direct_key" varchar(80) COLLATE "C",
  "last_seq" bigint NOT NULL DEFAULT '0',
  "created_at" timestamp(3) with time zone NOT NULL,
  "updated_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "chats_type_type" CHECK ("type" IN ('main', 'direct', 'group'))
);
--@ statement
CREATE UNIQUE INDEX "chats_created_by_where_key" ON "chats" ("created_by") WHERE type = 'main';
--@ statement
ALTER TABLE "chats" ADD CONSTRAINT "chats_pkey" PRIMARY KEY ("id");
--@ statement
ALTER TABLE "chats" ADD CONSTRAINT "chats_org_id_direct_key_key" UNIQUE ("org_id", "direct_key");
--@ statement
CREATE INDEX "idx_chats_org" ON "chats" ("org_id");
--@ statement
CREATE INDEX "idx_chats_participants" ON "chats" USING gin ("participants");
--@ statement
CREATE INDEX "idx_chats_last_message" ON "chats" ("last_message_at" DESC NULLS LAST);
--@ statement
CREATE INDEX "chats_created_by_index" ON "chats" ("created_by");
--@ statement
CREATE TABLE "messages" (
  "id" uuid NOT NULL,
  "chat_id" uuid NOT NULL,
  "sender_type" text COLLATE "C" NOT NULL DEFAULT 'user',
  "sender_id" uuid NOT NULL,
  "content" text COLLATE "C" NOT NULL,
  "mentions" jsonb,
  "reply_to_id" uuid,
  "ai_validated" boolean NOT NULL DEFAULT 'f',
  "ai_edited" boolean NOT NULL DEFAULT 'f',
  "is_deleted" boolean NOT NULL DEFAULT 'f',
  "ai_review" text COLLATE "C" NOT NULL DEFAULT 'none',
  "run_id" uuid,
  "edited_at" timestamp(3) with time zone,
  "edited_by" uuid,
  "created_at" timestamp(3) with time zone NOT NULL,
  "updated_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "messages_sender_type_type" CHECK ("sender_type" IN ('user', 'ai_role', 'system')),
  CONSTRAINT "messages_ai_review_type" CHECK ("ai_review" IN ('none', 'pending', 'approved', 'rejected')),
  CONSTRAINT "messages_validated_check" CHECK (ai_validated = (ai_review = 'approved')),
  CONSTRAINT "messages_pkey" PRIMARY KEY ("id")
);
--@ statement
CREATE INDEX "idx_messages_chat" ON "messages" ("chat_id");
--@ statement
CREATE INDEX "idx_messages_created" ON "messages" ("chat_id", "created_at" DESC);
--@ statement
CREATE INDEX "idx_messages_ai_pending" ON "messages" ("sender_id", "ai_validated") WHERE sender_type = 'ai_role' AND NOT ai_validated;
--@ statement
CREATE INDEX "messages_reply_to_id_index" ON "messages" ("reply_to_id");
--@ statement
CREATE INDEX "messages_run_id_index" ON "messages" ("run_id");
--@ statement
CREATE INDEX "messages_edited_by_index" ON "messages" ("edited_by");
--@ statement
CREATE TABLE "calendar_events" (
  "id" uuid NOT NULL,
  "role_id" uuid NOT NULL,
  "org_id" uuid NOT NULL,
  "title" varchar(500) COLLATE "C" NOT NULL,
  "description" text COLLATE "C",
  "event_type" text COLLATE "C" NOT NULL DEFAULT 'one_time',
  "scheduled_at" timestamp(3) with time zone,
  "cron_expression" varchar(100) COLLATE "C",
  "next_trigger_at" timestamp(3) with time zone,
  "last_triggered_at" timestamp(3) with time zone,
  "trigger_count" bigint NOT NULL DEFAULT '0',
  "source_chat_id" uuid,
  "source_message_id" uuid,
  "metadata" jsonb NOT NULL DEFAULT '{}',
  "created_by_user_id" uuid,
  "is_active" boolean NOT NULL DEFAULT 't',
  "created_at" timestamp(3) with time zone NOT NULL,
  "updated_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "calendar_events_event_type_type" CHECK ("event_type" IN ('one_time', 'recurring')),
  CONSTRAINT "calendar_events_next_check" CHECK (is_active OR next_trigger_at IS NULL),
  CONSTRAINT "calendar_events_pkey" PRIMARY KEY ("id")
);
--@ statement
CREATE INDEX "idx_calendar_events_role" ON "calendar_events" ("role_id");
--@ statement
CREATE INDEX "idx_calendar_events_org" ON "calendar_events" ("org_id");
--@ statement
CREATE INDEX "idx_calendar_events_due" ON "calendar_events" ("next_trigger_at") WHERE is_active AND next_trigger_at IS NOT NULL;
--@ statement
CREATE TABLE "notification_channels" (
  "id" uuid NOT NULL,
  "user_id" uuid NOT NULL,
  "org_id" uuid NOT NULL,
  "channel_type" text COLLATE "C" NOT NULL,
  "config" jsonb NOT NULL DEFAULT '{}',
  "is_enabled" boolean NOT NULL DEFAULT 't',
  "is_verified" boolean NOT NULL DEFAULT 'f',
  "priority" bigint NOT NULL DEFAULT '0',
  "created_at" timestamp(3) with time zone NOT NULL,
  "updated_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "notification_channels_channel_type_type" CHECK ("channel_type" IN ('telegram', 'email', 'webhook', 'in_app')),
  CONSTRAINT "notification_channels_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "notification_channels_user_id_channel_type_key" UNIQUE ("user_id", "channel_type")
);
--@ statement
CREATE INDEX "idx_notification_channels_user" ON "notification_channels" ("user_id");
--@ statement
CREATE INDEX "notification_channels_org_id_index" ON "notification_channels" ("org_id");
--@ statement
CREATE TABLE "notification_log" (
  "id" uuid NOT NULL,
  "user_id" uuid NOT NULL,
  "channel_type" text COLLATE "C" NOT NULL,
  "event_id" uuid,
  "role_id" uuid,
  "content" text COLLATE "C",
  "status" text COLLATE "C" NOT NULL DEFAULT 'pending',
  "attempts" bigint NOT NULL DEFAULT '0',
  "error_message" text COLLATE "C",
  "attempt_errors" jsonb NOT NULL DEFAULT '[]',
  "dedupe_key" varchar(160) COLLATE "C",
  "created_at" timestamp(3) with time zone NOT NULL,
  "updated_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "notification_log_channel_type_type" CHECK ("channel_type" IN ('telegram', 'email', 'webhook', 'in_app')),
  CONSTRAINT "notification_log_status_type" CHECK ("status" IN ('pending', 'sent', 'failed', 'skipped'))
);
--@ statement
CREATE UNIQUE INDEX "notification_log_user_id_channel_type_dedupe_key_where_key" ON "notification_log" ("user_id", "channel_type", "dedupe_key") WHERE dedupe_key IS NOT NULL;
--@ statement
ALTER TABLE "notification_log" ADD CONSTRAINT "notification_log_pkey" PRIMARY KEY ("id");
--@ statement
CREATE INDEX "idx_notification_log_user" ON "notification_log" ("user_id", "created_at" DESC);
--@ statement
CREATE INDEX "idx_notification_log_event" ON "notification_log" ("event_id");
--@ statement
CREATE INDEX "notification_log_created_at_index" ON "notification_log" ("created_at");
--@ statement
CREATE TABLE "in_app_notifications" (
  "id" uuid NOT NULL,
  "user_id" uuid NOT NULL,
  "org_id" uuid NOT NULL,
  "type" text COLLATE "C" NOT NULL,
  "title" varchar(255) COLLATE "C" NOT NULL,
  "content" text COLLATE "C",
  "reference_type" varchar(30) COLLATE "C",
  "reference_id" uuid,
  "is_read" boolean NOT NULL DEFAULT 'f',
  "created_at" timestamp(3) with time zone NOT NULL,
  "updated_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "in_app_notifications_type_type" CHECK ("type" IN ('mention', 'review', 'calendar', 'system')),
  CONSTRAINT "in_app_notifications_pkey" PRIMARY KEY ("id")
);
--@ statement
CREATE INDEX "in_app_notifications_user_id_is_read_created_at_index" ON "in_app_notifications" ("user_id", "is_read", "created_at" DESC);
--@ statement
CREATE INDEX "in_app_notifications_org_id_index" ON "in_app_notifications" ("org_id");
--@ statement
CREATE TABLE "ai_runs" (
  "id" uuid NOT NULL,
  "org_id" uuid NOT NULL,
  "role_id" uuid NOT NULL,
  "chat_id" uuid,
  "trigger" text COLLATE "C" NOT NULL,
  "trigger_message_id" uuid,
  "target_user_id" uuid,
  "behalf_of_id" uuid,
  "parent_run_id" uuid,
  "state" text COLLATE "C" NOT NULL DEFAULT 'queued',
  "provider" varchar(32) COLLATE "C",
  "model" varchar(100) COLLATE "C" NOT NULL,
  "agent_type" text COLLATE "C" NOT NULL,
  "prompt_tokens" bigint NOT NULL DEFAULT '0',
  "completion_tokens" bigint NOT NULL DEFAULT '0',
  "latency_ms" bigint,
  "finish_reason" varchar(32) COLLATE "C",
  "error" text COLLATE "C",
  "prompt" jsonb,
  "started_at" timestamp(3) with time zone,
  "finished_at" timestamp(3) with time zone,
  "created_at" timestamp(3) with time zone NOT NULL,
  "updated_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "ai_runs_trigger_type" CHECK ("trigger" IN ('mention', 'auto', 'calendar', 'role', 'test')),
  CONSTRAINT "ai_runs_state_type" CHECK ("state" IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  CONSTRAINT "ai_runs_agent_type_type" CHECK ("agent_type" IN ('simple', 'chain', 'multi_agent'))
);
--@ statement
CREATE UNIQUE INDEX "ai_runs_trigger_message_id_target_user_id_where_key" ON "ai_runs" ("trigger_message_id", "target_user_id") WHERE trigger IN ('mention', 'auto');
--@ statement
ALTER TABLE "ai_runs" ADD CONSTRAINT "ai_runs_pkey" PRIMARY KEY ("id");
--@ statement
CREATE INDEX "ai_runs_org" ON "ai_runs" ("org_id", "created_at" DESC);
--@ statement
CREATE INDEX "ai_runs_open" ON "ai_runs" ("state", "started_at") WHERE state IN ('queued', 'running');
--@ statement
CREATE INDEX "ai_runs_role_id_index" ON "ai_runs" ("role_id");
--@ statement
CREATE INDEX "ai_runs_chat_id_index" ON "ai_runs" ("chat_id");
--@ statement
CREATE INDEX "ai_runs_trigger_message_id_index" ON "ai_runs" ("trigger_message_id");
--@ statement
CREATE INDEX "ai_runs_target_user_id_index" ON "ai_runs" ("target_user_id");
--@ statement
CREATE INDEX "ai_runs_behalf_of_id_index" ON "ai_runs" ("behalf_of_id");
--@ statement
CREATE INDEX "ai_runs_parent_run_id_index" ON "ai_runs" ("parent_run_id");
--@ statement
CREATE TABLE "ai_tool_calls" (
  "id" uuid NOT NULL,
  "run_id" uuid NOT NULL,
  "seq" bigint NOT NULL,
  "tool" varchar(50) COLLATE "C" NOT NULL,
  "args" jsonb NOT NULL,
  "result" jsonb,
  "state" text COLLATE "C" NOT NULL,
  "latency_ms" bigint,
  "created_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "ai_tool_calls_state_type" CHECK ("state" IN ('ok', 'error', 'denied')),
  CONSTRAINT "ai_tool_calls_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "ai_tool_calls_run_id_seq_key" UNIQUE ("run_id", "seq")
);
--@ statement
CREATE TABLE "correction_rules" (
  "id" uuid NOT NULL,
  "org_id" uuid NOT NULL,
  "role_id" uuid NOT NULL,
  "ai_message_id" uuid NOT NULL,
  "user_question" text COLLATE "C" NOT NULL,
  "ai_answer" text COLLATE "C" NOT NULL,
  "correction_text" text COLLATE "C" NOT NULL,
  "created_by_user_id" uuid NOT NULL,
  "is_active" boolean NOT NULL DEFAULT 't',
  "created_at" timestamp(3) with time zone NOT NULL,
  "updated_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "correction_rules_pkey" PRIMARY KEY ("id")
);
--@ statement
CREATE INDEX "correction_rules_role_id_created_at_where_index" ON "correction_rules" ("role_id", "created_at" DESC) WHERE is_active;
--@ statement
CREATE INDEX "correction_rules_org_id_index" ON "correction_rules" ("org_id");
--@ statement
CREATE INDEX "correction_rules_role_id_index" ON "correction_rules" ("role_id");
--@ statement
CREATE INDEX "correction_rules_ai_message_id_index" ON "correction_rules" ("ai_message_id");
--@ statement
CREATE INDEX "correction_rules_created_by_user_id_index" ON "correction_rules" ("created_by_user_id");
--@ statement
CREATE TABLE "chat_events" (
  "chat_id" uuid NOT NULL,
  "seq" bigint NOT NULL,
  "kind" text COLLATE "C" NOT NULL,
  "message_id" uuid NOT NULL,
  "created_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "chat_events_kind_type" CHECK ("kind" IN ('created', 'edited', 'deleted', 'reviewed')),
  CONSTRAINT "chat_events_pkey" PRIMARY KEY ("chat_id", "seq")
);
--@ statement
CREATE INDEX "chat_events_created_at_index" ON "chat_events" ("created_at");
--@ statement
CREATE TABLE "refresh_tokens" (
  "token_hash" varchar(64) COLLATE "C" NOT NULL,
  "user_id" uuid NOT NULL,
  "family" uuid NOT NULL,
  "expires_at" timestamp(3) with time zone NOT NULL,
  "used_at" timestamp(3) with time zone,
  "revoked_at" timestamp(3) with time zone,
  "created_at" timestamp(3) with time zone NOT NULL,
  "updated_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "refresh_tokens_pkey" PRIMARY KEY ("token_hash")
);
--@ statement
CREATE INDEX "refresh_tokens_family_index" ON "refresh_tokens" ("family");
--@ statement
CREATE INDEX "refresh_tokens_expires_at_index" ON "refresh_tokens" ("expires_at");
--@ statement
CREATE INDEX "refresh_tokens_user_id_index" ON "refresh_tokens" ("user_id");
--@ statement
CREATE TABLE "audit" (
  "id" bigint GENERATED BY DEFAULT AS IDENTITY NOT NULL,
  "actor_kind" text COLLATE "C" NOT NULL,
  "actor_id" varchar(64) COLLATE "C",
  "action" varchar(64) COLLATE "C" NOT NULL,
  "entity" varchar(64) COLLATE "C" NOT NULL,
  "entity_id" varchar(64) COLLATE "C" NOT NULL,
  "before" jsonb,
  "after" jsonb,
  "request_id" varchar(64) COLLATE "C",
  "created_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "audit_actor_kind_type" CHECK ("actor_kind" IN ('user', 'console', 'api_key', 'bot', 'job', 'system')),
  CONSTRAINT "audit_pkey" PRIMARY KEY ("id")
);
--@ statement
CREATE INDEX "audit_entity_entity_id_created_at_index" ON "audit" ("entity", "entity_id", "created_at" DESC);
--@ statement
CREATE INDEX "audit_created_at_index" ON "audit" ("created_at");
--@ statement
CREATE FUNCTION "audit_append_only_guard"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'new row for relation "audit" violates check constraint "audit_append_only"'
    USING ERRCODE = 'check_violation', TABLE = 'audit', CONSTRAINT = 'audit_append_only';
END
$$;
--@ statement
CREATE TRIGGER "audit_append_only" BEFORE UPDATE OR DELETE ON "audit" FOR EACH ROW EXECUTE FUNCTION "audit_append_only_guard"();
--@ statement
CREATE TABLE "once" (
  "key" varchar(200) COLLATE "C" NOT NULL,
  "expires_at" timestamp(3) with time zone,
  "created_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "once_pkey" PRIMARY KEY ("key")
);
--@ statement
CREATE INDEX "once_expires_at_index" ON "once" ("expires_at");
--@ statement
CREATE TABLE "idempotency" (
  "actor" varchar(80) COLLATE "C" NOT NULL,
  "route" varchar(160) COLLATE "C" NOT NULL,
  "key" varchar(128) COLLATE "C" NOT NULL,
  "body_hash" varchar(64) COLLATE "C" NOT NULL,
  "status" bigint NOT NULL,
  "body" jsonb,
  "expires_at" timestamp(3) with time zone NOT NULL,
  "created_at" timestamp(3) with time zone NOT NULL,
  "updated_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "idempotency_pkey" PRIMARY KEY ("actor", "route", "key")
);
--@ statement
CREATE INDEX "idempotency_expires_at_index" ON "idempotency" ("expires_at");
--@ statement
CREATE TABLE "settings" (
  "key" varchar(80) COLLATE "C" NOT NULL,
  "value" jsonb NOT NULL,
  "updated_by" varchar(64) COLLATE "C",
  "created_at" timestamp(3) with time zone NOT NULL,
  "updated_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "settings_pkey" PRIMARY KEY ("key")
);
--@ statement
CREATE TABLE "files" (
  "id" uuid NOT NULL,
  "storage_key" varchar(80) COLLATE "C" NOT NULL,
  "file_name" varchar(255) COLLATE "C" NOT NULL,
  "mime" varchar(100) COLLATE "C" NOT NULL,
  "size" bigint NOT NULL,
  "sha256" varchar(64) COLLATE "C" NOT NULL,
  "owner_entity" varchar(64) COLLATE "C" NOT NULL,
  "owner_id" varchar(64) COLLATE "C" NOT NULL,
  "uploaded_by" varchar(64) COLLATE "C" NOT NULL,
  "created_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "files_size_check" CHECK (size >= 0),
  CONSTRAINT "files_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "files_storage_key_key" UNIQUE ("storage_key")
);
--@ statement
CREATE INDEX "files_owner_entity_owner_id_index" ON "files" ("owner_entity", "owner_id");
--@ statement
CREATE TABLE "link_tokens" (
  "token_hash" varchar(64) COLLATE "C" NOT NULL,
  "subject_id" varchar(64) COLLATE "C" NOT NULL,
  "purpose" varchar(32) COLLATE "C" NOT NULL,
  "expires_at" timestamp(3) with time zone NOT NULL,
  "used_at" timestamp(3) with time zone,
  "created_at" timestamp(3) with time zone NOT NULL,
  "updated_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "link_tokens_pkey" PRIMARY KEY ("token_hash")
);
--@ statement
CREATE INDEX "link_tokens_expires_at_index" ON "link_tokens" ("expires_at");
--@ statement
CREATE TABLE "cache_ctl" (
  "id" bigint NOT NULL,
  "epoch" bigint NOT NULL,
  "mode" text COLLATE "C" NOT NULL,
  "redis_run_id" varchar(64) COLLATE "C",
  "window_ms" bigint NOT NULL,
  "since" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "cache_ctl_mode_type" CHECK ("mode" IN ('on', 'off', 'warming')),
  CONSTRAINT "cache_ctl_pkey" PRIMARY KEY ("id")
);
--@ statement
CREATE TABLE "cache_outbox" (
  "id" bigint GENERATED BY DEFAULT AS IDENTITY NOT NULL,
  "keys" jsonb NOT NULL,
  "at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "cache_outbox_pkey" PRIMARY KEY ("id")
);
--@ statement
CREATE INDEX "cache_outbox_at_index" ON "cache_outbox" ("at");
--@ statement
CREATE TABLE "job" (
  "id" uuid NOT NULL,
  "queue" varchar(64) COLLATE "C" NOT NULL,
  "kind" varchar(64) COLLATE "C" NOT NULL,
  "lane" bigint NOT NULL,
  "state" text COLLATE "C" NOT NULL DEFAULT 'wait',
  "run_at" timestamp(3) with time zone NOT NULL,
  "attempt" bigint NOT NULL DEFAULT '0',
  "max_attempts" bigint NOT NULL DEFAULT '20',
  "worker" uuid,
  "dedupe" varchar(300) COLLATE "C",
  "fire_at" timestamp(3) with time zone,
  "payload" jsonb NOT NULL,
  "message_id" varchar(255) COLLATE "C",
  "last_error" text COLLATE "C",
  "created_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "job_state_type" CHECK ("state" IN ('wait', 'held', 'at_broker')),
  CONSTRAINT "job_lane_check" CHECK (lane BETWEEN 0 AND 4)
);
--@ statement
CREATE UNIQUE INDEX "job_dedupe_index" ON "job" ("dedupe") WHERE dedupe IS NOT NULL AND state = 'wait';
--@ statement
ALTER TABLE "job" ADD CONSTRAINT "job_pkey" PRIMARY KEY ("id");
--@ statement
CREATE INDEX "job_ready_index" ON "job" ("queue", "lane", "run_at", "id") WHERE state = 'wait';
--@ statement
CREATE INDEX "job_held_index" ON "job" ("worker") WHERE state <> 'wait';
--@ statement
CREATE TABLE "job_dead" (
  "id" uuid NOT NULL,
  "queue" varchar(64) COLLATE "C" NOT NULL,
  "kind" varchar(64) COLLATE "C" NOT NULL,
  "lane" bigint NOT NULL,
  "reason" text COLLATE "C" NOT NULL,
  "attempt" bigint NOT NULL,
  "max_attempts" bigint NOT NULL,
  "fire_at" timestamp(3) with time zone,
  "payload" jsonb NOT NULL,
  "message_id" varchar(255) COLLATE "C",
  "last_error" text COLLATE "C",
  "created_at" timestamp(3) with time zone NOT NULL,
  "died_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "job_dead_reason_type" CHECK ("reason" IN ('attempts', 'permanent', 'cancelled')),
  CONSTRAINT "job_dead_pkey" PRIMARY KEY ("id")
);
--@ statement
CREATE INDEX "job_dead_died_at_id_index" ON "job_dead" ("died_at", "id");
--@ statement
CREATE INDEX "job_dead_queue_died_at_id_index" ON "job_dead" ("queue", "died_at", "id");
--@ statement
CREATE TABLE "job_error" (
  "id" uuid NOT NULL,
  "job_id" uuid NOT NULL,
  "attempt" bigint NOT NULL,
  "error" text COLLATE "C" NOT NULL,
  "at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "job_error_pkey" PRIMARY KEY ("id")
);
--@ statement
CREATE INDEX "job_error_job_id_id_index" ON "job_error" ("job_id", "id");
--@ statement
CREATE INDEX "job_error_at_index" ON "job_error" ("at");
--@ statement
CREATE TABLE "paused_queue" (
  "queue" varchar(64) COLLATE "C" NOT NULL,
  "at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "paused_queue_pkey" PRIMARY KEY ("queue")
);
--@ statement
CREATE TABLE "worker" (
  "id" uuid NOT NULL,
  "host" varchar(255) COLLATE "C" NOT NULL,
  "pid" bigint NOT NULL,
  "seen" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "worker_pkey" PRIMARY KEY ("id")
);
--@ statement
CREATE TABLE "inbox" (
  "consumer" varchar(64) COLLATE "C" NOT NULL,
  "message_id" varchar(255) COLLATE "C" NOT NULL,
  "at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "inbox_pkey" PRIMARY KEY ("consumer", "message_id")
);
--@ statement
CREATE INDEX "inbox_at_index" ON "inbox" ("at");
--@ statement
CREATE TABLE "schedule" (
  "key" varchar(200) COLLATE "C" NOT NULL,
  "source" text COLLATE "C" NOT NULL,
  "spec" varchar(200) COLLATE "C" NOT NULL,
  "tz" varchar(64) COLLATE "C",
  "queue" varchar(64) COLLATE "C" NOT NULL,
  "kind" varchar(64) COLLATE "C" NOT NULL,
  "payload" jsonb NOT NULL,
  "next_at" timestamp(3) with time zone,
  "last_at" timestamp(3) with time zone,
  "misfire" text COLLATE "C" NOT NULL,
  "misfire_max" bigint,
  "grace_ms" bigint NOT NULL,
  "enabled" boolean NOT NULL DEFAULT 't',
  "rev" bigint NOT NULL,
  "created_at" timestamp(3) with time zone NOT NULL,
  "updated_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "schedule_source_type" CHECK ("source" IN ('code', 'stored')),
  CONSTRAINT "schedule_misfire_type" CHECK ("misfire" IN ('skip', 'once', 'all')),
  CONSTRAINT "schedule_grace_ms_check" CHECK (grace_ms >= 0),
  CONSTRAINT "schedule_pkey" PRIMARY KEY ("key")
);
--@ statement
CREATE INDEX "schedule_enabled_next_at_key_index" ON "schedule" ("enabled", "next_at", "key");
--@ statement
CREATE INDEX "schedule_source_index" ON "schedule" ("source");
--@ statement
CREATE TABLE "schedule_fire" (
  "key" varchar(200) COLLATE "C" NOT NULL,
  "fire_at" timestamp(3) with time zone NOT NULL,
  "job_id" uuid NOT NULL,
  "cause" text COLLATE "C" NOT NULL,
  "at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "schedule_fire_cause_type" CHECK ("cause" IN ('due', 'hand', 'replay')),
  CONSTRAINT "schedule_fire_pkey" PRIMARY KEY ("key", "fire_at")
);
--@ statement
CREATE INDEX "schedule_fire_at_index" ON "schedule_fire" ("at");
--@ statement
CREATE TABLE "conversation_states" (
  "key" varchar(200) COLLATE "C" NOT NULL,
  "state" varchar(100) COLLATE "C",
  "state_expires_at" timestamp(3) with time zone,
  "data" jsonb,
  "data_expires_at" timestamp(3) with time zone,
  "version" bigint NOT NULL,
  "expires_at" timestamp(3) with time zone NOT NULL,
  "created_at" timestamp(3) with time zone NOT NULL,
  "updated_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "conversation_states_version_check" CHECK (version > 0),
  CONSTRAINT "conversation_states_pkey" PRIMARY KEY ("key")
);
--@ statement
CREATE INDEX "conversation_states_expires_at_index" ON "conversation_states" ("expires_at");
--@ statement
CREATE TABLE "ordered_set_members" (
  "name" varchar(200) COLLATE "C" NOT NULL,
  "member" varchar(200) COLLATE "C" NOT NULL,
  "score" double precision NOT NULL,
  "expires_at" timestamp(3) with time zone,
  "created_at" timestamp(3) with time zone NOT NULL,
  "updated_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "ordered_set_members_pkey" PRIMARY KEY ("name", "member")
);
--@ statement
CREATE INDEX "ordered_set_members_order" ON "ordered_set_members" ("name", "score" DESC, "member" DESC, "expires_at");
--@ statement
CREATE INDEX "ordered_set_members_expires_at_where_index" ON "ordered_set_members" ("expires_at") WHERE expires_at IS NOT NULL;
--@ statement
ALTER TABLE "roles" ADD CONSTRAINT "roles_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "users" ADD CONSTRAINT "users_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "users" ADD CONSTRAINT "users_role_id_fkey" FOREIGN KEY ("role_id") REFERENCES "roles" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "chats" ADD CONSTRAINT "chats_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "chats" ADD CONSTRAINT "chats_created_by_fkey" FOREIGN KEY ("created_by") REFERENCES "users" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "messages" ADD CONSTRAINT "messages_chat_id_fkey" FOREIGN KEY ("chat_id") REFERENCES "chats" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "messages" ADD CONSTRAINT "messages_reply_to_id_fkey" FOREIGN KEY ("reply_to_id") REFERENCES "messages" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "messages" ADD CONSTRAINT "messages_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "ai_runs" ("id") ON DELETE SET NULL;
--@ statement
ALTER TABLE "messages" ADD CONSTRAINT "messages_edited_by_fkey" FOREIGN KEY ("edited_by") REFERENCES "users" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "calendar_events" ADD CONSTRAINT "calendar_events_role_id_fkey" FOREIGN KEY ("role_id") REFERENCES "roles" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "calendar_events" ADD CONSTRAINT "calendar_events_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "notification_channels" ADD CONSTRAINT "notification_channels_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "notification_channels" ADD CONSTRAINT "notification_channels_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "in_app_notifications" ADD CONSTRAINT "in_app_notifications_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE;
--@ statement
ALTER TABLE "in_app_notifications" ADD CONSTRAINT "in_app_notifications_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "ai_runs" ADD CONSTRAINT "ai_runs_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "ai_runs" ADD CONSTRAINT "ai_runs_role_id_fkey" FOREIGN KEY ("role_id") REFERENCES "roles" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "ai_runs" ADD CONSTRAINT "ai_runs_chat_id_fkey" FOREIGN KEY ("chat_id") REFERENCES "chats" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "ai_runs" ADD CONSTRAINT "ai_runs_trigger_message_id_fkey" FOREIGN KEY ("trigger_message_id") REFERENCES "messages" ("id") ON DELETE SET NULL;
--@ statement
ALTER TABLE "ai_runs" ADD CONSTRAINT "ai_runs_target_user_id_fkey" FOREIGN KEY ("target_user_id") REFERENCES "users" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "ai_runs" ADD CONSTRAINT "ai_runs_behalf_of_id_fkey" FOREIGN KEY ("behalf_of_id") REFERENCES "users" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "ai_runs" ADD CONSTRAINT "ai_runs_parent_run_id_fkey" FOREIGN KEY ("parent_run_id") REFERENCES "ai_runs" ("id") ON DELETE SET NULL;
--@ statement
ALTER TABLE "ai_tool_calls" ADD CONSTRAINT "ai_tool_calls_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "ai_runs" ("id") ON DELETE CASCADE;
--@ statement
ALTER TABLE "correction_rules" ADD CONSTRAINT "correction_rules_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "correction_rules" ADD CONSTRAINT "correction_rules_role_id_fkey" FOREIGN KEY ("role_id") REFERENCES "roles" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "correction_rules" ADD CONSTRAINT "correction_rules_ai_message_id_fkey" FOREIGN KEY ("ai_message_id") REFERENCES "messages" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "correction_rules" ADD CONSTRAINT "correction_rules_created_by_user_id_fkey" FOREIGN KEY ("created_by_user_id") REFERENCES "users" ("id") ON DELETE RESTRICT;
--@ statement
ALTER TABLE "chat_events" ADD CONSTRAINT "chat_events_chat_id_fkey" FOREIGN KEY ("chat_id") REFERENCES "chats" ("id") ON DELETE CASCADE;
--@ statement
ALTER TABLE "refresh_tokens" ADD CONSTRAINT "refresh_tokens_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE;
--@ undo
ALTER TABLE "refresh_tokens" DROP CONSTRAINT "refresh_tokens_user_id_fkey";
--@ undo
ALTER TABLE "chat_events" DROP CONSTRAINT "chat_events_chat_id_fkey";
--@ undo
ALTER TABLE "correction_rules" DROP CONSTRAINT "correction_rules_created_by_user_id_fkey";
--@ undo
ALTER TABLE "correction_rules" DROP CONSTRAINT "correction_rules_ai_message_id_fkey";
--@ undo
ALTER TABLE "correction_rules" DROP CONSTRAINT "correction_rules_role_id_fkey";
--@ undo
ALTER TABLE "correction_rules" DROP CONSTRAINT "correction_rules_org_id_fkey";
--@ undo
ALTER TABLE "ai_tool_calls" DROP CONSTRAINT "ai_tool_calls_run_id_fkey";
--@ undo
ALTER TABLE "ai_runs" DROP CONSTRAINT "ai_runs_parent_run_id_fkey";
--@ undo
ALTER TABLE "ai_runs" DROP CONSTRAINT "ai_runs_behalf_of_id_fkey";
--@ undo
ALTER TABLE "ai_runs" DROP CONSTRAINT "ai_runs_target_user_id_fkey";
--@ undo
ALTER TABLE "ai_runs" DROP CONSTRAINT "ai_runs_trigger_message_id_fkey";
--@ undo
ALTER TABLE "ai_runs" DROP CONSTRAINT "ai_runs_chat_id_fkey";
--@ undo
ALTER TABLE "ai_runs" DROP CONSTRAINT "ai_runs_role_id_fkey";
--@ undo
ALTER TABLE "ai_runs" DROP CONSTRAINT "ai_runs_org_id_fkey";
--@ undo
ALTER TABLE "in_app_notifications" DROP CONSTRAINT "in_app_notifications_org_id_fkey";
--@ undo
ALTER TABLE "in_app_notifications" DROP CONSTRAINT "in_app_notifications_user_id_fkey";
--@ undo
ALTER TABLE "notification_channels" DROP CONSTRAINT "notification_channels_org_id_fkey";
--@ undo
ALTER TABLE "notification_channels" DROP CONSTRAINT "notification_channels_user_id_fkey";
--@ undo
ALTER TABLE "calendar_events" DROP CONSTRAINT "calendar_events_org_id_fkey";
--@ undo
ALTER TABLE "calendar_events" DROP CONSTRAINT "calendar_events_role_id_fkey";
--@ undo
ALTER TABLE "messages" DROP CONSTRAINT "messages_edited_by_fkey";
--@ undo
ALTER TABLE "messages" DROP CONSTRAINT "messages_run_id_fkey";
--@ undo
ALTER TABLE "messages" DROP CONSTRAINT "messages_reply_to_id_fkey";
--@ undo
ALTER TABLE "messages" DROP CONSTRAINT "messages_chat_id_fkey";
--@ undo
ALTER TABLE "chats" DROP CONSTRAINT "chats_created_by_fkey";
--@ undo
ALTER TABLE "chats" DROP CONSTRAINT "chats_org_id_fkey";
--@ undo
ALTER TABLE "users" DROP CONSTRAINT "users_role_id_fkey";
--@ undo
ALTER TABLE "users" DROP CONSTRAINT "users_org_id_fkey";
--@ undo
ALTER TABLE "roles" DROP CONSTRAINT "roles_org_id_fkey";
--@ undo
DROP TABLE "ordered_set_members";
--@ undo
DROP TABLE "conversation_states";
--@ undo
DROP TABLE "schedule_fire";
--@ undo
DROP TABLE "schedule";
--@ undo
DROP TABLE "inbox";
--@ undo
DROP TABLE "worker";
--@ undo
DROP TABLE "paused_queue";
--@ undo
DROP TABLE "job_error";
--@ undo
DROP TABLE "job_dead";
--@ undo
DROP TABLE "job";
--@ undo
DROP TABLE "cache_outbox";
--@ undo
DROP TABLE "cache_ctl";
--@ undo
DROP TABLE "link_tokens";
--@ undo
DROP TABLE "files";
--@ undo
DROP TABLE "settings";
--@ undo
DROP TABLE "idempotency";
--@ undo
DROP TABLE "once";
--@ undo
DROP TABLE "audit";
--@ undo
DROP FUNCTION "audit_append_only_guard"();
--@ undo
DROP TABLE "refresh_tokens";
--@ undo
DROP TABLE "chat_events";
--@ undo
DROP TABLE "correction_rules";
--@ undo
DROP TABLE "ai_tool_calls";
--@ undo
ALTER TABLE "messages" DROP CONSTRAINT IF EXISTS "messages_run_id_fkey";
--@ undo
DROP TABLE "ai_runs";
--@ undo
DROP TABLE "in_app_notifications";
--@ undo
DROP TABLE "notification_log";
--@ undo
DROP TABLE "notification_channels";
--@ undo
DROP TABLE "calendar_events";
--@ undo
DROP TABLE "messages";
--@ undo
DROP TABLE "chats";
--@ undo
DROP TABLE "users";
--@ undo
DROP TABLE "roles";
--@ undo
DROP TABLE "organizations";

--@ down

--@ step
--@ statement
DROP TABLE "ordered_set_members";
--@ statement
DROP TABLE "conversation_states";
--@ statement
DROP TABLE "schedule_fire";
--@ statement
DROP TABLE "schedule";
--@ statement
DROP TABLE "inbox";
--@ statement
DROP TABLE "worker";
--@ statement
DROP TABLE "paused_queue";
--@ statement
DROP TABLE "job_error";
--@ statement
DROP TABLE "job_dead";
--@ statement
DROP TABLE "job";
--@ statement
DROP TABLE "cache_outbox";
--@ statement
DROP TABLE "cache_ctl";
--@ statement
DROP TABLE "link_tokens";
--@ statement
DROP TABLE "files";
--@ statement
DROP TABLE "settings";
--@ statement
DROP TABLE "idempotency";
--@ statement
DROP TABLE "once";
--@ statement
DROP TABLE "audit";
--@ statement
DROP FUNCTION "audit_append_only_guard"();
--@ statement
DROP TABLE "refresh_tokens";
--@ statement
DROP TABLE "chat_events";
--@ statement
DROP TABLE "correction_rules";
--@ statement
DROP TABLE "ai_tool_calls";
--@ statement
ALTER TABLE "messages" DROP CONSTRAINT IF EXISTS "messages_run_id_fkey";
--@ statement
DROP TABLE "ai_runs";
--@ statement
DROP TABLE "in_app_notifications";
--@ statement
DROP TABLE "notification_log";
--@ statement
DROP TABLE "notification_channels";
--@ statement
DROP TABLE "calendar_events";
--@ statement
DROP TABLE "messages";
--@ statement
DROP TABLE "chats";
--@ statement
DROP TABLE "users";
--@ statement
DROP TABLE "roles";
--@ statement
DROP TABLE "organizations";
