-- 20261121T121741_cache on SQLite, frozen when it was made; made by "rootstock migrate new", not to be edited.
--@ operations e60a799eb06266e4e1eeac1f1547465a9b552f53c4798281f05ec178aedf489f

--@ up

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

--@ down

--@ step
--@ statement
DROP TABLE "cache_outbox";

--@ step
--@ statement
DROP TABLE "cache_ctl";
