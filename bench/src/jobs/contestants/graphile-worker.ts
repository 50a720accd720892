import { Logger, makeWorkerUtils, run } from "graphile-worker"
import pg from "pg"
import type { JobContestant, JobPlaces, JobSetting } from "../contract.ts"

const localQueue = 500

export async function openGraphileWorker(
  { database }: JobPlaces,
  { effects, pool: size, concurrency, done }: JobSetting,
): Promise<JobContestant> {
  const pgPool = new pg.Pool({ connectionString: database, max: size })
  const failed = (error: Error) => {
    throw error
  }
  pgPool.on("error", failed)
  pgPool.on("connect", (client) => client.on("error", failed))
  const logger = new Logger(() => (level, message) => {
    if (level === "error") throw new Error(message)
  })
  const utils = await makeWorkerUtils({ pgPool, logger })
  await utils.migrate()
  const runner = await run({
    pgPool,
    logger,
    noHandleSignals: true,
    preset: { worker: { concurrentJobs: concurrency, localQueue: { size: localQueue }, completeJobBatchDelay: 0 } },
    taskList: {
      async bench(payload, { query }) {
        const { n } = payload as { n: number }
        if (effects) await query("INSERT INTO ledger (n) VALUES ($1)", [n])
        done(n)
      },
    },
  })
  return {
    form: `local queue of ${localQueue}, completions batched, ${concurrency} at a time; a send is \`addJob\`, of many \`addJobs\`; the effect commits by itself before the completion`,
    packages: ["graphile-worker"],
    send: (n) => utils.addJob("bench", { n }),
    sendMany: (numbers) => utils.addJobs(numbers.map((n) => ({ identifier: "bench", payload: { n } }))),
    waiting: async () =>
      Number((await pgPool.query("SELECT count(*) FROM graphile_worker._private_jobs")).rows[0].count),
    async close() {
      await runner.stop()
      await utils.release()
      await pgPool.end()
    },
  }
}
