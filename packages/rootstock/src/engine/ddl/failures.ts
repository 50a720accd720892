import { MigrationError } from "../../errors/index.ts"
import type { Direction, Plan, Statement } from "./contract.ts"

const asBefore = "The database is as it was before."

/** Rows that break what a migration is about to demand. */
export function refusal(plan: Plan, { refuses }: Statement, rows: readonly Record<string, unknown>[]): MigrationError {
  const found = Number(rows[0]!["found"])
  const examples = rows.flatMap((row) => {
    const entries = Object.entries(row).filter(([name]) => name !== "found")
    return entries.length === 0 ? [] : [entries.map(([name, value]) => `${name} ${shown(value)}`).join(", ")]
  })
  const which = examples.length === 0 ? "" : ` (${examples.join("; ")}${found > examples.length ? "; …" : ""})`
  return new MigrationError(
    `${verb(plan.direction)} ${plan.id} is refused: ${found} ${found === 1 ? "row" : "rows"} ${refuses}${which}.`,
    {
      cure: `${asBefore} Mend these rows, or write a migration before this one that does, and run it again.`,
    },
  )
}

/** A statement of a migration that the database refused. */
export function failure(plan: Plan, sql: string, error: unknown, kept = 0): MigrationError {
  const reason = error instanceof Error ? error.message : String(error)
  const state = kept === 0 ? asBefore : `Its first ${kept} steps cannot be taken back; the next run goes on from there.`
  return new MigrationError(`${verb(plan.direction)} ${plan.id} failed: ${reason}, at: ${firstLine(sql)}`, {
    cure: `${state} Mend what the message names, and run it again.`,
    cause: error,
  })
}

const verb = (direction: Direction) => (direction === "up" ? "Migration" : "Taking back migration")

function firstLine(sql: string): string {
  const line = sql.replace(/\s+/g, " ")
  return line.length > 160 ? `${line.slice(0, 160)}…` : line
}

function shown(value: unknown): string {
  // PostgreSQL gives whole numbers of 64 bits as text.
  if (typeof value === "string" && /^-?\d+$/.test(value)) return value
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
  return value instanceof Date ? value.toISOString() : String(value)
}

/** The statement with the instant of applying in its place. */
export function boundSql({ sql, usesNow }: Statement, now: Date): string {
  return usesNow ? sql.replaceAll("'@now'", `'${now.toISOString()}'`) : sql
}
