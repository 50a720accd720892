import type { Database } from "rootstock"
import type { Cache } from "rootstock/cache"
import { keyAccess, type PartState, type System, type SystemContext, type SystemParts } from "rootstock/http"
import { type Jobs, type JobWorker, openJobs } from "rootstock/jobs"
import type { Metric } from "rootstock/metrics"
import { openScheduler, openSchedules, type Scheduler, type Schedules } from "rootstock/schedule"
import type { Tables } from "rootstock/schema"
import { OnceKeys, OrderedSets, Pruner, StateStore } from "rootstock/state"
import { openSystemCache } from "./caches.ts"
import type { Workplace } from "./commands/surroundings.ts"
import { openUnit, urlOf } from "./databases.ts"
import type { OpenedApp } from "./opened-app.ts"

/** A system over its opened database, with all that works on it in this process. */
export type OpenedSystem = {
  readonly system: System<Tables>
  readonly database: Database<Tables>
  readonly context: SystemContext
  readonly parts: SystemParts
  readonly cache: Cache
  readonly jobs: Jobs
  readonly schedules: Schedules
  readonly scheduler: Scheduler
  /** Begins to do its jobs, and to remove what has ended. */
  startWorker(options?: { queues?: readonly string[] }): Promise<JobWorker>
  /** Begins to connect to the broker, where there is one; before a worker starts. */
  connectBroker(): void
  brokerState(): PartState
  metrics(): Promise<readonly Metric[]>
  /** Ends what works on it, then closes the database; idempotent. */
  close(): Promise<void>
}

/**
 * Opens a system as the settings say; nothing works on its jobs and schedules before that is asked for.
 *
 * @param alone whether it is the only system of the process
 */
export async function openSystem(
  system: System<Tables>,
  workplace: Workplace,
  app: OpenedApp,
  alone: boolean,
): Promise<OpenedSystem> {
  const { settings, clock, log } = workplace
  const { name } = system
  const database = await openUnit(system, urlOf(system, settings, alone), workplace)
  try {
    const context = { clock, timeZone: settings.TIME_ZONE, log: log.named(name) }
    const jobs = openJobs(database, { jobs: system.jobs, log: log.named(`${name}.jobs`) })
    const broker = await openSystemBroker(name, jobs, workplace)
    const keys = keyAccess(name, "required", app.lookupKey)
    const secrets = app.secretsOf(name)
    const parts = system.open(database, { ...context, jobs, broker: broker !== undefined, keys, settings, secrets })
    const cache = await openSystemCache(system, database, parts.caches, { settings, log })
    const schedules = openSchedules(jobs)
    const scheduler = openScheduler(schedules, {
      declared: parts.schedules,
      log: log.named(`${name}.schedules`),
    })
    const { coherence } = cache
    const pruner = new Pruner({
      stores: [
        new StateStore(database, { coherence }),
        new OrderedSets(database, { coherence }),
        new OnceKeys(database),
      ],
      log: log.named(`${name}.state`),
    })
    const workers: JobWorker[] = []
    const { running = [] } = parts
    return {
      system,
      database,
      context,
      parts,
      cache,
      jobs,
      schedules,
      scheduler,
      async startWorker(options = {}) {
        const worker = jobs.worker({
          handlers: parts.handlers,
          ...(parts.concurrency === undefined ? {} : { concurrency: parts.concurrency }),
          ...options,
          ...(broker === undefined ? {} : { broker }),
        })
        workers.push(worker)
        await worker.start()
        pruner.start()
        if (options.queues === undefined) for (const one of running) await one.start()
        return worker
      },
      connectBroker: () => broker?.start(),
      brokerState: () => broker?.state ?? "off",
      async metrics() {
        return [
          ...cache.metrics(),
          ...(await jobs.metrics()),
          ...(broker?.metrics() ?? []),
          ...(await schedules.metrics()),
        ]
      },
      async close() {
        for (const one of running) await one.stop()
        await pruner.stop()
        await scheduler.stop()
        await Promise.all(workers.map((worker) => worker.stop()))
        await broker?.stop()
        await cache.close()
        await database.close()
      },
    }
  } catch (error) {
    await database.close()
    throw error
  }
}

/** The broker that the settings name, or undefined; its client is only loaded where there is one. */
async function openSystemBroker(name: string, jobs: Jobs, { settings, log }: Workplace) {
  if (settings.broker.startsWith("database:")) return undefined
  const { openBroker } = await import("rootstock/jobs/rabbitmq")
  return openBroker(jobs, { url: settings.broker, name, log: log.named(`${name}.broker`) })
}
