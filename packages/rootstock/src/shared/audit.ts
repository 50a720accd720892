import { currentRequestId } from "../log/index.ts"
import { snakeCase } from "../schema/index.ts"
import { Storage } from "../storage/index.ts"
import { currentActor } from "./actor.ts"
import { audit } from "./tables.ts"

/** A change as it is recorded. Rows are given as they were read; secrets in them are masked. */
export type AuditEntry = {
  /** What was done, e.g. `orders.place`; at most 64 characters. */
  action: string
  /** The table whose row changed. */
  entity: string
  /** Key of the row. */
  entityId: number | string
  before?: object
  after?: object
}

const secret = /password|secret|token|hash/i

/** Whether it must not be shown. Numbers under such a name count something, e.g. tokens of a budget. */
function isSecret(key: string, value: unknown): boolean {
  return secret.test(key) && value !== null && typeof value !== "number" && typeof value !== "boolean"
}

function maskedJson(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(maskedJson)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [snakeCase(key), isSecret(key, item) ? "***" : maskedJson(item)]),
  )
}

/** Records changes. Called in the change's own transaction, so that both are there or neither. */
export class AuditStorage extends Storage(audit) {
  /**
   * Records a change in the name of the present actor and request.
   *
   * ### Examples
   *
   * ```ts
   * await transaction(async () => {
   *   const after = await store.users.update(id, changes)
   *   await store.audit.record({ action: "users.update", entity: "users", entityId: id, before, after })
   * })
   * ```
   */
  record(entry: AuditEntry): Promise<void> {
    return this.recordAll([entry])
  }

  /** Records many changes in one statement. */
  async recordAll(entries: readonly AuditEntry[]): Promise<void> {
    const actor = currentActor()
    const requestId = currentRequestId() ?? null
    await this.createMany(
      entries.map(({ action, entity, entityId, before, after }) => ({
        actorKind: actor.kind,
        actorId: actor.id ?? null,
        action,
        entity,
        entityId: String(entityId),
        before: before === undefined ? null : maskedJson(before),
        after: after === undefined ? null : maskedJson(after),
        requestId,
      })),
      { returning: false },
    )
  }
}
