import type { Migration } from "rootstock/migrate"

export const migration: Migration = {
  operations: [
    {
      op: "createTable",
      table: {
        name: "secrets",
        columns: [
          { name: "name", type: { kind: "text", max: 32 }, nullable: false },
          { name: "value", type: { kind: "text", max: 64 }, nullable: false },
          { name: "created_at", type: { kind: "timestamp" }, nullable: false },
        ],
        primaryKey: ["name"],
        uniques: [],
        checks: [],
        references: [],
        indexes: [],
      },
    },
  ],
}
