import type { FastifyInstance, FastifyReply, FastifyRequest, RouteHandlerMethod } from "fastify"
import { Surroundings } from "../ambient/index.ts"
import { bodyCheck, type Fields, invalidRequest, jsonNameOf, textCheck } from "../fields/index.ts"
import { requestIds } from "../log/index.ts"
import { type Actor, actors } from "../shared/index.ts"
import { RequestScope, requestScopes } from "../storage/index.ts"
import type { Access } from "./access.ts"
import type { AnswerStore } from "./answer-store.ts"
import { AnswerTexts } from "./answer-texts.ts"
import { type AuthMode, anyone } from "./authentication.ts"
import { fieldsSchema, operationOf, statusOf, takesKey } from "./documentation.ts"
import type { EventStreams, StreamEvent } from "./event-streams.ts"
import { expectedVersion, idempotencyKey, lastEventId, versionTag } from "./headers.ts"
import type { Operations } from "./operations/index.ts"
import { Existing, type Route, type RouteInput, type StreamInput } from "./route.ts"
import { Turns } from "./turns.ts"

declare module "fastify" {
  interface FastifyContextConfig {
    /** The operation of the call in the OpenAPI document; a call without one is left out. */
    operation?: Record<string, unknown>
  }
}

/** The calls of one system, and what they need. */
export type MountedSystem = {
  readonly name: string
  /** Name for people; `name` where there is none. */
  readonly title?: string | undefined
  readonly routes: readonly Route[]
  readonly auth: AuthMode
  /** Who may make its calls; those who have a key of the server's, as `auth` says, where it has no such rules of its own. */
  readonly access?: Access | undefined
  /** Keeps the answers to requests with an `Idempotency-Key` in the system's own database. */
  readonly answers: AnswerStore
  /** What operators can do with its queues, jobs and schedules, under `/operations/<name>`; nothing without it. */
  readonly operations?: Operations
}

/** Calls under one path, and who may make them. */
export type MountedCalls = {
  readonly prefix: string
  readonly routes: readonly Route[]
  readonly access: Access
  readonly answers: AnswerStore
  readonly streams: EventStreams
}

/** The actor of each request; set before its body is read. */
const admitted = new WeakMap<FastifyRequest, Actor>()

/** Registers calls. A second registration of a method and path fails. */
export function mountCalls(fastify: FastifyInstance, { prefix, routes, access, ...rest }: MountedCalls): void {
  for (const route of routes) {
    const { method, path, options } = route
    fastify.route({
      method,
      url: prefix + path.replace(/\{([a-z0-9_]+)\}/g, ":$1"),
      schema: {
        params: fieldsSchema(options.params),
        querystring: fieldsSchema(options.query),
        ...(options.body === undefined ? {} : { body: options.body.schema }),
        ...(options.answer === undefined
          ? {}
          : {
              response: {
                [statusOf(route)]: options.answer.schema,
                ...(options.mayExist === true ? { 200: options.answer.schema } : {}),
              },
            }),
      },
      validatorCompiler: ({ schema, httpPart }) =>
        httpPart === "body"
          ? bodyCheck(schema, options.body?.optional)
          : textCheck(httpPart === "params" ? "params" : "query", schema),
      config: { operation: operationOf(route, prefix, access) },
      onRequest: (request, _reply, done) => {
        const actor = access.admit(request, route)
        if (actor instanceof Promise) {
          actor.then((one) => {
            admitted.set(request, one)
            done()
          }, done)
          return
        }
        if (actor !== anyone) admitted.set(request, actor)
        done()
      },
      ...(options.bodyLimit === undefined ? {} : { bodyLimit: options.bodyLimit }),
      // To be asked for the head of a stream alone would open it.
      ...(route.streams === true ? { exposeHeadRoute: false } : {}),
      handler: handlerOf(route, access, rest),
    })
  }
}

type Reader = (json: Record<string, never>) => Record<string, unknown>

/** Makes the function that gives the checked fields of a path or query their keys and values in TypeScript. */
function readerOf(fields: Fields = {}): Reader {
  const entries = Object.entries(fields).map(([key, field]) => [key, jsonNameOf(key, field), field.fromJson] as const)
  return (json) => {
    const values: Record<string, unknown> = {}
    for (const [key, name, fromJson] of entries) {
      const value = json[name]
      if (value !== undefined) values[key] = fromJson === undefined ? value : fromJson(value)
    }
    return values
  }
}

type Answer = (request: FastifyRequest, reply: FastifyReply, actor: Actor) => Promise<unknown>

const turns = new Turns()

/** Makes what answers a call in the name and the scope of its caller. */
function handlerOf(
  route: Route,
  access: Access,
  { answers, streams }: Pick<MountedCalls, "answers" | "streams">,
): RouteHandlerMethod {
  const around: NonNullable<Access["around"]> = access.around?.bind(access) ?? ((_actor, work) => work())
  const answer = route.streams === true ? streamOf(route, streams) : answerOf(route, answers)
  return (request, reply) => {
    const actor = admitted.get(request) ?? anyone
    return turns.run(() =>
      new Surroundings()
        .set(requestIds, request.id)
        .set(actors, actor)
        .set(requestScopes, new RequestScope())
        .run(() => around(actor, () => answer(request, reply, actor))),
    )
  }
}

function streamOf({ options, handler }: Route, streams: EventStreams): Answer {
  const readParams = readerOf(options.params)
  const readQuery = readerOf(options.query)
  const open = handler as unknown as (input: StreamInput<unknown, unknown>) => Promise<AsyncIterable<StreamEvent>>
  return async (request, reply) => {
    const params = readParams(request.params as Record<string, never>)
    const query = readQuery(request.query as Record<string, never>)
    const queried = query["lastEventId"]
    const after =
      lastEventId(request.headers["last-event-id"]) ??
      lastEventId(queried === undefined ? undefined : String(queried), "query/last_event_id")
    await streams.send(reply, (signal) => open({ params, query, lastEventId: after, signal }))
    return reply
  }
}

function answerOf(route: Route, answers: AnswerStore): Answer {
  const { method, options, handler } = route
  const usualStatus = statusOf(route)
  const readParams = readerOf(options.params)
  const readQuery = readerOf(options.query)
  const readBody = options.body?.fromJson ?? ((json: unknown) => json)
  const toJson = options.answer?.toJson ?? ((value: unknown) => value)
  const version = options.version
  const hasBody = options.body !== undefined
  const keyed = takesKey(method, options)
  const texts = new AnswerTexts()

  const inputOf = (request: FastifyRequest): RouteInput<unknown, unknown, unknown> => ({
    params: readParams(request.params as Record<string, never>),
    query: readQuery(request.query as Record<string, never>),
    body: hasBody ? readBody(request.body as never) : refuseBody(request.body),
    ifVersion: version === undefined || method === "GET" ? undefined : expectedVersion(request.headers["if-match"]),
  })

  const carryOut = async (
    input: RouteInput<unknown, unknown, unknown>,
  ): Promise<{ status: number; value: unknown }> => {
    const given = await handler(input)
    return given instanceof Existing ? { status: 200, value: given.value } : { status: usualStatus, value: given }
  }

  return async (request, reply, actor) => {
    const input = inputOf(request)
    const key = keyed ? idempotencyKey(request.headers["idempotency-key"]) : undefined
    if (key !== undefined) {
      const made = { actor, route: `${method} ${request.url.split("?", 1)[0]}`, key, body: request.body }
      const kept = await answers.answerOnce(made, async () => {
        const { status, value } = await carryOut(input)
        return { status, body: toJson(value as never) }
      })
      return reply.status(kept.status).send(kept.body)
    }
    const { status, value } = await carryOut(input)
    reply.status(status)
    if (options.answer === undefined) return reply.send()
    if (version !== undefined && method === "GET") reply.header("etag", versionTag(version(value)))
    const text =
      method === "GET" ? texts.of(value, (one) => reply.serialize(toJson(one as never)) as string) : undefined
    if (text === undefined) return toJson(value as never)
    reply.type("application/json; charset=utf-8")
    return text
  }
}

function refuseBody(body: unknown): undefined {
  if (body !== undefined && body !== null)
    throw invalidRequest([{ path: "body", message: "is not taken by this call" }])
}
