import type { Field, Fields, ValuesOf } from "../fields/index.ts"
import type { Rule } from "../shared/index.ts"
import type { StreamEvent } from "./event-streams.ts"

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
  /** One that is optional may be left out as a whole, which says as much as `{}`. */
  body?: Field<B>
  /** What is answered; without it the answer is 204 and empty. */
  answer?: Field<A>
  /** Status of the answer; 200, or 204 where there is none. */
  status?: 200 | 201 | 202 | 204
  /** Whether what is to be made may be there already: the handler then gives it as `Existing`. */
  mayExist?: boolean
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
  /**
   * Whether it asks another server on the way, which must not happen in the transaction in which an answer is kept: an
   * `Idempotency-Key` has no effect.
   */
  asksOthers?: boolean
}

/** The answer of a handler that had nothing to make, because it is there already; answered with the status 200. */
export class Existing<A> {
  readonly value: A

  constructor(value: A) {
    this.value = value
  }
}

/** What the handler of a stream is given. */
export type StreamInput<P, Q> = Pick<RouteInput<P, Q, undefined>, "params" | "query"> & {
  /**
   * The id of the last event that the client has: its `Last-Event-ID`, else the `last_event_id` of the query where the
   * route declares one; at most 64 characters.
   */
  readonly lastEventId: string | undefined
  /** Aborted when the client goes or the server stops: what waits for the next event must stop waiting then. */
  readonly signal: AbortSignal
}

/** How a stream of events is described. */
export type StreamOptions<P, Q> = Omit<
  RouteOptions<P, Q, never, never>,
  "body" | "answer" | "status" | "mayExist" | "version" | "bodyLimit" | "secretAnswer" | "asksOthers"
>

/** One call of a system. */
export type Route = {
  readonly method: Method
  /** Path with the names of its fields in braces, e.g. `/users/{user_id}`. */
  readonly path: string
  readonly options: RouteOptions<Fields, Fields, unknown, unknown>
  /** Whether it answers with a stream of events. */
  readonly streams?: boolean
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
  handler: (input: RouteInput<P, Q, B>) => Promise<NoInfer<A> | Existing<NoInfer<A>>>,
): Route {
  return Object.freeze({ method, path, options, handler }) as unknown as Route
}

/**
 * Describes a call that answers with server-sent events.
 *
 * The handler checks everything before it gives the events: what it throws is answered with a problem document, while
 * the events themselves are asked for after the head of the answer was sent. They are asked for one at a time, as fast as
 * the client takes them, and `return()` is called on them when the client goes or the server stops.
 *
 * ### Examples
 *
 * ```ts
 * streamRoute("/chats/{chat_id}/stream", { summary: "What happens in a chat", tag: "chats", params: { chatId: uuidText } },
 *   async ({ params, lastEventId, signal }) => {
 *     const chat = await services.chats.get(params.chatId) // 404 is answered as such
 *     return services.events.of(chat, { after: lastEventId, signal })
 *   })
 * ```
 */
export function streamRoute<const P extends Fields, const Q extends Fields>(
  path: string,
  options: StreamOptions<P, Q>,
  handler: (input: StreamInput<P, Q>) => Promise<AsyncIterable<StreamEvent>>,
): Route {
  return Object.freeze({ method: "GET", path, options, streams: true, handler }) as unknown as Route
}
