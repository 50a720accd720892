-- 20261121T124720_jobs_and_state on SQLite, frozen when it was made; made by "rootstock migrate new", not to be edited.
--@ operations 2b0652da3b0a33d3f5d1f3c88983d235622e5f2be79931534a78d9337675fa77

--@ up

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
  "last_error" TEXT,
  "created_at" TEXT NOT NULL,
  "died_at" TEXT NOT NULL,
  CONSTRAINT "job_dead_id_type" CHECK (length("id") = 36),
  CONSTRAINT "job_dead_queue_type" CHECK (length("queue") <= 64),
  CONSTRAINT "job_dead_kind_type" CHECK (length("kind") <= 64),
  CONSTRAINT "job_dead_reason_type" CHECK ("reason" IN ('attempts', 'permanent', 'cancelled')),
  CONSTRAINT "job_dead_fire_at_type" CHECK ("fire_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "job_dead_payload_type" CHECK (json_valid("payload")),
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
