import type { Migration } from "rootstock/migrate"

export const migration: Migration = {
  operations: [
    {
      op: "createTable",
      table: {
        name: "cache_ctl",
        columns: [
          { name: "id", type: { kind: "integer" }, nullable: false },
          { name: "epoch", type: { kind: "integer" }, nullable: false },
          { name: "mode", type: { kind: "choice", values: ["on", "off", "warming"] }, nullable: false },
          { name: "redis_run_id", type: { kind: "text", max: 64 }, nullable: true },
          { name: "window_ms", type: { kind: "integer" }, nullable: false },
          { name: "since", type: { kind: "timestamp" }, nullable: false },
        ],
        primaryKey: ["id"],
        uniques: [],
        checks: [],
        references: [],
        indexes: [],
      },
    },
    {
      op: "createTable",
      table: {
        name: "cache_outbox",
        columns: [
          { name: "id", type: { kind: "identity" }, nullable: false },
          { name: "keys", type: { kind: "json" }, nullable: false },
          { name: "at", type: { kind: "timestamp" }, nullable: false },
        ],
        primaryKey: ["id"],
        uniques: [],
        checks: [],
        references: [],
        indexes: [
          {
            name: "cache_outbox_at_index",
            terms: [{ column: "at", direction: "asc" }],
            unique: false,
            method: "ordered",
          },
        ],
      },
    },
  ],
}
