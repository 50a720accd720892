import type { Migration } from "rootstock/migrate"

export const migration: Migration = {
  operations: [
    {
      op: "addColumn",
      table: "job",
      column: { name: "message_id", type: { kind: "text", max: 255 }, nullable: true },
    },
    {
      op: "addColumn",
      table: "job_dead",
      column: { name: "message_id", type: { kind: "text", max: 255 }, nullable: true },
    },
  ],
}
