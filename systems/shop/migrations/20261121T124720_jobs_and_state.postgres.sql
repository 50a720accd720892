-- 20261121T124720_jobs_and_state on PostgreSQL, frozen when it was made; made by "rootstock migrate new", not to be edited.
--@ operations 2b0652da3b0a33d3f5d1f3c88983d235622e5f2be79931534a78d9337675fa77

--@ up

--@ step {"undo":true}
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
