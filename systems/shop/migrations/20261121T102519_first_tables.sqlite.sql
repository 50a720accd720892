-- 20261121T102519_first_tables on SQLite, frozen when it was made; made by "rootstock migrate new", not to be edited.
--@ operations 26ca07b8a10754a0d6b341f95fec27c9b88d3a860f322a1b44f406fbf82d9eff

--@ up

--@ step
--@ statement
CREATE TABLE "users" (
  "id" INTEGER CONSTRAINT "users_pkey" PRIMARY KEY AUTOINCREMENT,
  "username" TEXT NOT NULL,
  "email" TEXT NOT NULL,
  "description" TEXT,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT,
  CONSTRAINT "users_username_type" CHECK (length("username") <= 150),
  CONSTRAINT "users_email_type" CHECK (length("email") <= 255),
  CONSTRAINT "users_description_type" CHECK (length("description") <= 500),
  CONSTRAINT "users_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "users_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "users_email_key" UNIQUE ("email"),
  CONSTRAINT "users_username_key" UNIQUE ("username")
) STRICT;

--@ step
--@ statement
CREATE TABLE "addresses" (
  "id" INTEGER CONSTRAINT "addresses_pkey" PRIMARY KEY AUTOINCREMENT,
  "user_id" INTEGER NOT NULL,
  "country" TEXT NOT NULL,
  "city" TEXT NOT NULL,
  "street" TEXT NOT NULL,
  "postal_code" TEXT,
  "is_primary" INTEGER NOT NULL DEFAULT 0,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "addresses_country_type" CHECK (length("country") <= 100),
  CONSTRAINT "addresses_city_type" CHECK (length("city") <= 100),
  CONSTRAINT "addresses_street_type" CHECK (length("street") <= 255),
  CONSTRAINT "addresses_postal_code_type" CHECK (length("postal_code") <= 20),
  CONSTRAINT "addresses_is_primary_type" CHECK ("is_primary" IN (0, 1)),
  CONSTRAINT "addresses_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "addresses_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "addresses_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE
) STRICT;

--@ step
--@ statement
CREATE INDEX "addresses_user_id_index" ON "addresses" ("user_id");

--@ step
--@ statement
CREATE UNIQUE INDEX "addresses_user_id_where_key" ON "addresses" ("user_id") WHERE is_primary;

--@ step
--@ statement
CREATE TABLE "products" (
  "id" INTEGER CONSTRAINT "products_pkey" PRIMARY KEY AUTOINCREMENT,
  "name" TEXT NOT NULL,
  "description" TEXT,
  "price_cents" INTEGER NOT NULL,
  "currency" TEXT NOT NULL DEFAULT 'RUB',
  "stock_quantity" INTEGER NOT NULL DEFAULT 0,
  "is_active" INTEGER NOT NULL DEFAULT 1,
  "low_stock_threshold" INTEGER NOT NULL DEFAULT 0,
  "version" INTEGER NOT NULL DEFAULT 0,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "products_name_type" CHECK (length("name") <= 255),
  CONSTRAINT "products_description_type" CHECK (length("description") <= 1000),
  CONSTRAINT "products_currency_type" CHECK (length("currency") <= 3),
  CONSTRAINT "products_is_active_type" CHECK ("is_active" IN (0, 1)),
  CONSTRAINT "products_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "products_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "products_price_cents_check" CHECK (price_cents >= 0),
  CONSTRAINT "products_stock_quantity_check" CHECK (stock_quantity >= 0),
  CONSTRAINT "products_name_key" UNIQUE ("name")
) STRICT;

--@ step
--@ statement
CREATE INDEX "products_created_at_index" ON "products" ("created_at");

--@ step
--@ statement
CREATE TABLE "orders" (
  "id" INTEGER CONSTRAINT "orders_pkey" PRIMARY KEY AUTOINCREMENT,
  "user_id" INTEGER NOT NULL,
  "delivery_address_id" INTEGER NOT NULL,
  "address_snapshot" TEXT NOT NULL,
  "status" TEXT NOT NULL DEFAULT 'pending',
  "total_cents" INTEGER NOT NULL,
  "currency" TEXT NOT NULL,
  "cancel_reason" TEXT,
  "source" TEXT NOT NULL DEFAULT 'rest',
  "version" INTEGER NOT NULL DEFAULT 0,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "orders_address_snapshot_type" CHECK (json_valid("address_snapshot")),
  CONSTRAINT "orders_status_type" CHECK ("status" IN ('pending', 'confirmed', 'processing', 'shipped', 'delivered', 'cancelled', 'returned')),
  CONSTRAINT "orders_currency_type" CHECK (length("currency") <= 3),
  CONSTRAINT "orders_cancel_reason_type" CHECK (length("cancel_reason") <= 500),
  CONSTRAINT "orders_source_type" CHECK ("source" IN ('rest', 'queue', 'console')),
  CONSTRAINT "orders_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "orders_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "orders_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users" ("id"),
  CONSTRAINT "orders_delivery_address_id_fkey" FOREIGN KEY ("delivery_address_id") REFERENCES "addresses" ("id")
) STRICT;

--@ step
--@ statement
CREATE INDEX "orders_user_id_created_at_index" ON "orders" ("user_id", "created_at" DESC, "id" DESC);

--@ step
--@ statement
CREATE INDEX "orders_status_created_at_index" ON "orders" ("status", "created_at" DESC, "id" DESC);

--@ step
--@ statement
CREATE INDEX "orders_created_at_index" ON "orders" ("created_at");

--@ step
--@ statement
CREATE INDEX "orders_delivery_address_id_index" ON "orders" ("delivery_address_id");

--@ step
--@ statement
CREATE TABLE "order_items" (
  "order_id" INTEGER NOT NULL,
  "product_id" INTEGER NOT NULL,
  "quantity" INTEGER NOT NULL,
  "price_cents" INTEGER NOT NULL,
  "product_name" TEXT NOT NULL,
  "created_at" TEXT NOT NULL,
  CONSTRAINT "order_items_product_name_type" CHECK (length("product_name") <= 255),
  CONSTRAINT "order_items_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "order_items_quantity_check" CHECK (quantity >= 1),
  CONSTRAINT "order_items_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "orders" ("id") ON DELETE CASCADE,
  CONSTRAINT "order_items_product_id_fkey" FOREIGN KEY ("product_id") REFERENCES "products" ("id"),
  CONSTRAINT "order_items_pkey" PRIMARY KEY ("order_id", "product_id")
) STRICT;

--@ step
--@ statement
CREATE INDEX "order_items_product_id_index" ON "order_items" ("product_id");

--@ step
--@ statement
CREATE TABLE "reports" (
  "id" INTEGER CONSTRAINT "reports_pkey" PRIMARY KEY AUTOINCREMENT,
  "report_at" TEXT NOT NULL,
  "order_id" INTEGER NOT NULL,
  "count_product" INTEGER NOT NULL,
  "created_at" TEXT NOT NULL,
  CONSTRAINT "reports_report_at_type" CHECK ("report_at" IS strftime('%Y-%m-%d', "report_at")),
  CONSTRAINT "reports_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "reports_count_product_check" CHECK (count_product >= 0),
  CONSTRAINT "reports_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "orders" ("id") ON DELETE CASCADE,
  CONSTRAINT "reports_report_at_order_id_key" UNIQUE ("report_at", "order_id")
) STRICT;

--@ step
--@ statement
CREATE INDEX "reports_order_id_index" ON "reports" ("order_id");

--@ step
--@ statement
CREATE TABLE "stock_movements" (
  "id" INTEGER CONSTRAINT "stock_movements_pkey" PRIMARY KEY AUTOINCREMENT,
  "product_id" INTEGER NOT NULL,
  "delta" INTEGER NOT NULL,
  "reason" TEXT NOT NULL,
  "order_id" INTEGER,
  "actor" TEXT NOT NULL,
  "balance_after" INTEGER NOT NULL,
  "created_at" TEXT NOT NULL,
  CONSTRAINT "stock_movements_reason_type" CHECK ("reason" IN ('initial', 'order', 'cancel', 'return', 'receipt', 'correction')),
  CONSTRAINT "stock_movements_actor_type" CHECK (length("actor") <= 80),
  CONSTRAINT "stock_movements_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "stock_movements_balance_after_check" CHECK (balance_after >= 0),
  CONSTRAINT "stock_movements_delta_check" CHECK (delta <> 0),
  CONSTRAINT "stock_movements_product_id_fkey" FOREIGN KEY ("product_id") REFERENCES "products" ("id") ON DELETE CASCADE,
  CONSTRAINT "stock_movements_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "orders" ("id")
) STRICT;

--@ step
--@ statement
CREATE INDEX "stock_movements_product_id_id_index" ON "stock_movements" ("product_id", "id" DESC);

--@ step
--@ statement
CREATE INDEX "stock_movements_order_id_index" ON "stock_movements" ("order_id");

--@ step
--@ statement
CREATE TRIGGER "stock_movements_append_only_update" BEFORE UPDATE ON "stock_movements" BEGIN
  SELECT RAISE(ABORT, 'CHECK constraint failed: stock_movements_append_only');
END;

--@ step
--@ statement
CREATE TRIGGER "stock_movements_append_only_delete" BEFORE DELETE ON "stock_movements" WHEN OLD."product_id" IS NULL OR EXISTS (SELECT 1 FROM "products" WHERE "id" = OLD."product_id") BEGIN
  SELECT RAISE(ABORT, 'CHECK constraint failed: stock_movements_append_only');
END;

--@ step
--@ statement
CREATE TABLE "rejected_orders" (
  "id" INTEGER CONSTRAINT "rejected_orders_pkey" PRIMARY KEY AUTOINCREMENT,
  "message_id" TEXT,
  "payload" TEXT NOT NULL,
  "reason" TEXT NOT NULL,
  "details" TEXT NOT NULL,
  "order_id" INTEGER,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "rejected_orders_message_id_type" CHECK (length("message_id") <= 128),
  CONSTRAINT "rejected_orders_payload_type" CHECK (json_valid("payload")),
  CONSTRAINT "rejected_orders_reason_type" CHECK (length("reason") <= 64),
  CONSTRAINT "rejected_orders_details_type" CHECK (json_valid("details")),
  CONSTRAINT "rejected_orders_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "rejected_orders_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "rejected_orders_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "orders" ("id") ON DELETE SET NULL,
  CONSTRAINT "rejected_orders_message_id_key" UNIQUE ("message_id")
) STRICT;

--@ step
--@ statement
CREATE INDEX "rejected_orders_created_at_index" ON "rejected_orders" ("created_at" DESC, "id" DESC);

--@ step
--@ statement
CREATE INDEX "rejected_orders_order_id_index" ON "rejected_orders" ("order_id");

--@ step
--@ statement
CREATE TABLE "report_runs" (
  "report_date" TEXT NOT NULL,
  "reports_count" INTEGER NOT NULL DEFAULT 0,
  "started_at" TEXT NOT NULL,
  "finished_at" TEXT,
  "message_sent_at" TEXT,
  "error" TEXT,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  CONSTRAINT "report_runs_report_date_type" CHECK ("report_date" IS strftime('%Y-%m-%d', "report_date")),
  CONSTRAINT "report_runs_started_at_type" CHECK ("started_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "report_runs_finished_at_type" CHECK ("finished_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "report_runs_message_sent_at_type" CHECK ("message_sent_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "report_runs_created_at_type" CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "report_runs_updated_at_type" CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CONSTRAINT "report_runs_pkey" PRIMARY KEY ("report_date")
) STRICT;

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

--@ down

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
DROP TABLE "report_runs";

--@ step
--@ statement
DROP TABLE "rejected_orders";

--@ step
--@ statement
DROP TABLE "stock_movements";

--@ step
--@ statement
DROP TABLE "reports";

--@ step
--@ statement
DROP TABLE "order_items";

--@ step
--@ statement
DROP TABLE "orders";

--@ step
--@ statement
DROP TABLE "products";

--@ step
--@ statement
DROP TABLE "addresses";

--@ step
--@ statement
DROP TABLE "users";
