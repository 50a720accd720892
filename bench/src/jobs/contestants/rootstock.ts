import { objectOf, wholeNumber } from "../../../../packages/rootstock/src/fields/index.ts"
import { afterCommit, openDatabase, Storage } from "../../../../packages/rootstock/src/index.ts"
import { defineJob, handle, openJobs } from "../../../../packages/rootstock/src/jobs/index.ts"
import { openBroker } from "../../../../packages/rootstock/src/jobs/rabbitmq/index.ts"
import { createLogger } from "../../../../packages/rootstock/src/log/index.ts"
import type { JobContestant, JobPlaces, JobSetting } from "../contract.ts"
import { ledger, tables } from "../tables.ts"

const payload = objectOf("Numbered", { n: wholeNumber(0) })
export const effect = defineJob("effect", { queue: "bench", payload, transactional: true })
export const plain = defineJob("plain", { queue: "bench", payload })

export const openTables = (database: string, pool: number) =>
  openDatabase(database, { tables, postgres: { pool: { size: pool, overflow: 0 } } })

/** @param broker URL of a RabbitMQ by way of which the jobs go */
export async function openRootstock(
  { database, broker }: Pick<JobPlaces, "database"> & { broker?: string },
  { effects, pool, concurrency, done }: JobSetting,
): Promise<JobContestant> {
  const db = await openTables(database, pool)
  const jobs = openJobs(db, { jobs: [effect, plain], log: createLogger({ name: "jobs", level: "warning" }) })
  const entries = db.storage(Storage(ledger))
  const kind = effects ? effect : plain
  const relay = broker === undefined ? undefined : openBroker(jobs, { url: broker })
  relay?.start()
  const worker = jobs.worker({
    concurrency,
    ...(relay === undefined ? {} : { broker: relay }),
    handlers: [
      handle(plain, ({ n }) => done(n)),
      handle(effect, async ({ n }) => {
        afterCommit(() => done(n))
        await entries.createMany([{ n }], { returning: false })
      }),
    ],
  })
  await worker.start()
  const how = effects
    ? "a transactional handler with `storage.createMany([row], { returning: false })`"
    : "a handler that does nothing"
  return {
    form: `\`jobs.send\`, \`jobs.sendMany\`; a worker in the process with ${concurrency} at a time, ${how}`,
    packages: [],
    send: (n) => jobs.send(kind, { n }),
    sendMany: (numbers) =>
      jobs.sendMany(
        kind,
        numbers.map((n) => ({ n })),
      ),
    waiting: () => jobs.store.jobs.count(),
    async close() {
      await worker.stop()
      await relay?.stop()
      await db.close()
    },
  }
}
