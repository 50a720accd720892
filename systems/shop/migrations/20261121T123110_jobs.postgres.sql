-- 20261121T123110_jobs on PostgreSQL, frozen when it was made; made by "rootstock migrate new", not to be edited.
--@ operations ac3853b92e7a16889d3cfc00ef8f81f4140fe561151c03c8cd7f6b27c760eb27

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
