import { type Clock, systemClock } from "../clock/index.ts"
import { declaredSchema, describeOperation, emptySchema } from "../engine/index.ts"
import { MigrationError } from "../errors/index.ts"
import type { Tables } from "../schema/index.ts"
import { diffSchemas } from "./diff.ts"
import { loadMigrations, writeHandwritten, writeMigration } from "./files.ts"
import { type Loss, lossesOf } from "./losses.ts"
import type { RenameAnswers } from "./renames.ts"

export type NewMigrationOptions = RenameAnswers & {
  /** Where the migrations are; made where it does not exist. */
  readonly directory: string
  readonly tables: Tables
  /** In a few words, e.g. `add stock`. */
  readonly name: string
  /** Write a file for hand-written steps instead of comparing. */
  readonly empty?: boolean | undefined
  readonly clock?: Clock | undefined
}

export type NewMigration = {
  readonly id: string
  /** What it does, in words. */
  readonly changes: readonly string[]
  /** What goes for good when it is applied. */
  readonly losses: readonly Loss[]
}

/**
 * Compares declared tables with the history and writes a migration of what differs.
 *
 * @returns undefined where nothing differs
 * @throws MigrationError where something may be renamed and nobody says so
 *
 * ### Examples
 *
 * ```ts
 * await newMigration({ directory: "systems/shop/migrations", tables, name: "add stock", renames: ["products.qty:products.stock"] })
 * ```
 */
export async function newMigration(options: NewMigrationOptions): Promise<NewMigration | undefined> {
  const { directory, tables, name, empty = false, clock = systemClock } = options
  const history = await loadMigrations(directory)
  const last = history.at(-1)
  const before = last?.after ?? emptySchema
  const id = nextId(name, clock.now(), last?.id)
  if (empty) {
    await writeHandwritten(directory, id)
    return { id, changes: [], losses: [] }
  }
  const operations = await diffSchemas(before, declaredSchema(tables), options)
  if (operations.length === 0) return undefined
  await writeMigration(directory, id, operations, before)
  return { id, changes: operations.map(describeOperation), losses: lossesOf(operations) }
}

/** `20260131T090000_add_stock`; always behind the last one. */
export function nextId(name: string, now: Date, last: string | undefined): string {
  const words = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
  if (words === "") {
    throw new MigrationError(`${JSON.stringify(name)} is no name for a migration.`, {
      cure: 'Say what it does in a few words, e.g. "add stock".',
    })
  }
  const stamp = (instant: Date) => instant.toISOString().replace(/[-:]|\.\d+Z$/g, "")
  let instant = now
  const behind = last?.slice(0, 15)
  if (behind !== undefined && stamp(now) <= behind) {
    instant = new Date(Date.parse(behind.replace(/^(....)(..)(..)T(..)(..)(..)$/, "$1-$2-$3T$4:$5:$6Z")) + 1000)
  }
  return `${stamp(instant)}_${words.slice(0, 80)}`
}
