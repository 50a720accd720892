-- 20261121T152209_secrets on PostgreSQL, frozen when it was made; made by "rootstock migrate new", not to be edited.
--@ operations 06f260f72c69f17d9f9f6d2b813aca9aaeb56b446bada03e31a7236e70f61671

--@ up

--@ step {"undo":true}
--@ statement
CREATE TABLE "secrets" (
  "name" varchar(32) COLLATE "C" NOT NULL,
  "value" varchar(64) COLLATE "C" NOT NULL,
  "created_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "secrets_pkey" PRIMARY KEY ("name")
);
--@ undo
DROP TABLE "secrets";

--@ down

--@ step
--@ statement
DROP TABLE "secrets";
