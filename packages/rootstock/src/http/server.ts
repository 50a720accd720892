import { randomUUID } from "node:crypto"
import type { AddressInfo } from "node:net"
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify as makeFastify } from "fastify"
import { UnavailableError } from "../errors/index.ts"
import { invalidRequest, keepNumbers } from "../fields/index.ts"
import { type Logger, withRequestId } from "../log/index.ts"
import { type MetricSource, prometheusText, prometheusType } from "../metrics/index.ts"
import { commonRules } from "../shared/index.ts"
import { authenticateReader, type KeyLookup, keyAccess } from "./authentication.ts"
import { type MountedSystem, mountCalls } from "./calls.ts"
import { problemAnswers } from "./documentation.ts"
import { documentCalls } from "./documents.ts"
import { EventStreams, type Ticker } from "./event-streams.ts"
import { givenRequestId } from "./headers.ts"
import { type HealthParts, healthCheck } from "./health.ts"
import { addIndex } from "./index-page.ts"
import { checkListening, isLoopback } from "./listen.ts"
import { comesFromThisMachine, isBeyondThisMachine } from "./local-callers.ts"
import { answerMalformed } from "./malformed.ts"
import { operationRoutes, operationsPath, operatorAccess } from "./operations/index.ts"
import { noSuchCall, problemOf, ruleErrorOf } from "./problem.ts"

/** Most bytes of a body. */
const bodyLimit = 1_048_576
/** How long a client may take to send a request, in milliseconds. */
const requestTimeout = 60_000
/** How long requests may run on after `stop`, in milliseconds. */
const stopPatience = 10_000

export type ServerOptions = {
  /** Title of the server; of the OpenAPI document too, where one system is alone. */
  title: string
  /** Version of the OpenAPI document. */
  version: string
  /** Address under which users reach the server, for the OpenAPI document. */
  publicUrl?: string | undefined
  /** One system has its calls at the root; of several each has them under its name. */
  systems: readonly MountedSystem[]
  /** Finds API keys. */
  lookupKey: KeyLookup
  /** What operators prove themselves with, at least 16 characters; without it they are only served on this machine. */
  operatorToken?: string | undefined
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed; of nobody unless said. */
  trustedProxies?: readonly string[] | undefined
  /** Makes the heartbeats of event streams; every 15 s unless said. */
  heartbeat?: Ticker | undefined
  /** What `/health` asks. */
  health: HealthParts
  /** What `/metrics` shows. */
  metrics?: readonly MetricSource[] | undefined
  log: Logger
  /** Called once by `stop`, after the last request is answered, e.g. to close the databases. */
  release?: () => Promise<void>
}

/** An HTTP server over systems. */
export type Server = {
  /** The Fastify instance, for tests that send requests without a socket. */
  readonly fastify: FastifyInstance
  /**
   * Starts to listen.
   *
   * @returns the address that it listens on, e.g. `http://127.0.0.1:8000`
   * @throws ConfigError where the address is reachable from other machines and calls need no credentials
   */
  start(options: { host: string; port: number; allowOpen?: boolean }): Promise<string>
  /** Takes no more requests, finishes those that run, then releases what was opened. May be called twice. */
  stop(): Promise<void>
}

/**
 * Makes the server that all systems share: problem documents, request ids, checks by schema, keys, `/docs`,
 * `/schema/openapi.json`, `/health`, `/metrics`, and an index at `/`. Of several systems, each has its documentation and
 * its OpenAPI document under its name; those at the root are about the operations then.
 *
 * @throws where two calls have the same method and path
 */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { log, systems } = options
  const fastify = makeFastify({
    bodyLimit,
    requestTimeout,
    trustProxy: options.trustedProxies === undefined ? false : [...options.trustedProxies],
    return503OnClosing: false,
    routerOptions: { maxParamLength: 256 },
    genReqId: (request) => givenRequestId(request.headers["x-request-id"]) ?? randomUUID(),
    clientErrorHandler: answerMalformed,
    frameworkErrors: (error, request, reply) => answerProblem(error, request, reply, log),
  })
  fastify.addHook("onRequest", (request, reply, done) => {
    reply.header("x-request-id", request.id)
    done()
  })
  fastify.addHook("onResponse", (request, reply, done) => {
    if (log.writes("info")) {
      withRequestId(request.id, () =>
        log.info(`${request.method} ${request.url.split("?", 1)[0]} ${reply.statusCode}`, {
          method: request.method,
          status: reply.statusCode,
          duration_ms: Math.round(reply.elapsedTime * 10) / 10,
        }),
      )
    }
    done()
  })
  const streams = new EventStreams(log, options.heartbeat)
  fastify.addHook("preClose", () => streams.stop())
  takeJsonOnly(fastify)
  fastify.setErrorHandler((error, request, reply) => answerProblem(error, request, reply, log))
  fastify.setNotFoundHandler((request, reply) => {
    return answerProblem(noSuchCall(request), request, reply, log)
  })
  const checks = await mountAll(fastify, options, streams)
  await fastify.ready()
  for (const check of checks) check()

  let stopping: Promise<void> | undefined
  return {
    fastify,
    async start({ host, port, allowOpen = false }) {
      const open = systems.some((system) => system.auth === "open")
      checkListening({ host, open, allowOpen })
      if (open && !isLoopback(host))
        log.warning(`Listening on ${host} without credentials: anyone who reaches it may change everything`)
      await listen(fastify, host, port)
      const { port: actual } = fastify.server.address() as AddressInfo
      return `http://${host.includes(":") ? `[${host}]` : host}:${actual}`
    },
    stop() {
      stopping ??= stop(fastify, options.release)
      return stopping
    },
  }
}

/** Why an address cannot be listened on, by the system's code. */
const listenErrors: Readonly<Record<string, (place: string) => string>> = {
  EADDRINUSE: (place) => `${place} is taken by another program.`,
  EACCES: (place) => `${place} may not be used by this user.`,
  EADDRNOTAVAIL: (place) => `${place} is no address of this machine.`,
  ENOTFOUND: (place) => `${place} is not known.`,
}

async function listen(fastify: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    await fastify.listen({ host, port })
  } catch (error) {
    const why = error instanceof Error && "code" in error ? listenErrors[String(error.code)] : undefined
    if (why === undefined) throw error
    const cure = "Stop the other program, or set HOST and PORT, e.g. PORT=8001."
    throw new UnavailableError(why(`Port ${port} of ${host}`), { cure, cause: error })
  }
}

async function stop(fastify: FastifyInstance, release: (() => Promise<void>) | undefined): Promise<void> {
  const closed = fastify.close()
  const idle = setInterval(() => fastify.server.closeIdleConnections(), 20)
  const limit = setTimeout(() => fastify.server.closeAllConnections(), stopPatience)
  try {
    await closed
  } finally {
    clearInterval(idle)
    clearTimeout(limit)
    await release?.()
  }
}

/** JSON is the only form of a body; an empty one counts as none. */
function takeJsonOnly(fastify: FastifyInstance): void {
  const parse = fastify.getDefaultJsonParser("error", "error")
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser("application/json", { parseAs: "string" }, (request, body, done) => {
    const text = body as string
    if (text === "") done(null, undefined)
    else {
      parse(request, text, (error, value) => {
        if (error === null) keepNumbers(value, text)
        done(error, value)
      })
    }
  })
}

function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Logger): FastifyReply {
  // Nobody reads the answer to a request that was cut off, and nothing of ours has failed.
  const cutOff = request.raw.destroyed && !request.raw.complete
  const broken = cutOff
    ? invalidRequest([{ path: "body", message: "was cut off" }])
    : ruleErrorOf(error, request.routeOptions.bodyLimit)
  const problem = problemOf(broken, request.id)
  if (problem.status >= 500) {
    withRequestId(request.id, () =>
      log.error(`${request.method} ${request.url.split("?", 1)[0]} failed`, { error: broken.cause ?? error }),
    )
  }
  return reply
    .status(problem.status)
    .headers({ ...broken.headers, "x-request-id": request.id })
    .type("application/problem+json")
    .serializer((value) => JSON.stringify(value))
    .send(problem)
}

/**
 * Registers the calls of all systems, with their documents: one at the root where a system is alone; else one for each
 * system under its name, and at the root one of what the server has for all of them, with the operations.
 *
 * @returns what checks the documents when everything is registered
 */
async function mountAll(
  fastify: FastifyInstance,
  options: ServerOptions,
  streams: EventStreams,
): Promise<(() => void)[]> {
  const { systems, version, publicUrl, title } = options
  const operators = operatorAccess({ token: options.operatorToken, publicUrl })
  const mounted = systems.map((system) => ({
    ...system,
    prefix: systems.length === 1 ? "" : `/${system.name}`,
    access: system.access ?? keyAccess(system.name, system.auth, options.lookupKey),
  }))
  const alone = mounted.filter(({ prefix }) => prefix === "")
  const checks: (() => void)[] = []
  // Before the root has a document, which would list what is registered within it too.
  for (const { title: own, ...system } of mounted.filter(({ prefix }) => prefix !== "")) {
    await fastify.register(async (scope) => {
      const document = { title: own ?? system.name, version, publicUrl, accesses: [system.access] }
      checks.push(await documentCalls(scope, { ...document, prefix: system.prefix }))
      mountCalls(scope, { ...system, streams })
    })
  }
  const accesses = [operators, ...alone.map(({ access }) => access)]
  const root = alone.length > 0 ? title : `${title}: operations`
  checks.push(await documentCalls(fastify, { title: root, version, publicUrl, prefix: "", accesses }))
  addHealth(fastify, options)
  addMetrics(fastify, options)
  for (const system of alone) mountCalls(fastify, { ...system, streams })
  for (const { name, answers, operations } of mounted) {
    if (operations === undefined) continue
    const prefix = `${operationsPath}/${name}`
    mountCalls(fastify, { prefix, routes: operationRoutes(operations), access: operators, answers, streams })
  }
  addIndex(
    fastify,
    title,
    mounted.map(({ name, title = name, prefix }) => ({ title, prefix })),
  )
  return checks
}

const partSchema = { type: "string", enum: ["connected", "off", "away"] }

const healthSchema = {
  title: "Health",
  type: "object",
  properties: {
    status: {
      type: "string",
      enum: ["healthy", "degraded", "unhealthy"],
      description: "`degraded` where the cache or the broker is away: everything works, but slower or later.",
    },
    database: { type: "string", description: "`connected`, or why it is not." },
    cache: partSchema,
    broker: partSchema,
    scheduler: partSchema,
    latency_ms: { type: "number" },
    counts: { type: "object", additionalProperties: true, description: "Counts since the start of the process." },
  },
  required: ["status", "database", "cache", "broker", "scheduler", "latency_ms"],
}

function addHealth(fastify: FastifyInstance, { health: parts, log }: ServerOptions): void {
  const check = healthCheck(parts, log)
  const content = { "application/json": { schema: healthSchema } }
  const operation = {
    summary: "Whether the databases answer",
    operationId: "getHealth",
    tags: ["health"],
    response: {
      200: { description: "Healthy or degraded.", content },
      503: { description: "A database does not answer.", content },
      ...problemAnswers({ INTERNAL: commonRules.list.INTERNAL }),
    },
  }
  fastify.get("/health", { config: { operation } }, async (_request, reply) => {
    const health = await check()
    return reply.status(health.status === "unhealthy" ? 503 : 200).send(health)
  })
}

/** Where every system needs credentials, so do the metrics, but for callers on this machine that come by no proxy. */
function addMetrics(fastify: FastifyInstance, { metrics = [], systems, lookupKey, publicUrl }: ServerOptions): void {
  const open = systems.some(({ auth }) => auth === "open")
  const operation = {
    summary: "What is measured, in the text format of Prometheus",
    operationId: "getMetrics",
    tags: ["health"],
    response: {
      200: { description: "The metrics.", content: { "text/plain": { schema: { type: "string" } } } },
      ...problemAnswers(commonRules.pick("UNAUTHENTICATED", "FORBIDDEN", "INTERNAL")),
    },
  }
  fastify.get("/metrics", { config: { operation } }, async (request, reply) => {
    const isFree = open || (!isBeyondThisMachine(publicUrl) && comesFromThisMachine(request))
    if (!isFree) await authenticateReader(request.headers["x-api-key"], systems, lookupKey)
    const all = await Promise.all(metrics.map((source) => source()))
    return reply.type(prometheusType).send(prometheusText(all.flat()))
  })
}
