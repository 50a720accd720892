import type { FastifyRequest } from "fastify"
import type { Actor, Rule } from "../shared/index.ts"

/** Who may make calls, and how the OpenAPI document says it. */
export type Access = {
  /**
   * Finds out who calls, before the body is read.
   *
   * @throws RuleError where nobody may call so; one of `refusals`
   */
  admit(request: FastifyRequest): Actor | Promise<Actor>
  /** Requirements of OpenAPI, of which one is enough. */
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
  readonly refusals: Readonly<Record<string, Rule>>
}
