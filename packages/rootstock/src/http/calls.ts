import type { FastifyInstance, FastifyReply, FastifyRequest, RouteHandlerMethod } from "fastify"
import { bodyCheck, type Fields, invalidRequest, jsonNameOf, textCheck } from "../fields/index.ts"
import { withRequestId } from "../log/index.ts"
import { type Actor, actAs } from "../shared/index.ts"
import { withRequestScope } from "../storage/index.ts"
import type { Access } from "./access.ts"
import type { AnswerStore } from "./answer-store.ts"
import { type AuthMode, anyone } from "./authentication.ts"
import { fieldsSchema, operationOf, takesKey } from "./documentation.ts"
import { expectedVersion, idempotencyKey, versionTag } from "./headers.ts"
import type { Operations } from "./operations/index.ts"
import type { Route, RouteInput } from "./route.ts"

declare module "fastify" {
  interface FastifyContextConfig {
    /** The operation of the call in the OpenAPI document; a call without one is left out. */
    operation?: Record<string, unknown>
  }
}

/** The calls of one system, and what they need. */
export type MountedSystem = {
  readonly name: string
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
}

/** The actor of each request; set before its body is read. */
const actors = new WeakMap<FastifyRequest, Actor>()

/** Registers calls. A second registration of a method and path fails. */
export function mountCalls(fastify: FastifyInstance, { prefix, routes, access, answers }: MountedCalls): void {
  for (const route of routes) {
    const { method, path, options } = route
    fastify.route({
      method,
      url: prefix + path.replace(/\{([a-z0-9_]+)\}/g, ":$1"),
      schema: {
        params: fieldsSchema(options.params),
        querystring: fieldsSchema(options.query),
        ...(options.body === undefined ? {} : { body: options.body.schema }),
        ...(options.answer === undefined ? {} : { response: { [statusOf(route)]: options.answer.schema } }),
      },
      validatorCompiler: ({ schema, httpPart }) =>
        httpPart === "body" ? bodyCheck(schema) : textCheck(httpPart === "params" ? "params" : "query", schema),
      config: { operation: operationOf(route, prefix, access) },
      onRequest: (request, _reply, done) => {
        const admitted = access.admit(request, route)
        if (admitted instanceof Promise) {
          admitted.then((actor) => {
            actors.set(request, actor)
            done()
          }, done)
          return
        }
        if (admitted !== anyone) actors.set(request, admitted)
        done()
      },
      ...(options.bodyLimit === undefined ? {} : { bodyLimit: options.bodyLimit }),
      handler: handlerOf(route, access, answers),
    })
  }
}

function statusOf({ options }: Route): number {
  return options.status ?? (options.answer === undefined ? 204 : 200)
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

function handlerOf(route: Route, access: Access, answers: AnswerStore): RouteHandlerMethod {
  const { method, options, handler } = route
  const status = statusOf(route)
  const readParams = readerOf(options.params)
  const readQuery = readerOf(options.query)
  const readBody = options.body?.fromJson ?? ((json: unknown) => json)
  const toJson = options.answer?.toJson ?? ((value: unknown) => value)
  const version = options.version
  const hasBody = options.body !== undefined
  const keyed = takesKey(method, options)
  const around: NonNullable<Access["around"]> = access.around?.bind(access) ?? ((_actor, work) => work())

  const inputOf = (request: FastifyRequest): RouteInput<unknown, unknown, unknown> => ({
    params: readParams(request.params as Record<string, never>),
    query: readQuery(request.query as Record<string, never>),
    body: hasBody ? readBody(request.body as never) : refuseBody(request.body),
    ifVersion: version === undefined || method === "GET" ? undefined : expectedVersion(request.headers["if-match"]),
  })

  const answer = async (request: FastifyRequest, reply: FastifyReply, actor: Actor): Promise<unknown> => {
    const input = inputOf(request)
    const key = keyed ? idempotencyKey(request.headers["idempotency-key"]) : undefined
    if (key !== undefined) {
      const made = { actor, route: `${method} ${request.url.split("?", 1)[0]}`, key, body: request.body }
      const kept = await answers.answerOnce(made, async () => ({
        status,
        body: toJson((await handler(input)) as never),
      }))
      return reply.status(kept.status).send(kept.body)
    }
    const value = await handler(input)
    reply.status(status)
    if (options.answer === undefined) return reply.send()
    if (version !== undefined && method === "GET") reply.header("etag", versionTag(version(value)))
    return toJson(value as never)
  }

  return (request, reply) => {
    const actor = actors.get(request) ?? anyone
    const work = () => around(actor, () => answer(request, reply, actor))
    return withRequestId(request.id, () => actAs(actor, () => withRequestScope(work)))
  }
}

function refuseBody(body: unknown): undefined {
  if (body !== undefined && body !== null)
    throw invalidRequest([{ path: "body", message: "is not taken by this call" }])
}
