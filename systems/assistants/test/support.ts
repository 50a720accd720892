import { randomUUID } from "node:crypto"
import { fileURLToPath } from "node:url"
import { type ManualClock, manualClock, openDatabase } from "rootstock"
import { type Cache, openCache } from "rootstock/cache"
import { readSettings } from "rootstock/config"
import { createServer, keyAccess, mountable, type Server, type SystemContext } from "rootstock/http"
import { type JobHandler, type Jobs, openJobs } from "rootstock/jobs"
import { createLogger } from "rootstock/log"
import { migrateUp } from "rootstock/migrate"
import { openScheduler, openSchedules, type Scheduler, type Schedules } from "rootstock/schedule"
import type { Engine } from "../../../packages/rootstock/test/support/index.ts"
import type { Provider } from "../ai/provider.ts"
import { assemble } from "../assemble.ts"
import { assistants } from "../index.ts"
import { tables } from "../schema.ts"
import type { Services } from "../services/index.ts"
import type { AssistantsDatabase, Stores } from "../storages/index.ts"

/** An answer to a request. */
export type Answered = { status: number; body: any; headers: Record<string, string | string[] | number | undefined> }

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE"

/** The assistants over an empty database of their own. */
export type TestAssistants = AsyncDisposable & {
  readonly url: string
  readonly database: AssistantsDatabase
  readonly stores: Stores
  readonly cache: Cache
  readonly services: Services
  readonly jobs: Jobs
  readonly handlers: readonly JobHandler[]
  readonly schedules: Schedules
  /** Fires what is due when it is told to. */
  readonly scheduler: Scheduler
  /** Does all jobs that can be done now, until none is left. */
  work(): Promise<void>
  readonly server: Server
  readonly context: SystemContext
  readonly clock: ManualClock
  readonly logged: { level: string; name: string; message: string }[]
  /** Sends a request, in the name of a person where a token is given. */
  send(
    method: Method,
    path: string,
    body?: unknown,
    options?: { as?: string | undefined; headers?: Record<string, string>; address?: string },
  ): Promise<Answered>
}

/** Where the assistants cache: nowhere, in the process, or in Redis under keys of their own. */
export type CachePlace = "off" | "memory" | "redis"

/** Each engine has another place by default, so that every test sees all of them. */
const usualPlaces = {
  sqlite: "memory",
  "embedded-postgres": "off",
  postgres: process.env["TEST_REDIS_URL"] === undefined ? "memory" : "redis",
} as const

function cacheUrl(place: CachePlace): string {
  // No other process writes to the database of a test.
  if (place === "memory") return "memory:?exclusive=true"
  return place === "off" ? "off:" : (process.env["TEST_REDIS_URL"] as string)
}

/** A key of staff, with all scopes. */
export const staffKey = "rs_test_staff"

/** What a hash of a password costs here. */
const cheap = { logN: 4, r: 8, p: 1 }

export type OpenOptions = {
  cachePlace?: CachePlace
  /** A database that is there already; it is not removed. */
  url?: string
  /** Variables of the environment. */
  environment?: Readonly<Record<string, string>>
  /** What answers for AI roles, in place of the one that the environment names. */
  provider?: Provider
}

/** Opens the assistants on an engine; the clock stands at noon UTC of a Wednesday. */
export async function openAssistants(
  engine: Engine,
  { cachePlace = usualPlaces[engine.name], url, environment = {}, provider }: OpenOptions = {},
): Promise<TestAssistants> {
  const place = url === undefined ? await engine.temporaryDatabase() : { url, dispose: async () => undefined }
  await migrateUp({ url: place.url, directory: fileURLToPath(assistants.migrations) })
  const clock = manualClock("2026-03-11T12:00:00.000Z")
  const database = await openDatabase(place.url, { tables, clock })
  const logged: TestAssistants["logged"] = []
  const log = createLogger({
    name: "assistants",
    level: "debug",
    format: "json",
    clock,
    destination: { write: (line) => logged.push(JSON.parse(line)) },
  })
  const context = { log, clock, timeZone: "Europe/Moscow" }
  const jobs = openJobs(database, { jobs: assistants.jobs, log: log.named("assistants.jobs") })
  const lookupKey = async (key: string) =>
    key === staffKey ? { id: "staff", scopes: ["assistants:admin"] } : undefined
  const serviceContext = {
    ...context,
    jobs,
    broker: false,
    keys: keyAccess("assistants", "required", lookupKey),
    settings: readSettings(environment),
    secrets: { sign: new Uint8Array(32), encryption: [{ id: "test", key: new Uint8Array(32) }] },
  }
  const { stores, services, parts } = assemble(database, serviceContext, {
    passwordCost: cheap,
    ...(provider === undefined ? {} : { provider }),
  })
  const { handlers } = parts
  const schedules = openSchedules(jobs)
  const scheduler = openScheduler(schedules, {
    declared: parts.schedules,
    log: log.named("assistants.schedules"),
  })
  const cache = await openCache(database, {
    url: cacheUrl(cachePlace),
    caches: parts.caches,
    prefix: `assistants-test-${randomUUID()}:`,
    warn: (message, cause) => log.named("assistants.cache").warning(message, { error: cause }),
  })
  const server = await createServer({
    title: "Assistants",
    version: "0",
    systems: [mountable(assistants, database, context, parts)],
    lookupKey,
    health: { probes: [() => database.ping()], cache: () => cache.state },
    metrics: [() => cache.metrics()],
    log: log.named("http"),
    release: async () => {
      await scheduler.stop()
      await cache.flush()
      await cache.close()
      await database.close()
    },
  })
  return {
    url: place.url,
    database,
    stores,
    cache,
    services,
    jobs,
    handlers,
    schedules,
    scheduler,
    async work() {
      const worker = jobs.worker({ handlers, concurrency: parts.concurrency ?? 10, pollMs: 50 })
      await worker.start()
      try {
        while (await jobs.store.jobs.exists({ queue: worker.queues, runAt: { lte: clock.now() } })) {
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
      } finally {
        await worker.stop()
      }
    },
    server,
    context,
    clock,
    logged,
    async send(method, path, body, { as, headers = {}, address = "127.0.0.1" } = {}) {
      const payload = body === undefined ? {} : { payload: body as object }
      const authorization = as === undefined ? {} : { authorization: `Bearer ${as}` }
      const response = await server.fastify.inject({
        method,
        url: path,
        headers: { ...authorization, ...headers },
        remoteAddress: address,
        ...payload,
      })
      return {
        status: response.statusCode,
        body: response.body === "" ? undefined : response.json(),
        headers: response.headers as Answered["headers"],
      }
    },
    async [Symbol.asyncDispose]() {
      await server.stop()
      await place.dispose()
    },
  }
}
