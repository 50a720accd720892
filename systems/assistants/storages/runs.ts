import { Storage } from "rootstock"
import { type AiRun, aiRuns, aiToolCalls, tables } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import { Entities } from "./entities.ts"

/** A span of time, `[start, end)`. */
export type Span = { readonly start: Date; readonly end: Date }

/** Answers in the making. */
export class RunStorage extends Entities(aiRuns, tenant.column("orgId")) {
  /** Tokens of an organisation's runs that began in a month, as its zone has it. */
  async tokensThisMonth(orgId: string, { start, end }: Span): Promise<number> {
    const within = this.sql
      .selectFrom("aiRuns")
      .where("orgId", "=", orgId)
      .where("createdAt", ">=", start)
      .where("createdAt", "<", end)
      .select((of) =>
        of.cast<number>(of.fn.sum(of("promptTokens", "+", of.ref("completionTokens"))), "integer").as("tokens"),
      )
    const [row] = await (tenant.isUnbounded ? within : within.where("orgId", "=", tenant.current)).execute()
    return row?.tokens ?? 0
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
