-- 20261121T102519_first_tables on PostgreSQL, frozen when it was made; made by "rootstock migrate new", not to be edited.
--@ operations f35b71bfc22f0e7180b2266abdfc7277be8b9c65ef71b7626e8377fe01a072f5

--@ up

--@ step {"undo":true}
--@ statement
CREATE TABLE "api_keys" (
  "id" uuid NOT NULL,
  "name" varchar(120) COLLATE "C" NOT NULL,
  "prefix" varchar(12) COLLATE "C" NOT NULL,
  "key_hash" varchar(64) COLLATE "C" NOT NULL,
  "scopes" text[] COLLATE "C" NOT NULL,
  "expires_at" timestamp(3) with time zone,
  "revoked_at" timestamp(3) with time zone,
  "last_used_at" timestamp(3) with time zone,
  "created_at" timestamp(3) with time zone NOT NULL,
  "updated_at" timestamp(3) with time zone NOT NULL,
  CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "api_keys_key_hash_key" UNIQUE ("key_hash")
);
--@ undo
DROP TABLE "api_keys";

--@ down

--@ step
--@ statement
DROP TABLE "api_keys";
