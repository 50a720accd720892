import { sql } from "kysely"
import { Storage } from "rootstock"
import { type AiRun, aiRuns, aiToolCalls, tables } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import { ofTenant } from "./conditions.ts"
import { Entities } from "./entities.ts"

/** A span of time, `[start, end)`. */
export type Span = { readonly start: Date; readonly end: Date }

/** Answers in the making. */
export class RunStorage extends Entities(aiRuns, tenant.column("orgId")) {
  /** Tokens of an organisation's runs that began in a month, as its zone has it. */
  async tokensThisMonth(orgId: string, { start, end }: Span): Promise<number> {
    const [row] = await this.sql
      .selectFrom("aiRuns")
      .where("orgId", "=", orgId)
      .where("createdAt", ">=", start)
      .where("createdAt", "<", end)
      .where(ofTenant())
      .select((of) =>
        of.cast<number>(of.fn.sum(of("promptTokens", "+", of.ref("completionTokens"))), "bigint").as("tokens"),
      )
      .execute()
    return row?.tokens ?? 0
  }

  /** How many runs of an organisation are running beside these. */
  async countRunning(orgId: string, besides: readonly string[] = []): Promise<number> {
    // The index of open runs is known by its own condition only.
    let running = this.sql
      .selectFrom("aiRuns")
      .where(sql<boolean>`state IN ('queued', 'running') AND state = 'running'`)
      .where("orgId", "=", orgId)
      .where(ofTenant())
      .select((of) => of.fn.countAll<number>().as("runs"))
    if (besides.length > 0) running = running.where("id", "not in", [...besides])
    const [row] = await running.execute()
    return row?.runs ?? 0
  }

  /** Runs of all states that began for others, and for those in turn. */
  async descendants(id: string): Promise<AiRun[]> {
    const found: AiRun[] = []
    for (let parents = [id]; parents.length > 0; ) {
      const children = await this.list({ where: { parentRunId: parents }, orderBy: { id: "asc" } })
      found.push(...children)
      parents = children.map((child) => child.id)
    }
    return found
  }

  /** The newest first. */
  search(where: { roleId?: string | undefined; state?: AiRun["state"] | undefined }, limit: number, cursor?: string) {
    const { roleId, state } = where
    return this.after(cursor, {
      where: { ...(roleId === undefined ? {} : { roleId }), ...(state === undefined ? {} : { state }) },
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
      limit,
    })
  }
}

/** What a role did with its tools. */
export class ToolCallStorage extends Storage(aiToolCalls, tables, {
  scope: tenant.through("runId", aiRuns, "orgId"),
}) {}
