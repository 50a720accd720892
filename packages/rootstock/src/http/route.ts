import type { Field, Fields, ValuesOf } from "../fields/index.ts"
import type { Rule } from "../shared/index.ts"

/** A method of HTTP. */
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE"

/** What a handler is given: checked, with keys and values as TypeScript has them. */
export type RouteInput<P, Q, B> = {
  readonly params: { [K in keyof ValuesOf<P>]: ValuesOf<P>[K] }
  readonly query: { [K in keyof ValuesOf<Q>]: ValuesOf<Q>[K] }
  readonly body: B
  /** The version that `If-Match` names; `undefined` where there is no such header or it is `*`. */
  readonly ifVersion: number | undefined
}

/** How a call is described. Everything in it is in the OpenAPI document too. */
export type RouteOptions<P, Q, B, A> = {
  /** What the call does, in a few words. */
  summary: string
  /** More about it, where the summary does not say it all. */
  description?: string
  /** The group of calls that it belongs to, e.g. `users`. */
  tag: string
  /** Fields of the path by their TypeScript keys: `{user_id}` in the path is `userId` here. */
  params?: P
  query?: Q
  body?: Field<B>
  /** What is answered; without it the answer is 204 and empty. */
  answer?: Field<A>
  /** Status of the answer; 200, or 204 where there is none. */
  status?: 200 | 201 | 202 | 204
  /** Whether the row has a version: GET answers it as `ETag`, the others take it as `If-Match`. */
  version?: (answer: A) => number
  /** The rules that the call can break, beside those of every call. */
  refusals?: Readonly<Record<string, Rule>>
  /** `public`: the call needs no credentials. Without it, the access to the system says who may make it. */
  access?: "public"
  /** Most bytes of the body; 1 MiB unless said. */
  bodyLimit?: number
  /**
   * Whether the answer has a secret in it, such as a token. Then it is kept nowhere: an `Idempotency-Key` has no effect.
   */
  secretAnswer?: boolean
}

/** One call of a system. */
export type Route = {
  readonly method: Method
  /** Path with the names of its fields in braces, e.g. `/users/{user_id}`. */
  readonly path: string
  readonly options: RouteOptions<Fields, Fields, unknown, unknown>
  readonly handler: (input: RouteInput<unknown, unknown, unknown>) => Promise<unknown>
}

/**
 * Describes one call.
 *
 * ### Examples
 *
 * ```ts
 * route("GET", "/users/{user_id}", {
 *   summary: "One user", tag: "users", params: { userId: rowId }, answer: userFields,
 *   refusals: rules.pick("USER_NOT_FOUND"),
 * }, ({ params }) => services.users.get(params.userId))
 * ```
 */
export function route<const P extends Fields, const Q extends Fields, B, A>(
  method: Method,
  path: string,
  options: RouteOptions<P, Q, B, A>,
  handler: (input: RouteInput<P, Q, B>) => Promise<NoInfer<A>>,
): Route {
  return Object.freeze({ method, path, options, handler }) as unknown as Route
}
