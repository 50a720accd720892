import assert from "node:assert/strict"
import { after, before, beforeEach } from "node:test"
import { type ManualClock, manualClock } from "../../../src/clock/index.ts"
import { objectOf, wholeNumber } from "../../../src/fields/index.ts"
import {
  createServer,
  DatabaseAnswers,
  IdempotencyStorage,
  type MountedSystem,
  Operations,
  type Server,
  type ServerOptions,
} from "../../../src/http/index.ts"
import { type Database, openDatabase, Storage } from "../../../src/index.ts"
import { defineJob, type Job, type Jobs, jobTables, openJobs } from "../../../src/jobs/index.ts"
import { createLogger } from "../../../src/log/index.ts"
import { createSchema } from "../../../src/migrate/index.ts"
import { defineSchedule, openSchedules, type Schedules, scheduleTables } from "../../../src/schedule/index.ts"
import type { AnyTable, Tables } from "../../../src/schema/index.ts"
import { AuditStorage, sharedTables } from "../../../src/shared/index.ts"
import { forEachEngine, type TemporaryDatabase } from "../../support/index.ts"

export const tables = { ...sharedTables, ...jobTables, ...scheduleTables }

/** All but the audit, from which nothing is removed. */
const { audit: _, ...emptied } = tables

const numbered = objectOf("Numbered", { n: wholeNumber(0) })
/** One to lists and one to letters; all jobs carry a number. */
export const sweep = defineJob("sweep", { queue: "lists.sweep", payload: numbered })
export const clean = defineJob("clean", { queue: "lists.clean", payload: numbered })
export const letter = defineJob("letter", { queue: "letters", payload: numbered })

/** A schedule that is declared in code. */
export const nightly = defineSchedule("nightly", {
  cron: "0 2 * * *",
  timeZone: "Europe/Berlin",
  job: sweep,
  payload: { n: 0 },
})

/** The worker that has what is held. */
export const holder = "00000000-0000-7000-8000-000000000001"

export const start = "2026-03-28T12:00:00.000Z"

/** An answer as it came. */
export type Answered = { readonly status: number; readonly body: any; readonly headers: Record<string, unknown> }

/** A row of the audit, without what differs from run to run. */
export type Audited = { readonly action: string; readonly entity: string; readonly id: string } & Record<
  string,
  unknown
>

/** Where a test takes place: a system with operations over a database, and a server that is asked without a socket. */
export type Place = {
  readonly clock: ManualClock
  readonly db: Database
  readonly jobs: Jobs
  readonly schedules: Schedules
  /** Sends a request to `/operations/example` from this machine. */
  send(
    method: "GET" | "POST" | "PUT" | "DELETE",
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answered>
  /** What was written down since the test began, in its order. */
  audited(): Promise<Audited[]>
  /** Lets a worker have a waiting job. */
  hold(id: string): Promise<void>
  /** A job that failed for good, whose history has two errors. */
  kill(job: Job, n: number): Promise<string>
}

/** A server over systems, which is asked without a socket. */
export function serverOver(systems: readonly MountedSystem[], more: Partial<ServerOptions> = {}): Promise<Server> {
  const log = createLogger({ name: "http", level: "error" })
  const health = { probes: [] }
  return createServer({ title: "T", version: "1", systems, lookupKey: async () => undefined, health, log, ...more })
}

/** The system of a database, as it is mounted. */
export function systemOver(database: Database, schedules: Schedules, name = "example"): MountedSystem {
  const answers = new DatabaseAnswers(database.storage(IdempotencyStorage), schedules.jobs.clock)
  return { name, routes: [], auth: "required", answers, operations: new Operations(schedules) }
}

/** Defines the same cases on every engine. */
export function forEachPlace(define: (place: Place) => void): void {
  forEachEngine((engine) => {
    const clock = manualClock(start)
    const place: { -readonly [K in keyof Place]: Place[K] } = { clock } as never
    let temporary: TemporaryDatabase
    let server: Server
    let written = 0
    before(async () => {
      temporary = await engine.temporaryDatabase()
      await createSchema(temporary.url, tables)
      place.db = (await openDatabase(temporary.url, { tables: tables as Tables, clock })) as unknown as Database
      place.jobs = openJobs(place.db, { jobs: [sweep, clean, letter] })
      place.schedules = openSchedules(place.jobs)
      server = await serverOver([systemOver(place.db, place.schedules)])
    })
    beforeEach(async () => {
      clock.set(start)
      const audit = place.db.storage(AuditStorage)
      written = (await audit.find({}, { orderBy: { id: "desc" } }))?.id ?? 0
      for (const table of Object.values(emptied)) await place.db.storage(Storage(table as AnyTable)).deleteWhere({})
    })
    after(async () => {
      await server?.stop()
      await place.db?.close()
      await temporary?.dispose()
    })
    place.send = async (method, path, body, headers = {}) => {
      const response = await server.fastify.inject({
        method,
        url: `/operations/example${path}`,
        headers: { ...(method === "POST" ? { "content-type": "application/json" } : {}), ...headers },
        ...(body === undefined ? {} : { payload: body as object }),
      })
      const text = response.body
      return {
        status: response.statusCode,
        body: text === "" ? undefined : JSON.parse(text),
        headers: response.headers,
      }
    }
    place.kill = async ({ queue, kind }, n) => {
      const facts = { queue, kind, lane: 2, attempt: 2, maxAttempts: 2, fireAt: null, payload: { n } }
      const ended = {
        reason: "attempts",
        lastError: "Error: second",
        createdAt: clock.now(),
        diedAt: clock.now(),
      } as const
      const { dead, errors } = place.jobs.store
      const { id: jobId } = await dead.create({ ...facts, ...ended })
      for (const [at, error] of ["Error: first", "Error: second"].entries()) {
        await errors.create({ jobId, attempt: at + 1, error, at: clock.now() })
      }
      return jobId
    }
    place.hold = async (id) => {
      await place.jobs.store.jobs.update(id, { state: "held", attempt: 1, worker: holder })
    }
    place.audited = async () => {
      const rows = await place.db.storage(AuditStorage).list({ where: { id: { gt: written } }, orderBy: { id: "asc" } })
      return rows.map(({ actorKind, actorId, action, entity, entityId, before, after }) => {
        assert.deepEqual([actorKind, actorId], ["console", "operator"])
        return { action, entity, id: entityId, before, after } as Audited
      })
    }
    define(place)
  })
}
