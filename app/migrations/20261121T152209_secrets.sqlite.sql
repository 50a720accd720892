-- 20261121T152209_secrets on SQLite, frozen when it was made; made by "rootstock migrate new", not to be edited.
--@ operations 06f260f72c69f17d9f9f6d2b813aca9aaeb56b446bada03e31a7236e70f61671

--@ up

--@ step
--@ statement
CREATE TABLE "secrets" (
  "name" TEXT NOT NULL,
  "value" TEXT NOT NULL,
  "created_at" TEXT NOT NULL,
  CONSTRAINT "secrets_name_type" CHECK (length("name") <= 32),
  CONSTRAINT "secrets_value_type" CHECK (length("value") <= 64),
  CONSTRAINT "secrets_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "secrets_pkey" PRIMARY KEY ("name")
) STRICT;

--@ down

--@ step
--@ statement
DROP TABLE "secrets";
