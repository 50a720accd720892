import type { Migration } from "rootstock/migrate"

export const migration: Migration = {
  operations: [
    {
      op: "createTable",
      table: {
        name: "api_keys",
        columns: [
          { name: "id", type: { kind: "uuid" }, nullable: false },
          { name: "name", type: { kind: "text", max: 120 }, nullable: false },
          { name: "prefix", type: { kind: "text", max: 12 }, nullable: false },
          { name: "key_hash", type: { kind: "text", max: 64 }, nullable: false },
          { name: "scopes", type: { kind: "list", of: { kind: "text" } }, nullable: false },
          { name: "expires_at", type: { kind: "timestamp" }, nullable: true },
          { name: "revoked_at", type: { kind: "timestamp" }, nullable: true },
          { name: "last_used_at", type: { kind: "timestamp" }, nullable: true },
          { name: "created_at", type: { kind: "timestamp" }, nullable: false },
          { name: "updated_at", type: { kind: "timestamp" }, nullable: false },
        ],
        primaryKey: ["id"],
        uniques: [{ name: "api_keys_key_hash_key", columns: ["key_hash"] }],
        checks: [],
        references: [],
        indexes: [],
      },
    },
  ],
}
