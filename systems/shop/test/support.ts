import { randomUUID } from "node:crypto"
import { fileURLToPath } from "node:url"
import { type ManualClock, manualClock, openDatabase } from "rootstock"
import { type Cache, openCache } from "rootstock/cache"
import { createServer, mountable, type Server, type SystemContext } from "rootstock/http"
import { type JobHandler, type Jobs, openJobs } from "rootstock/jobs"
import { createLogger } from "rootstock/log"
import { migrateUp } from "rootstock/migrate"
import { openScheduler, openSchedules, type Scheduler, type Schedules } from "rootstock/schedule"
import type { Engine } from "../../../packages/rootstock/test/support/index.ts"
import { makeCaches } from "../caches.ts"
import { shop } from "../index.ts"
import { makeHandlers } from "../jobs/handlers.ts"
import { makeSchedules } from "../jobs/schedules.ts"
import { routes } from "../routes/index.ts"
import { tables } from "../schema.ts"
import { makeServices, type Services } from "../services/index.ts"
import { openStores, type ShopDatabase, type Stores } from "../storages/index.ts"

/** An answer to a request. */
export type Answered = { status: number; body: any; headers: Record<string, string | string[] | number | undefined> }

/** A shop with an empty database of its own. */
export type TestShop = AsyncDisposable & {
  readonly url: string
  readonly database: ShopDatabase
  readonly stores: Stores
  readonly cache: Cache
  readonly services: Services
  readonly jobs: Jobs
  readonly handlers: readonly JobHandler[]
  readonly schedules: Schedules
  /** Fires what is due when it is told to. */
  readonly scheduler: Scheduler
  /** Does all jobs that can be done, until none is left. */
  work(): Promise<void>
  readonly server: Server
  readonly context: SystemContext
  readonly clock: ManualClock
  readonly logged: { level: string; name: string; message: string }[]
  send(
    method: "GET" | "POST" | "PUT" | "DELETE",
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answered>
}

/** Where a shop caches: nowhere, in the process, or in Redis under keys of its own. */
export type CachePlace = "off" | "memory" | "redis"

/** The places that an engine can have in this run. */
export const cachePlaces: readonly CachePlace[] = process.env["TEST_REDIS_URL"]
  ? ["off", "memory", "redis"]
  : ["off", "memory"]

/** Each engine has another place by default, so that every test sees all of them. */
const usualPlaces = {
  sqlite: "memory",
  "embedded-postgres": "off",
  postgres: cachePlaces.at(-1) as CachePlace,
} as const

function cacheUrl(place: CachePlace): string {
  // No other process writes to the database of a test.
  if (place === "memory") return "memory:?exclusive=true"
  return place === "off" ? "off:" : (process.env["TEST_REDIS_URL"] as string)
}

/** Opens a shop on an engine; the clock stands at noon UTC of a Wednesday. */
export async function openShop(
  engine: Engine,
  { cachePlace = usualPlaces[engine.name], broker = false }: { cachePlace?: CachePlace; broker?: boolean } = {},
): Promise<TestShop> {
  const place = await engine.temporaryDatabase()
  await migrateUp({ url: place.url, directory: fileURLToPath(shop.migrations) })
  const clock = manualClock("2026-03-11T12:00:00.000Z")
  const database = await openDatabase(place.url, { tables, clock })
  const logged: TestShop["logged"] = []
  const log = createLogger({
    name: "shop",
    level: "debug",
    format: "json",
    clock,
    destination: { write: (line) => logged.push(JSON.parse(line)) },
  })
  const context = { log, clock, timeZone: "Europe/Moscow" }
  const stores = openStores(database)
  const caches = makeCaches(stores)
  const jobs = openJobs(database, { jobs: shop.jobs, log: log.named("shop.jobs") })
  const services = makeServices({ ...context, stores, caches, jobs, broker })
  const handlers = makeHandlers(services, context.timeZone)
  const parts = {
    routes: routes(services),
    caches: Object.values(caches),
    handlers,
    schedules: makeSchedules(context.timeZone),
  }
  const schedules = openSchedules(jobs)
  const scheduler = openScheduler(schedules, { declared: parts.schedules, log: log.named("shop.schedules") })
  const cache = await openCache(database, {
    url: cacheUrl(cachePlace),
    caches: parts.caches,
    prefix: `shop-test-${randomUUID()}:`,
    warn: (message, cause) => log.named("shop.cache").warning(message, { error: cause }),
    trace: (event, key) => log.named("shop.cache").debug(`${event} ${key}`),
  })
  const server = await createServer({
    title: "Shop",
    version: "0",
    systems: [mountable(shop, database, context, parts)],
    lookupKey: async () => undefined,
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
      const worker = jobs.worker({ handlers, pollMs: 50 })
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
    async send(method, url, body, headers = {}) {
      const payload = body === undefined ? {} : { payload: body as object }
      const response = await server.fastify.inject({ method, url, headers, ...payload })
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
