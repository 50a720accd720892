-- 20261121T123110_jobs on SQLite, frozen when it was made; made by "rootstock migrate new", not to be edited.
--@ operations ac3853b92e7a16889d3cfc00ef8f81f4140fe561151c03c8cd7f6b27c760eb27

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

--@ down

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
