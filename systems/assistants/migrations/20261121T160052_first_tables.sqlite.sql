-- 20261121T160052_first_tables on SQLite, frozen when it was made; made by "rootstock migrate new", not to be edited.
--@ operations 6b14404b098a0972230adcd1cfcac26c34550fc3dc4419f48722ee8332aab7a2

--@ up

--@ step
--@ statement
CREATE TABLE "organizations" (
  "id" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "slug" TEXT NOT NULL,
  "description" TEXT,
  "is_active" INTEGER NOT NULL DEFAULT 1,
  "time_zone" TEXT NOT NULL DEFAULT 'Europe/Moscow',
  "settings" TEXT NOT NULL DEFAULT '{}',
  "token_budget_month" INTEGER,
  "is_system" INTEGER NOT NULL DEFAULT 0,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "organizations_id_type" CHECK (length("id") = 36),
  CONSTRAINT "organizations_name_type" CHECK (length("name") <= 255),
  CONSTRAINT "organizations_slug_type" CHECK (length("slug") <= 100),
  CONSTRAINT "organizations_is_active_type" CHECK ("is_active" IN (0, 1)),
  CONSTRAINT "organizations_time_zone_type" CHECK (length("time_zone") <= 64),
  CONSTRAINT "organizations_settings_type" CHECK (json_valid("settings")),
  CONSTRAINT "organizations_is_system_type" CHECK ("is_system" IN (0, 1)),
  CONSTRAINT "organizations_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "organizations_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "organizations_token_budget_month_check" CHECK (token_budget_month >= 0),
  CONSTRAINT "organizations_slug_key" UNIQUE ("slug"),
  CONSTRAINT "organizations_pkey" PRIMARY KEY ("id")
) STRICT;

--@ step
--@ statement
CREATE INDEX "idx_organizations_active" ON "organizations" ("is_active") WHERE is_active;

--@ step
--@ statement
CREATE INDEX "idx_organizations_system" ON "organizations" ("is_system");

--@ step
--@ statement
CREATE TABLE "roles" (
  "id" TEXT NOT NULL,
  "org_id" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "code" TEXT NOT NULL,
  "description" TEXT,
  "system_prompt" TEXT NOT NULL,
  "rag_collection" TEXT,
  "model_name" TEXT NOT NULL DEFAULT 'qwen2.5:7b',
  "agent_type" TEXT NOT NULL DEFAULT 'simple',
  "agent_config" TEXT NOT NULL DEFAULT '{}',
  "tools" TEXT NOT NULL DEFAULT '[]',
  "prompt_file" TEXT,
  "is_active" INTEGER NOT NULL DEFAULT 1,
  "version" INTEGER NOT NULL DEFAULT 0,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "roles_id_type" CHECK (length("id") = 36),
  CONSTRAINT "roles_org_id_type" CHECK (length("org_id") = 36),
  CONSTRAINT "roles_name_type" CHECK (length("name") <= 255),
  CONSTRAINT "roles_code_type" CHECK (length("code") <= 50),
  CONSTRAINT "roles_rag_collection_type" CHECK (length("rag_collection") <= 255),
  CONSTRAINT "roles_model_name_type" CHECK (length("model_name") <= 100),
  CONSTRAINT "roles_agent_type_type" CHECK ("agent_type" IN ('simple', 'chain', 'multi_agent')),
  CONSTRAINT "roles_agent_config_type" CHECK (json_valid("agent_config")),
  CONSTRAINT "roles_tools_type" CHECK (json_valid("tools")),
  CONSTRAINT "roles_prompt_file_type" CHECK (length("prompt_file") <= 255),
  CONSTRAINT "roles_is_active_type" CHECK ("is_active" IN (0, 1)),
  CONSTRAINT "roles_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "roles_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "roles_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "organizations" ("id"),
  CONSTRAINT "roles_org_id_code_key" UNIQUE ("org_id", "code"),
  CONSTRAINT "roles_pkey" PRIMARY KEY ("id")
) STRICT;

--@ step
--@ statement
CREATE INDEX "idx_roles_org" ON "roles" ("org_id");

--@ step
--@ statement
CREATE TABLE "users" (
  "id" TEXT NOT NULL,
  "org_id" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "username" TEXT NOT NULL,
  "email" TEXT NOT NULL,
  "password_hash" TEXT,
  "role_id" TEXT,
  "is_admin" INTEGER NOT NULL DEFAULT 0,
  "is_active" INTEGER NOT NULL DEFAULT 1,
  "avatar_url" TEXT,
  "last_seen_at" TEXT,
  "is_system" INTEGER NOT NULL DEFAULT 0,
  "telegram_id" INTEGER,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "users_id_type" CHECK (length("id") = 36),
  CONSTRAINT "users_org_id_type" CHECK (length("org_id") = 36),
  CONSTRAINT "users_name_type" CHECK (length("name") <= 255),
  CONSTRAINT "users_username_type" CHECK (length("username") <= 50),
  CONSTRAINT "users_email_type" CHECK (length("email") <= 255),
  CONSTRAINT "users_password_hash_type" CHECK (length("password_hash") <= 255),
  CONSTRAINT "users_role_id_type" CHECK (length("role_id") = 36),
  CONSTRAINT "users_is_admin_type" CHECK ("is_admin" IN (0, 1)),
  CONSTRAINT "users_is_active_type" CHECK ("is_active" IN (0, 1)),
  CONSTRAINT "users_last_seen_at_type" CHECK ("last_seen_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "users_is_system_type" CHECK ("is_system" IN (0, 1)),
  CONSTRAINT "users_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "users_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "users_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "organizations" ("id"),
  CONSTRAINT "users_role_id_fkey" FOREIGN KEY ("role_id") REFERENCES "roles" ("id"),
  CONSTRAINT "users_org_id_username_key" UNIQUE ("org_id", "username"),
  CONSTRAINT "users_telegram_id_key" UNIQUE ("telegram_id"),
  CONSTRAINT "users_email_key" UNIQUE ("email"),
  CONSTRAINT "users_pkey" PRIMARY KEY ("id")
) STRICT;

--@ step
--@ statement
CREATE INDEX "idx_users_org" ON "users" ("org_id");

--@ step
--@ statement
CREATE INDEX "idx_users_role" ON "users" ("role_id");

--@ step
--@ statement
CREATE TABLE "chats" (
  "id" TEXT NOT NULL,
  "org_id" TEXT NOT NULL,
  "type" TEXT NOT NULL DEFAULT 'main',
  "name" TEXT,
  "participants" TEXT NOT NULL DEFAULT '[]',
  "created_by" TEXT,
  "is_active" INTEGER NOT NULL DEFAULT 1,
  "last_message_at" TEXT,
  "direct_key" TEXT,
  "last_seq" INTEGER NOT NULL DEFAULT 0,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "chats_id_type" CHECK (length("id") = 36),
  CONSTRAINT "chats_org_id_type" CHECK (length("org_id") = 36),
  CONSTRAINT "chats_type_type" CHECK ("type" IN ('main', 'direct', 'group')),
  CONSTRAINT "chats_name_type" CHECK (length("name") <= 255),
  CONSTRAINT "chats_participants_type" CHECK (json_valid("participants") AND json_type("participants") = 'array'),
  CONSTRAINT "chats_created_by_type" CHECK (length("created_by") = 36),
  CONSTRAINT "chats_is_active_type" CHECK ("is_active" IN (0, 1)),
  CONSTRAINT "chats_last_message_at_type" CHECK ("last_message_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "chats_direct_key_type" CHECK (length("direct_key") <= 80),
  CONSTRAINT "chats_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "chats_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "chats_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "organizations" ("id"),
  CONSTRAINT "chats_created_by_fkey" FOREIGN KEY ("created_by") REFERENCES "users" ("id"),
  CONSTRAINT "chats_org_id_direct_key_key" UNIQUE ("org_id", "direct_key"),
  CONSTRAINT "chats_pkey" PRIMARY KEY ("id")
) STRICT;

--@ step
--@ statement
CREATE INDEX "idx_chats_org" ON "chats" ("org_id");

--@ step
--@ statement
CREATE INDEX "idx_chats_last_message" ON "chats" ("last_message_at" DESC, "id" DESC);

--@ step
--@ statement
CREATE INDEX "chats_created_by_index" ON "chats" ("created_by");

--@ step
--@ statement
CREATE UNIQUE INDEX "chats_created_by_where_key" ON "chats" ("created_by") WHERE type = 'main';

--@ step
--@ statement
CREATE TABLE "chats_participants_items" (
  "item" ANY NOT NULL,
  "id" TEXT NOT NULL,
  PRIMARY KEY ("item", "id")
) STRICT, WITHOUT ROWID;

--@ step
--@ statement
INSERT OR IGNORE INTO "chats_participants_items" ("item", "id") SELECT each.value, source."id" FROM "chats" AS source, json_each(source."participants") AS each WHERE source."participants" IS NOT NULL AND each.value IS NOT NULL;

--@ step
--@ statement
CREATE TRIGGER "chats_participants_items_insert" AFTER INSERT ON "chats" BEGIN
  INSERT OR IGNORE INTO "chats_participants_items" ("item", "id") SELECT found.*, NEW."id" FROM (SELECT each.value FROM json_each(NEW."participants") AS each WHERE NEW."participants" IS NOT NULL AND each.value IS NOT NULL) AS found;
END;

--@ step
--@ statement
CREATE TRIGGER "chats_participants_items_update" AFTER UPDATE OF "participants", "id" ON "chats" BEGIN
  DELETE FROM "chats_participants_items" WHERE ("item") IN (SELECT each.value FROM json_each(OLD."participants") AS each WHERE OLD."participants" IS NOT NULL AND each.value IS NOT NULL) AND "id" = OLD."id";
  INSERT OR IGNORE INTO "chats_participants_items" ("item", "id") SELECT found.*, NEW."id" FROM (SELECT each.value FROM json_each(NEW."participants") AS each WHERE NEW."participants" IS NOT NULL AND each.value IS NOT NULL) AS found;
END;

--@ step
--@ statement
CREATE TRIGGER "chats_participants_items_delete" AFTER DELETE ON "chats" BEGIN
  DELETE FROM "chats_participants_items" WHERE ("item") IN (SELECT each.value FROM json_each(OLD."participants") AS each WHERE OLD."participants" IS NOT NULL AND each.value IS NOT NULL) AND "id" = OLD."id";
END;

--@ step
--@ statement
CREATE TABLE "messages" (
  "id" TEXT NOT NULL,
  "chat_id" TEXT NOT NULL,
  "sender_type" TEXT NOT NULL DEFAULT 'user',
  "sender_id" TEXT NOT NULL,
  "content" TEXT NOT NULL,
  "mentions" TEXT,
  "reply_to_id" TEXT,
  "ai_validated" INTEGER NOT NULL DEFAULT 0,
  "ai_edited" INTEGER NOT NULL DEFAULT 0,
  "is_deleted" INTEGER NOT NULL DEFAULT 0,
  "ai_review" TEXT NOT NULL DEFAULT 'none',
  "run_id" TEXT,
  "edited_at" TEXT,
  "edited_by" TEXT,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "messages_id_type" CHECK (length("id") = 36),
  CONSTRAINT "messages_chat_id_type" CHECK (length("chat_id") = 36),
  CONSTRAINT "messages_sender_type_type" CHECK ("sender_type" IN ('user', 'ai_role', 'system')),
  CONSTRAINT "messages_sender_id_type" CHECK (length("sender_id") = 36),
  CONSTRAINT "messages_mentions_type" CHECK (json_valid("mentions")),
  CONSTRAINT "messages_reply_to_id_type" CHECK (length("reply_to_id") = 36),
  CONSTRAINT "messages_ai_validated_type" CHECK ("ai_validated" IN (0, 1)),
  CONSTRAINT "messages_ai_edited_type" CHECK ("ai_edited" IN (0, 1)),
  CONSTRAINT "messages_is_deleted_type" CHECK ("is_deleted" IN (0, 1)),
  CONSTRAINT "messages_ai_review_type" CHECK ("ai_review" IN ('none', 'pending', 'approved', 'rejected')),
  CONSTRAINT "messages_run_id_type" CHECK (length("run_id") = 36),
  CONSTRAINT "messages_edited_at_type" CHECK ("edited_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "messages_edited_by_type" CHECK (length("edited_by") = 36),
  CONSTRAINT "messages_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "messages_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "messages_validated_check" CHECK (ai_validated = (ai_review = 'approved')),
  CONSTRAINT "messages_chat_id_fkey" FOREIGN KEY ("chat_id") REFERENCES "chats" ("id"),
  CONSTRAINT "messages_reply_to_id_fkey" FOREIGN KEY ("reply_to_id") REFERENCES "messages" ("id"),
  CONSTRAINT "messages_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "ai_runs" ("id") ON DELETE SET NULL,
  CONSTRAINT "messages_edited_by_fkey" FOREIGN KEY ("edited_by") REFERENCES "users" ("id"),
  CONSTRAINT "messages_pkey" PRIMARY KEY ("id")
) STRICT;

--@ step
--@ statement
CREATE INDEX "idx_messages_chat" ON "messages" ("chat_id");

--@ step
--@ statement
CREATE INDEX "idx_messages_created" ON "messages" ("chat_id", "created_at" DESC, "id" DESC);

--@ step
--@ statement
CREATE INDEX "idx_messages_ai_pending" ON "messages" ("sender_id", "ai_validated") WHERE sender_type = 'ai_role' AND NOT ai_validated;

--@ step
--@ statement
CREATE INDEX "messages_reply_to_id_index" ON "messages" ("reply_to_id");

--@ step
--@ statement
CREATE INDEX "messages_run_id_index" ON "messages" ("run_id");

--@ step
--@ statement
CREATE INDEX "messages_edited_by_index" ON "messages" ("edited_by");

--@ step
--@ statement
CREATE TABLE "calendar_events" (
  "id" TEXT NOT NULL,
  "role_id" TEXT NOT NULL,
  "org_id" TEXT NOT NULL,
  "title" TEXT NOT NULL,
  "description" TEXT,
  "event_type" TEXT NOT NULL DEFAULT 'one_time',
  "scheduled_at" TEXT,
  "cron_expression" TEXT,
  "next_trigger_at" TEXT,
  "last_triggered_at" TEXT,
  "trigger_count" INTEGER NOT NULL DEFAULT 0,
  "source_chat_id" TEXT,
  "source_message_id" TEXT,
  "metadata" TEXT NOT NULL DEFAULT '{}',
  "created_by_user_id" TEXT,
  "is_active" INTEGER NOT NULL DEFAULT 1,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "calendar_events_id_type" CHECK (length("id") = 36),
  CONSTRAINT "calendar_events_role_id_type" CHECK (length("role_id") = 36),
  CONSTRAINT "calendar_events_org_id_type" CHECK (length("org_id") = 36),
  CONSTRAINT "calendar_events_title_type" CHECK (length("title") <= 500),
  CONSTRAINT "calendar_events_event_type_type" CHECK ("event_type" IN ('one_time', 'recurring')),
  CONSTRAINT "calendar_events_scheduled_at_type" CHECK ("scheduled_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "calendar_events_cron_expression_type" CHECK (length("cron_expression") <= 100),
  CONSTRAINT "calendar_events_next_trigger_at_type" CHECK ("next_trigger_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "calendar_events_last_triggered_at_type" CHECK ("last_triggered_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "calendar_events_source_chat_id_type" CHECK (length("source_chat_id") = 36),
  CONSTRAINT "calendar_events_source_message_id_type" CHECK (length("source_message_id") = 36),
  CONSTRAINT "calendar_events_metadata_type" CHECK (json_valid("metadata")),
  CONSTRAINT "calendar_events_created_by_user_id_type" CHECK (length("created_by_user_id") = 36),
  CONSTRAINT "calendar_events_is_active_type" CHECK ("is_active" IN (0, 1)),
  CONSTRAINT "calendar_events_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "calendar_events_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "calendar_events_next_check" CHECK (is_active OR next_trigger_at IS NULL),
  CONSTRAINT "calendar_events_role_id_fkey" FOREIGN KEY ("role_id") REFERENCES "roles" ("id"),
  CONSTRAINT "calendar_events_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "organizations" ("id"),
  CONSTRAINT "calendar_events_pkey" PRIMARY KEY ("id")
) STRICT;

--@ step
--@ statement
CREATE INDEX "idx_calendar_events_role" ON "calendar_events" ("role_id");

--@ step
--@ statement
CREATE INDEX "idx_calendar_events_org" ON "calendar_events" ("org_id");

--@ step
--@ statement
CREATE INDEX "idx_calendar_events_due" ON "calendar_events" ("next_trigger_at") WHERE is_active AND next_trigger_at IS NOT NULL;

--@ step
--@ statement
CREATE TABLE "notification_channels" (
  "id" TEXT NOT NULL,
  "user_id" TEXT NOT NULL,
  "org_id" TEXT NOT NULL,
  "channel_type" TEXT NOT NULL,
  "config" TEXT NOT NULL DEFAULT '{}',
  "is_enabled" INTEGER NOT NULL DEFAULT 1,
  "is_verified" INTEGER NOT NULL DEFAULT 0,
  "priority" INTEGER NOT NULL DEFAULT 0,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "notification_channels_id_type" CHECK (length("id") = 36),
  CONSTRAINT "notification_channels_user_id_type" CHECK (length("user_id") = 36),
  CONSTRAINT "notification_channels_org_id_type" CHECK (length("org_id") = 36),
  CONSTRAINT "notification_channels_channel_type_type" CHECK ("channel_type" IN ('telegram', 'email', 'webhook', 'in_app')),
  CONSTRAINT "notification_channels_config_type" CHECK (json_valid("config")),
  CONSTRAINT "notification_channels_is_enabled_type" CHECK ("is_enabled" IN (0, 1)),
  CONSTRAINT "notification_channels_is_verified_type" CHECK ("is_verified" IN (0, 1)),
  CONSTRAINT "notification_channels_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "notification_channels_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "notification_channels_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users" ("id"),
  CONSTRAINT "notification_channels_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "organizations" ("id"),
  CONSTRAINT "notification_channels_user_id_channel_type_key" UNIQUE ("user_id", "channel_type"),
  CONSTRAINT "notification_channels_pkey" PRIMARY KEY ("id")
) STRICT;

--@ step
--@ statement
CREATE INDEX "idx_notification_channels_user" ON "notification_channels" ("user_id");

--@ step
--@ statement
CREATE INDEX "notification_channels_org_id_index" ON "notification_channels" ("org_id");

--@ step
--@ statement
CREATE TABLE "notification_log" (
  "id" TEXT NOT NULL,
  "user_id" TEXT NOT NULL,
  "channel_type" TEXT NOT NULL,
  "event_id" TEXT,
  "role_id" TEXT,
  "content" TEXT,
  "status" TEXT NOT NULL DEFAULT 'pending',
  "attempts" INTEGER NOT NULL DEFAULT 0,
  "error_message" TEXT,
  "attempt_errors" TEXT NOT NULL DEFAULT '[]',
  "dedupe_key" TEXT,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "notification_log_id_type" CHECK (length("id") = 36),
  CONSTRAINT "notification_log_user_id_type" CHECK (length("user_id") = 36),
  CONSTRAINT "notification_log_channel_type_type" CHECK ("channel_type" IN ('telegram', 'email', 'webhook', 'in_app')),
  CONSTRAINT "notification_log_event_id_type" CHECK (length("event_id") = 36),
  CONSTRAINT "notification_log_role_id_type" CHECK (length("role_id") = 36),
  CONSTRAINT "notification_log_status_type" CHECK ("status" IN ('pending', 'sent', 'failed', 'skipped')),
  CONSTRAINT "notification_log_attempt_errors_type" CHECK (json_valid("attempt_errors")),
  CONSTRAINT "notification_log_dedupe_key_type" CHECK (length("dedupe_key") <= 160),
  CONSTRAINT "notification_log_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "notification_log_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "notification_log_pkey" PRIMARY KEY ("id")
) STRICT;

--@ step
--@ statement
CREATE INDEX "idx_notification_log_user" ON "notification_log" ("user_id", "created_at" DESC, "id" DESC);

--@ step
--@ statement
CREATE INDEX "idx_notification_log_event" ON "notification_log" ("event_id");

--@ step
--@ statement
CREATE INDEX "notification_log_created_at_index" ON "notification_log" ("created_at");

--@ step
--@ statement
CREATE UNIQUE INDEX "notification_log_user_id_channel_type_dedupe_key_where_key" ON "notification_log" ("user_id", "channel_type", "dedupe_key") WHERE dedupe_key IS NOT NULL;

--@ step
--@ statement
CREATE TABLE "in_app_notifications" (
  "id" TEXT NOT NULL,
  "user_id" TEXT NOT NULL,
  "org_id" TEXT NOT NULL,
  "type" TEXT NOT NULL,
  "title" TEXT NOT NULL,
  "content" TEXT,
  "reference_type" TEXT,
  "reference_id" TEXT,
  "is_read" INTEGER NOT NULL DEFAULT 0,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "in_app_notifications_id_type" CHECK (length("id") = 36),
  CONSTRAINT "in_app_notifications_user_id_type" CHECK (length("user_id") = 36),
  CONSTRAINT "in_app_notifications_org_id_type" CHECK (length("org_id") = 36),
  CONSTRAINT "in_app_notifications_type_type" CHECK ("type" IN ('mention', 'review', 'calendar', 'system')),
  CONSTRAINT "in_app_notifications_title_type" CHECK (length("title") <= 255),
  CONSTRAINT "in_app_notifications_reference_type_type" CHECK (length("reference_type") <= 30),
  CONSTRAINT "in_app_notifications_reference_id_type" CHECK (length("reference_id") = 36),
  CONSTRAINT "in_app_notifications_is_read_type" CHECK ("is_read" IN (0, 1)),
  CONSTRAINT "in_app_notifications_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "in_app_notifications_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "in_app_notifications_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE,
  CONSTRAINT "in_app_notifications_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "organizations" ("id"),
  CONSTRAINT "in_app_notifications_pkey" PRIMARY KEY ("id")
) STRICT;

--@ step
--@ statement
CREATE INDEX "in_app_notifications_user_id_is_read_created_at_index" ON "in_app_notifications" ("user_id", "is_read", "created_at" DESC, "id" DESC);

--@ step
--@ statement
CREATE INDEX "in_app_notifications_org_id_index" ON "in_app_notifications" ("org_id");

--@ step
--@ statement
CREATE TABLE "ai_runs" (
  "id" TEXT NOT NULL,
  "org_id" TEXT NOT NULL,
  "role_id" TEXT NOT NULL,
  "chat_id" TEXT,
  "trigger" TEXT NOT NULL,
  "trigger_message_id" TEXT,
  "target_user_id" TEXT,
  "behalf_of_id" TEXT,
  "parent_run_id" TEXT,
  "state" TEXT NOT NULL DEFAULT 'queued',
  "provider" TEXT,
  "model" TEXT NOT NULL,
  "agent_type" TEXT NOT NULL,
  "prompt_tokens" INTEGER NOT NULL DEFAULT 0,
  "completion_tokens" INTEGER NOT NULL DEFAULT 0,
  "latency_ms" INTEGER,
  "finish_reason" TEXT,
  "error" TEXT,
  "prompt" TEXT,
  "started_at" TEXT,
  "finished_at" TEXT,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "ai_runs_id_type" CHECK (length("id") = 36),
  CONSTRAINT "ai_runs_org_id_type" CHECK (length("org_id") = 36),
  CONSTRAINT "ai_runs_role_id_type" CHECK (length("role_id") = 36),
  CONSTRAINT "ai_runs_chat_id_type" CHECK (length("chat_id") = 36),
  CONSTRAINT "ai_runs_trigger_type" CHECK ("trigger" IN ('mention', 'auto', 'calendar', 'role', 'test')),
  CONSTRAINT "ai_runs_trigger_message_id_type" CHECK (length("trigger_message_id") = 36),
  CONSTRAINT "ai_runs_target_user_id_type" CHECK (length("target_user_id") = 36),
  CONSTRAINT "ai_runs_behalf_of_id_type" CHECK (length("behalf_of_id") = 36),
  CONSTRAINT "ai_runs_parent_run_id_type" CHECK (length("parent_run_id") = 36),
  CONSTRAINT "ai_runs_state_type" CHECK ("state" IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  CONSTRAINT "ai_runs_provider_type" CHECK (length("provider") <= 32),
  CONSTRAINT "ai_runs_model_type" CHECK (length("model") <= 100),
  CONSTRAINT "ai_runs_agent_type_type" CHECK ("agent_type" IN ('simple', 'chain', 'multi_agent')),
  CONSTRAINT "ai_runs_finish_reason_type" CHECK (length("finish_reason") <= 32),
  CONSTRAINT "ai_runs_prompt_type" CHECK (json_valid("prompt")),
  CONSTRAINT "ai_runs_started_at_type" CHECK ("started_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "ai_runs_finished_at_type" CHECK ("finished_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "ai_runs_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "ai_runs_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "ai_runs_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "organizations" ("id"),
  CONSTRAINT "ai_runs_role_id_fkey" FOREIGN KEY ("role_id") REFERENCES "roles" ("id"),
  CONSTRAINT "ai_runs_chat_id_fkey" FOREIGN KEY ("chat_id") REFERENCES "chats" ("id"),
  CONSTRAINT "ai_runs_trigger_message_id_fkey" FOREIGN KEY ("trigger_message_id") REFERENCES "messages" ("id") ON DELETE SET NULL,
  CONSTRAINT "ai_runs_target_user_id_fkey" FOREIGN KEY ("target_user_id") REFERENCES "users" ("id"),
  CONSTRAINT "ai_runs_behalf_of_id_fkey" FOREIGN KEY ("behalf_of_id") REFERENCES "users" ("id"),
  CONSTRAINT "ai_runs_parent_run_id_fkey" FOREIGN KEY ("parent_run_id") REFERENCES "ai_runs" ("id") ON DELETE SET NULL,
  CONSTRAINT "ai_runs_pkey" PRIMARY KEY ("id")
) STRICT;

--@ step
--@ statement
CREATE INDEX "ai_runs_org" ON "ai_runs" ("org_id", "created_at" DESC, "id" DESC);

--@ step
--@ statement
CREATE INDEX "ai_runs_open" ON "ai_runs" ("state", "started_at") WHERE state IN ('queued', 'running');

--@ step
--@ statement
CREATE INDEX "ai_runs_role_id_index" ON "ai_runs" ("role_id");

--@ step
--@ statement
CREATE INDEX "ai_runs_chat_id_index" ON "ai_runs" ("chat_id");

--@ step
--@ statement
CREATE INDEX "ai_runs_trigger_message_id_index" ON "ai_runs" ("trigger_message_id");

--@ step
--@ statement
CREATE INDEX "ai_runs_target_user_id_index" ON "ai_runs" ("target_user_id");

--@ step
--@ statement
CREATE INDEX "ai_runs_behalf_of_id_index" ON "ai_runs" ("behalf_of_id");

--@ step
--@ statement
CREATE INDEX "ai_runs_parent_run_id_index" ON "ai_runs" ("parent_run_id");

--@ step
--@ statement
CREATE UNIQUE INDEX "ai_runs_trigger_message_id_target_user_id_where_key" ON "ai_runs" ("trigger_message_id", "target_user_id") WHERE trigger IN ('mention', 'auto');

--@ step
--@ statement
CREATE TABLE "ai_tool_calls" (
  "id" TEXT NOT NULL,
  "run_id" TEXT NOT NULL,
  "seq" INTEGER NOT NULL,
  "tool" TEXT NOT NULL,
  "args" TEXT NOT NULL,
  "result" TEXT,
  "state" TEXT NOT NULL,
  "latency_ms" INTEGER,
  "created_at" TEXT NOT NULL,
  CONSTRAINT "ai_tool_calls_id_type" CHECK (length("id") = 36),
  CONSTRAINT "ai_tool_calls_run_id_type" CHECK (length("run_id") = 36),
  CONSTRAINT "ai_tool_calls_tool_type" CHECK (length("tool") <= 50),
  CONSTRAINT "ai_tool_calls_args_type" CHECK (json_valid("args")),
  CONSTRAINT "ai_tool_calls_result_type" CHECK (json_valid("result")),
  CONSTRAINT "ai_tool_calls_state_type" CHECK ("state" IN ('ok', 'error', 'denied')),
  CONSTRAINT "ai_tool_calls_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "ai_tool_calls_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "ai_runs" ("id") ON DELETE CASCADE,
  CONSTRAINT "ai_tool_calls_run_id_seq_key" UNIQUE ("run_id", "seq"),
  CONSTRAINT "ai_tool_calls_pkey" PRIMARY KEY ("id")
) STRICT;

--@ step
--@ statement
CREATE TABLE "correction_rules" (
  "id" TEXT NOT NULL,
  "org_id" TEXT NOT NULL,
  "role_id" TEXT NOT NULL,
  "ai_message_id" TEXT NOT NULL,
  "user_question" TEXT NOT NULL,
  "ai_answer" TEXT NOT NULL,
  "correction_text" TEXT NOT NULL,
  "created_by_user_id" TEXT NOT NULL,
  "is_active" INTEGER NOT NULL DEFAULT 1,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "correction_rules_id_type" CHECK (length("id") = 36),
  CONSTRAINT "correction_rules_org_id_type" CHECK (length("org_id") = 36),
  CONSTRAINT "correction_rules_role_id_type" CHECK (length("role_id") = 36),
  CONSTRAINT "correction_rules_ai_message_id_type" CHECK (length("ai_message_id") = 36),
  CONSTRAINT "correction_rules_created_by_user_id_type" CHECK (length("created_by_user_id") = 36),
  CONSTRAINT "correction_rules_is_active_type" CHECK ("is_active" IN (0, 1)),
  CONSTRAINT "correction_rules_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "correction_rules_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "correction_rules_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "organizations" ("id"),
  CONSTRAINT "correction_rules_role_id_fkey" FOREIGN KEY ("role_id") REFERENCES "roles" ("id"),
  CONSTRAINT "correction_rules_ai_message_id_fkey" FOREIGN KEY ("ai_message_id") REFERENCES "messages" ("id"),
  CONSTRAINT "correction_rules_created_by_user_id_fkey" FOREIGN KEY ("created_by_user_id") REFERENCES "users" ("id"),
  CONSTRAINT "correction_rules_pkey" PRIMARY KEY ("id")
) STRICT;

--@ step
--@ statement
CREATE INDEX "correction_rules_role_id_created_at_where_index" ON "correction_rules" ("role_id", "created_at" DESC, "id" DESC) WHERE is_active;

--@ step
--@ statement
CREATE INDEX "correction_rules_org_id_index" ON "correction_rules" ("org_id");

--@ step
--@ statement
CREATE INDEX "correction_rules_role_id_index" ON "correction_rules" ("role_id");

--@ step
--@ statement
CREATE INDEX "correction_rules_ai_message_id_index" ON "correction_rules" ("ai_message_id");

--@ step
--@ statement
CREATE INDEX "correction_rules_created_by_user_id_index" ON "correction_rules" ("created_by_user_id");

--@ step
--@ statement
CREATE TABLE "chat_events" (
  "chat_id" TEXT NOT NULL,
  "seq" INTEGER NOT NULL,
  "kind" TEXT NOT NULL,
  "message_id" TEXT NOT NULL,
  "created_at" TEXT NOT NULL,
  CONSTRAINT "chat_events_chat_id_type" CHECK (length("chat_id") = 36),
  CONSTRAINT "chat_events_kind_type" CHECK ("kind" IN ('created', 'edited', 'deleted', 'reviewed')),
  CONSTRAINT "chat_events_message_id_type" CHECK (length("message_id") = 36),
  CONSTRAINT "chat_events_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "chat_events_chat_id_fkey" FOREIGN KEY ("chat_id") REFERENCES "chats" ("id") ON DELETE CASCADE,
  CONSTRAINT "chat_events_pkey" PRIMARY KEY ("chat_id", "seq")
) STRICT;

--@ step
--@ statement
CREATE INDEX "chat_events_created_at_index" ON "chat_events" ("created_at");

--@ step
--@ statement
CREATE TABLE "refresh_tokens" (
  "token_hash" TEXT NOT NULL,
  "user_id" TEXT NOT NULL,
  "family" TEXT NOT NULL,
  "expires_at" TEXT NOT NULL,
  "used_at" TEXT,
  "revoked_at" TEXT,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "refresh_tokens_token_hash_type" CHECK (length("token_hash") <= 64),
  CONSTRAINT "refresh_tokens_user_id_type" CHECK (length("user_id") = 36),
  CONSTRAINT "refresh_tokens_family_type" CHECK (length("family") = 36),
  CONSTRAINT "refresh_tokens_expires_at_type" CHECK ("expires_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "refresh_tokens_used_at_type" CHECK ("used_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "refresh_tokens_revoked_at_type" CHECK ("revoked_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "refresh_tokens_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "refresh_tokens_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "refresh_tokens_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE,
  CONSTRAINT "refresh_tokens_pkey" PRIMARY KEY ("token_hash")
) STRICT;

--@ step
--@ statement
CREATE INDEX "refresh_tokens_family_index" ON "refresh_tokens" ("family");

--@ step
--@ statement
CREATE INDEX "refresh_tokens_expires_at_index" ON "refresh_tokens" ("expires_at");

--@ step
--@ statement
CREATE INDEX "refresh_tokens_user_id_index" ON "refresh_tokens" ("user_id");

--@ step
--@ statement
CREATE TABLE "audit" (
  "id" INTEGER CONSTRAINT "audit_pkey" PRIMARY KEY AUTOINCREMENT,
  "actor_kind" TEXT NOT NULL,
  "actor_id" TEXT,
  "action" TEXT NOT NULL,
  "entity" TEXT NOT NULL,
  "entity_id" TEXT NOT NULL,
  "before" TEXT,
  "after" TEXT,
  "request_id" TEXT,
  "created_at" TEXT NOT NULL,
  CONSTRAINT "audit_actor_kind_type" CHECK ("actor_kind" IN ('user', 'console', 'api_key', 'bot', 'job', 'system')),
  CONSTRAINT "audit_actor_id_type" CHECK (length("actor_id") <= 64),
  CONSTRAINT "audit_action_type" CHECK (length("action") <= 64),
  CONSTRAINT "audit_entity_type" CHECK (length("entity") <= 64),
  CONSTRAINT "audit_entity_id_type" CHECK (length("entity_id") <= 64),
  CONSTRAINT "audit_before_type" CHECK (json_valid("before")),
  CONSTRAINT "audit_after_type" CHECK (json_valid("after")),
  CONSTRAINT "audit_request_id_type" CHECK (length("request_id") <= 64),
  CONSTRAINT "audit_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z')
) STRICT;

--@ step
--@ statement
CREATE INDEX "audit_entity_entity_id_created_at_index" ON "audit" ("entity", "entity_id", "created_at" DESC, "id" DESC);

--@ step
--@ statement
CREATE INDEX "audit_created_at_index" ON "audit" ("created_at");

--@ step
--@ statement
CREATE TRIGGER "audit_append_only_update" BEFORE UPDATE ON "audit" BEGIN
  SELECT RAISE(ABORT, 'CHECK constraint failed: audit_append_only');
END;

--@ step
--@ statement
CREATE TRIGGER "audit_append_only_delete" BEFORE DELETE ON "audit" BEGIN
  SELECT RAISE(ABORT, 'CHECK constraint failed: audit_append_only');
END;

--@ step
--@ statement
CREATE TABLE "once" (
  "key" TEXT NOT NULL,
  "expires_at" TEXT,
  "created_at" TEXT NOT NULL,
  CONSTRAINT "once_key_type" CHECK (length("key") <= 200),
  CONSTRAINT "once_expires_at_type" CHECK ("expires_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "once_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "once_pkey" PRIMARY KEY ("key")
) STRICT;

--@ step
--@ statement
CREATE INDEX "once_expires_at_index" ON "once" ("expires_at");

--@ step
--@ statement
CREATE TABLE "idempotency" (
  "actor" TEXT NOT NULL,
  "route" TEXT NOT NULL,
  "key" TEXT NOT NULL,
  "body_hash" TEXT NOT NULL,
  "status" INTEGER NOT NULL,
  "body" TEXT,
  "expires_at" TEXT NOT NULL,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "idempotency_actor_type" CHECK (length("actor") <= 80),
  CONSTRAINT "idempotency_route_type" CHECK (length("route") <= 160),
  CONSTRAINT "idempotency_key_type" CHECK (length("key") <= 128),
  CONSTRAINT "idempotency_body_hash_type" CHECK (length("body_hash") <= 64),
  CONSTRAINT "idempotency_body_type" CHECK (json_valid("body")),
  CONSTRAINT "idempotency_expires_at_type" CHECK ("expires_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "idempotency_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "idempotency_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "idempotency_pkey" PRIMARY KEY ("actor", "route", "key")
) STRICT;

--@ step
--@ statement
CREATE INDEX "idempotency_expires_at_index" ON "idempotency" ("expires_at");

--@ step
--@ statement
CREATE TABLE "settings" (
  "key" TEXT NOT NULL,
  "value" TEXT NOT NULL,
  "updated_by" TEXT,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "settings_key_type" CHECK (length("key") <= 80),
  CONSTRAINT "settings_value_type" CHECK (json_valid("value")),
  CONSTRAINT "settings_updated_by_type" CHECK (length("updated_by") <= 64),
  CONSTRAINT "settings_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "settings_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "settings_pkey" PRIMARY KEY ("key")
) STRICT;

--@ step
--@ statement
CREATE TABLE "files" (
  "id" TEXT NOT NULL,
  "storage_key" TEXT NOT NULL,
  "file_name" TEXT NOT NULL,
  "mime" TEXT NOT NULL,
  "size" INTEGER NOT NULL,
  "sha256" TEXT NOT NULL,
  "owner_entity" TEXT NOT NULL,
  "owner_id" TEXT NOT NULL,
  "uploaded_by" TEXT NOT NULL,
  "created_at" TEXT NOT NULL,
  CONSTRAINT "files_id_type" CHECK (length("id") = 36),
  CONSTRAINT "files_storage_key_type" CHECK (length("storage_key") <= 80),
  CONSTRAINT "files_file_name_type" CHECK (length("file_name") <= 255),
  CONSTRAINT "files_mime_type" CHECK (length("mime") <= 100),
  CONSTRAINT "files_sha256_type" CHECK (length("sha256") <= 64),
  CONSTRAINT "files_owner_entity_type" CHECK (length("owner_entity") <= 64),
  CONSTRAINT "files_owner_id_type" CHECK (length("owner_id") <= 64),
  CONSTRAINT "files_uploaded_by_type" CHECK (length("uploaded_by") <= 64),
  CONSTRAINT "files_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "files_size_check" CHECK (size >= 0),
  CONSTRAINT "files_storage_key_key" UNIQUE ("storage_key"),
  CONSTRAINT "files_pkey" PRIMARY KEY ("id")
) STRICT;

--@ step
--@ statement
CREATE INDEX "files_owner_entity_owner_id_index" ON "files" ("owner_entity", "owner_id");

--@ step
--@ statement
CREATE TABLE "link_tokens" (
  "token_hash" TEXT NOT NULL,
  "subject_id" TEXT NOT NULL,
  "purpose" TEXT NOT NULL,
  "expires_at" TEXT NOT NULL,
  "used_at" TEXT,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "link_tokens_token_hash_type" CHECK (length("token_hash") <= 64),
  CONSTRAINT "link_tokens_subject_id_type" CHECK (length("subject_id") <= 64),
  CONSTRAINT "link_tokens_purpose_type" CHECK (length("purpose") <= 32),
  CONSTRAINT "link_tokens_expires_at_type" CHECK ("expires_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "link_tokens_used_at_type" CHECK ("used_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "link_tokens_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "link_tokens_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "link_tokens_pkey" PRIMARY KEY ("token_hash")
) STRICT;

--@ step
--@ statement
CREATE INDEX "link_tokens_expires_at_index" ON "link_tokens" ("expires_at");

--@ step
--@ statement
CREATE TABLE "cache_ctl" (
  "id" INTEGER NOT NULL,
  "epoch" INTEGER NOT NULL,
  "mode" TEXT NOT NULL,
  "redis_run_id" TEXT,
  "window_ms" INTEGER NOT NULL,
  "since" TEXT NOT NULL,
  CONSTRAINT "cache_ctl_mode_type" CHECK ("mode" IN ('on', 'off', 'warming')),
  CONSTRAINT "cache_ctl_redis_run_id_type" CHECK (length("redis_run_id") <= 64),
  CONSTRAINT "cache_ctl_since_type" CHECK ("since" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "cache_ctl_pkey" PRIMARY KEY ("id")
) STRICT;

--@ step
--@ statement
CREATE TABLE "cache_outbox" (
  "id" INTEGER CONSTRAINT "cache_outbox_pkey" PRIMARY KEY AUTOINCREMENT,
  "keys" TEXT NOT NULL,
  "at" TEXT NOT NULL,
  CONSTRAINT "cache_outbox_keys_type" CHECK (json_valid("keys")),
  CONSTRAINT "cache_outbox_at_type" CHECK ("at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z')
) STRICT;

--@ step
--@ statement
CREATE INDEX "cache_outbox_at_index" ON "cache_outbox" ("at");

--@ step
--@ statement
CREATE TABLE "job" (
  "id" TEXT NOT NULL,
  "queue" TEXT NOT NULL,
  "kind" TEXT NOT NULL,
  "lane" INTEGER NOT NULL,
  "state" TEXT NOT NULL DEFAULT 'wait',
  "run_at" TEXT NOT NULL,
  "attempt" INTEGER NOT NULL DEFAULT 0,
  "max_attempts" INTEGER NOT NULL DEFAULT 20,
  "worker" TEXT,
  "dedupe" TEXT,
  "fire_at" TEXT,
  "payload" TEXT NOT NULL,
  "message_id" TEXT,
  "last_error" TEXT,
  "created_at" TEXT NOT NULL,
  CONSTRAINT "job_id_type" CHECK (length("id") = 36),
  CONSTRAINT "job_queue_type" CHECK (length("queue") <= 64),
  CONSTRAINT "job_kind_type" CHECK (length("kind") <= 64),
  CONSTRAINT "job_state_type" CHECK ("state" IN ('wait', 'held', 'at_broker')),
  CONSTRAINT "job_run_at_type" CHECK ("run_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "job_worker_type" CHECK (length("worker") = 36),
  CONSTRAINT "job_dedupe_type" CHECK (length("dedupe") <= 300),
  CONSTRAINT "job_fire_at_type" CHECK ("fire_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "job_payload_type" CHECK (json_valid("payload")),
  CONSTRAINT "job_message_id_type" CHECK (length("message_id") <= 255),
  CONSTRAINT "job_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "job_lane_check" CHECK (lane BETWEEN 0 AND 4),
  CONSTRAINT "job_pkey" PRIMARY KEY ("id")
) STRICT;

--@ step
--@ statement
CREATE INDEX "job_ready_index" ON "job" ("queue", "lane", "run_at", "id") WHERE state = 'wait';

--@ step
--@ statement
CREATE INDEX "job_held_index" ON "job" ("worker") WHERE state <> 'wait';

--@ step
--@ statement
CREATE UNIQUE INDEX "job_dedupe_index" ON "job" ("dedupe") WHERE dedupe IS NOT NULL AND state = 'wait';

--@ step
--@ statement
CREATE TABLE "job_dead" (
  "id" TEXT NOT NULL,
  "queue" TEXT NOT NULL,
  "kind" TEXT NOT NULL,
  "lane" INTEGER NOT NULL,
  "reason" TEXT NOT NULL,
  "attempt" INTEGER NOT NULL,
  "max_attempts" INTEGER NOT NULL,
  "fire_at" TEXT,
  "payload" TEXT NOT NULL,
  "message_id" TEXT,
  "last_error" TEXT,
  "created_at" TEXT NOT NULL,
  "died_at" TEXT NOT NULL,
  CONSTRAINT "job_dead_id_type" CHECK (length("id") = 36),
  CONSTRAINT "job_dead_queue_type" CHECK (length("queue") <= 64),
  CONSTRAINT "job_dead_kind_type" CHECK (length("kind") <= 64),
  CONSTRAINT "job_dead_reason_type" CHECK ("reason" IN ('attempts', 'permanent', 'cancelled')),
  CONSTRAINT "job_dead_fire_at_type" CHECK ("fire_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "job_dead_payload_type" CHECK (json_valid("payload")),
  CONSTRAINT "job_dead_message_id_type" CHECK (length("message_id") <= 255),
  CONSTRAINT "job_dead_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "job_dead_died_at_type" CHECK ("died_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "job_dead_pkey" PRIMARY KEY ("id")
) STRICT;

--@ step
--@ statement
CREATE INDEX "job_dead_died_at_id_index" ON "job_dead" ("died_at", "id");

--@ step
--@ statement
CREATE INDEX "job_dead_queue_died_at_id_index" ON "job_dead" ("queue", "died_at", "id");

--@ step
--@ statement
CREATE TABLE "job_error" (
  "id" TEXT NOT NULL,
  "job_id" TEXT NOT NULL,
  "attempt" INTEGER NOT NULL,
  "error" TEXT NOT NULL,
  "at" TEXT NOT NULL,
  CONSTRAINT "job_error_id_type" CHECK (length("id") = 36),
  CONSTRAINT "job_error_job_id_type" CHECK (length("job_id") = 36),
  CONSTRAINT "job_error_at_type" CHECK ("at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "job_error_pkey" PRIMARY KEY ("id")
) STRICT;

--@ step
--@ statement
CREATE INDEX "job_error_job_id_id_index" ON "job_error" ("job_id", "id");

--@ step
--@ statement
CREATE INDEX "job_error_at_index" ON "job_error" ("at");

--@ step
--@ statement
CREATE TABLE "paused_queue" (
  "queue" TEXT NOT NULL,
  "at" TEXT NOT NULL,
  CONSTRAINT "paused_queue_queue_type" CHECK (length("queue") <= 64),
  CONSTRAINT "paused_queue_at_type" CHECK ("at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "paused_queue_pkey" PRIMARY KEY ("queue")
) STRICT;

--@ step
--@ statement
CREATE TABLE "worker" (
  "id" TEXT NOT NULL,
  "host" TEXT NOT NULL,
  "pid" INTEGER NOT NULL,
  "seen" TEXT NOT NULL,
  CONSTRAINT "worker_id_type" CHECK (length("id") = 36),
  CONSTRAINT "worker_host_type" CHECK (length("host") <= 255),
  CONSTRAINT "worker_seen_type" CHECK ("seen" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "worker_pkey" PRIMARY KEY ("id")
) STRICT;

--@ step
--@ statement
CREATE TABLE "inbox" (
  "consumer" TEXT NOT NULL,
  "message_id" TEXT NOT NULL,
  "at" TEXT NOT NULL,
  CONSTRAINT "inbox_consumer_type" CHECK (length("consumer") <= 64),
  CONSTRAINT "inbox_message_id_type" CHECK (length("message_id") <= 255),
  CONSTRAINT "inbox_at_type" CHECK ("at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "inbox_pkey" PRIMARY KEY ("consumer", "message_id")
) STRICT;

--@ step
--@ statement
CREATE INDEX "inbox_at_index" ON "inbox" ("at");

--@ step
--@ statement
CREATE TABLE "schedule" (
  "key" TEXT NOT NULL,
  "source" TEXT NOT NULL,
  "spec" TEXT NOT NULL,
  "tz" TEXT,
  "queue" TEXT NOT NULL,
  "kind" TEXT NOT NULL,
  "payload" TEXT NOT NULL,
  "next_at" TEXT,
  "last_at" TEXT,
  "misfire" TEXT NOT NULL,
  "misfire_max" INTEGER,
  "grace_ms" INTEGER NOT NULL,
  "enabled" INTEGER NOT NULL DEFAULT 1,
  "rev" INTEGER NOT NULL,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "schedule_key_type" CHECK (length("key") <= 200),
  CONSTRAINT "schedule_source_type" CHECK ("source" IN ('code', 'stored')),
  CONSTRAINT "schedule_spec_type" CHECK (length("spec") <= 200),
  CONSTRAINT "schedule_tz_type" CHECK (length("tz") <= 64),
  CONSTRAINT "schedule_queue_type" CHECK (length("queue") <= 64),
  CONSTRAINT "schedule_kind_type" CHECK (length("kind") <= 64),
  CONSTRAINT "schedule_payload_type" CHECK (json_valid("payload")),
  CONSTRAINT "schedule_next_at_type" CHECK ("next_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "schedule_last_at_type" CHECK ("last_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "schedule_misfire_type" CHECK ("misfire" IN ('skip', 'once', 'all')),
  CONSTRAINT "schedule_enabled_type" CHECK ("enabled" IN (0, 1)),
  CONSTRAINT "schedule_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "schedule_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "schedule_grace_ms_check" CHECK (grace_ms >= 0),
  CONSTRAINT "schedule_pkey" PRIMARY KEY ("key")
) STRICT;

--@ step
--@ statement
CREATE INDEX "schedule_enabled_next_at_key_index" ON "schedule" ("enabled", "next_at", "key");

--@ step
--@ statement
CREATE INDEX "schedule_source_index" ON "schedule" ("source");

--@ step
--@ statement
CREATE TABLE "schedule_fire" (
  "key" TEXT NOT NULL,
  "fire_at" TEXT NOT NULL,
  "job_id" TEXT NOT NULL,
  "cause" TEXT NOT NULL,
  "at" TEXT NOT NULL,
  CONSTRAINT "schedule_fire_key_type" CHECK (length("key") <= 200),
  CONSTRAINT "schedule_fire_fire_at_type" CHECK ("fire_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "schedule_fire_job_id_type" CHECK (length("job_id") = 36),
  CONSTRAINT "schedule_fire_cause_type" CHECK ("cause" IN ('due', 'hand', 'replay')),
  CONSTRAINT "schedule_fire_at_type" CHECK ("at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "schedule_fire_pkey" PRIMARY KEY ("key", "fire_at")
) STRICT;

--@ step
--@ statement
CREATE INDEX "schedule_fire_at_index" ON "schedule_fire" ("at");

--@ step
--@ statement
CREATE TABLE "conversation_states" (
  "key" TEXT NOT NULL,
  "state" TEXT,
  "state_expires_at" TEXT,
  "data" TEXT,
  "data_expires_at" TEXT,
  "version" INTEGER NOT NULL,
  "expires_at" TEXT NOT NULL,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "conversation_states_key_type" CHECK (length("key") <= 200),
  CONSTRAINT "conversation_states_state_type" CHECK (length("state") <= 100),
  CONSTRAINT "conversation_states_state_expires_at_type" CHECK ("state_expires_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "conversation_states_data_type" CHECK (json_valid("data")),
  CONSTRAINT "conversation_states_data_expires_at_type" CHECK ("data_expires_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "conversation_states_expires_at_type" CHECK ("expires_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "conversation_states_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "conversation_states_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "conversation_states_version_check" CHECK (version > 0),
  CONSTRAINT "conversation_states_pkey" PRIMARY KEY ("key")
) STRICT;

--@ step
--@ statement
CREATE INDEX "conversation_states_expires_at_index" ON "conversation_states" ("expires_at");

--@ step
--@ statement
CREATE TABLE "ordered_set_members" (
  "name" TEXT NOT NULL,
  "member" TEXT NOT NULL,
  "score" REAL NOT NULL,
  "expires_at" TEXT,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "ordered_set_members_name_type" CHECK (length("name") <= 200),
  CONSTRAINT "ordered_set_members_member_type" CHECK (length("member") <= 200),
  CONSTRAINT "ordered_set_members_expires_at_type" CHECK ("expires_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "ordered_set_members_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "ordered_set_members_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "ordered_set_members_pkey" PRIMARY KEY ("name", "member")
) STRICT;

--@ step
--@ statement
CREATE INDEX "ordered_set_members_order" ON "ordered_set_members" ("name", "score" DESC, "member" DESC, "expires_at");

--@ step
--@ statement
CREATE INDEX "ordered_set_members_expires_at_where_index" ON "ordered_set_members" ("expires_at") WHERE expires_at IS NOT NULL;

--@ down

--@ step
--@ statement
DROP TABLE "ordered_set_members";

--@ step
--@ statement
DROP TABLE "conversation_states";

--@ step
--@ statement
DROP TABLE "schedule_fire";

--@ step
--@ statement
DROP TABLE "schedule";

--@ step
--@ statement
DROP TABLE "inbox";

--@ step
--@ statement
DROP TABLE "worker";

--@ step
--@ statement
DROP TABLE "paused_queue";

--@ step
--@ statement
DROP TABLE "job_error";

--@ step
--@ statement
DROP TABLE "job_dead";

--@ step
--@ statement
DROP TABLE "job";

--@ step
--@ statement
DROP TABLE "cache_outbox";

--@ step
--@ statement
DROP TABLE "cache_ctl";

--@ step
--@ statement
DROP TABLE "link_tokens";

--@ step
--@ statement
DROP TABLE "files";

--@ step
--@ statement
DROP TABLE "settings";

--@ step
--@ statement
DROP TABLE "idempotency";

--@ step
--@ statement
DROP TABLE "once";

--@ step
--@ statement
DROP TABLE "audit";

--@ step
--@ statement
DROP TABLE "refresh_tokens";

--@ step
--@ statement
DROP TABLE "chat_events";

--@ step
--@ statement
DROP TABLE "correction_rules";

--@ step
--@ statement
DROP TABLE "ai_tool_calls";

--@ step
--@ statement
DROP TABLE "ai_runs";

--@ step
--@ statement
DROP TABLE "in_app_notifications";

--@ step
--@ statement
DROP TABLE "notification_log";

--@ step
--@ statement
DROP TABLE "notification_channels";

--@ step
--@ statement
DROP TABLE "calendar_events";

--@ step
--@ statement
DROP TABLE "messages";

--@ step
--@ statement
DROP TRIGGER "chats_participants_items_insert";

--@ step
--@ statement
DROP TRIGGER "chats_participants_items_update";

--@ step
--@ statement
DROP TRIGGER "chats_participants_items_delete";

--@ step
--@ statement
DROP TABLE "chats_participants_items";

--@ step
--@ statement
DROP TABLE "chats";

--@ step
--@ statement
DROP TABLE "users";

--@ step
--@ statement
DROP TABLE "roles";

--@ step
--@ statement
DROP TABLE "organizations";
