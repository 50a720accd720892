import type { FastifyRequest } from "fastify"
import type { Actor, Rule } from "../shared/index.ts"
import type { Route } from "./route.ts"

/** A security scheme of OpenAPI: how credentials are sent. */
export type SecurityScheme =
  | { type: "apiKey"; in: "header" | "cookie"; name: string; description?: string }
  | { type: "http"; scheme: string; bearerFormat?: string; description?: string }

/** Who may make calls, and how the OpenAPI document says it. */
export type Access<A extends Actor = Actor> = {
  /**
   * Finds out who calls, before the body is read. The same object is the `currentActor()` of the handler, so that it may
   * carry more than an actor needs, such as the signed-in user.
   *
   * A route whose `options.access` is `public` needs no credentials; whoever admits its callers refuses none of them.
   *
   * @throws RuleError where nobody may call so; one of `refusals`
   */
  admit(request: FastifyRequest, route: Route): A | Promise<A>
  /** Whether a request carries credentials of this kind, valid or not. */
  carries(request: FastifyRequest): boolean
  /**
   * Runs what a call does, e.g. in the scope of the caller's tenant: keeping its answer under an idempotency key, the
   * handler, and a stream to its end. The actor may be one whom another access admitted, where several are combined.
   */
  around?<T>(actor: Actor, work: () => Promise<T>): Promise<T>
  /** Requirements of OpenAPI, of which one is enough. */
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
  /** The security schemes of OpenAPI that `security` names. */
  readonly schemes: Readonly<Record<string, SecurityScheme>>
  readonly refusals: Readonly<Record<string, Rule>>
}

/**
 * Access by any of several kinds of credentials: the first kind that a request carries decides, and where it carries none
 * of them, the first access does. The `around` of every one is run, the first one's outermost, whoever admitted the caller.
 *
 * ### Examples
 *
 * ```ts
 * open(database, { keys }) {
 *   return { access: combinedAccess(bearerAccess(services.tokens), keys), routes: … }
 * }
 * ```
 */
export function combinedAccess(first: Access, ...others: readonly Access[]): Access {
  const all = [first, ...others]
  const arounds = all.filter(({ around }) => around !== undefined).reverse()
  const combined = {
    admit: (request: FastifyRequest, route: Route) =>
      (all.find((one) => one.carries(request)) ?? first).admit(request, route),
    carries: (request: FastifyRequest) => all.some((one) => one.carries(request)),
    security: all.flatMap(({ security }) => security),
    schemes: Object.assign({}, ...all.map(({ schemes }) => schemes)),
    refusals: Object.assign({}, ...all.map(({ refusals }) => refusals)),
  }
  if (arounds.length === 0) return combined
  return {
    ...combined,
    around: (actor, work) =>
      arounds.reduce((inner, one) => () => (one.around as NonNullable<Access["around"]>)(actor, inner), work)(),
  }
}
