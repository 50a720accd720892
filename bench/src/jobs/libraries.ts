import type { JobDatabases } from "./databases.ts"

/** Who is measured; each task has some of them. */
export const libraries = ["raw", "rootstock", "graphile-worker", "pg-boss", "bullmq"] as const
export type Library = (typeof libraries)[number]

export const titles: Record<Library, string> = {
  raw: "by hand",
  rootstock: "Rootstock",
  "graphile-worker": "graphile-worker",
  "pg-boss": "pg-boss",
  bullmq: "BullMQ",
}

/** What a task has of the run. */
export interface JobsRun {
  /** Who takes part. */
  only: readonly Library[]
  /** Length of a slice. */
  seconds: number
  rounds: number
  /** Connections of each contestant. */
  pool: number
  /** How many jobs wait in the large table. */
  waiting: number
  databases: JobDatabases
  /** URL of a Redis that waits for the disk at each command; it is started when it is first asked for. */
  redis(): Promise<string>
  /** Is told of what to do at the end, whatever has happened. */
  atEnd(work: () => void | Promise<void>): void
}

/** What a task gives: its part of the results as Markdown, and the packages whose versions belong there. */
export interface JobsReport {
  markdown: string
  packages: readonly string[]
}
