import { fileURLToPath } from "node:url"
import { type ManualClock, manualClock, openDatabase } from "rootstock"
import { createServer, mountable, type Server, type SystemContext } from "rootstock/http"
import { createLogger } from "rootstock/log"
import { migrateUp } from "rootstock/migrate"
import type { Engine } from "../../../packages/rootstock/test/support/index.ts"
import { shop } from "../index.ts"
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
  readonly services: Services
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

/** Opens a shop on an engine; the clock stands at noon UTC of a Wednesday. */
export async function openShop(engine: Engine): Promise<TestShop> {
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
  const server = await createServer({
    title: "Shop",
    version: "0",
    systems: [mountable(shop, database, context)],
    lookupKey: async () => undefined,
    probes: [() => database.ping()],
    log: log.named("http"),
    release: () => database.close(),
  })
  return {
    url: place.url,
    database,
    stores,
    services: makeServices({ ...context, stores }),
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
