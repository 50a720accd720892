-- 20261121T102519_first_tables on SQLite, frozen when it was made; made by "rootstock migrate new", not to be edited.
--@ operations f35b71bfc22f0e7180b2266abdfc7277be8b9c65ef71b7626e8377fe01a072f5

--@ up

--@ step
--@ statement
CREATE TABLE "api_keys" (
  "id" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "prefix" TEXT NOT NULL,
  "key_hash" TEXT NOT NULL,
  "scopes" TEXT NOT NULL,
  "expires_at" TEXT,
  "revoked_at" TEXT,
  "last_used_at" TEXT,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "api_keys_id_type" CHECK (length("id") = 36),
  CONSTRAINT "api_keys_name_type" CHECK (length("name") <= 120),
  CONSTRAINT "api_keys_prefix_type" CHECK (length("prefix") <= 12),
  CONSTRAINT "api_keys_key_hash_type" CHECK (length("key_hash") <= 64),
  CONSTRAINT "api_keys_scopes_type" CHECK (json_valid("scopes") AND json_type("scopes") = 'array'),
  CONSTRAINT "api_keys_expires_at_type" CHECK ("expires_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "api_keys_revoked_at_type" CHECK ("revoked_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "api_keys_last_used_at_type" CHECK ("last_used_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "api_keys_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "api_keys_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "api_keys_key_hash_key" UNIQUE ("key_hash"),
  CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id")
) STRICT;

--@ down

--@ step
--@ statement
DROP TABLE "api_keys";
