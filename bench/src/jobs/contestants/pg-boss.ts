import { setTimeout as pause } from "node:timers/promises"
import pg from "pg"
import PgBoss from "pg-boss"
import type { JobContestant, JobPlaces, JobSetting } from "../contract.ts"

/** Loops that fetch and do; how long one waits that found nothing, in milliseconds. */
const loops = 2
const pollMs = 5

/** Its `work` polls every half second at the quickest, so loops of our own call `fetch` and `complete`. */
export async function openPgBoss(
  { database }: JobPlaces,
  { effects, pool: size, concurrency, done }: JobSetting,
): Promise<JobContestant> {
  // Apart from each other: what it asks beside a completion must not wait for the transactions that wait for it.
  const forEffects = effects ? Math.ceil(size / 2) : 0
  const pool = new pg.Pool({ connectionString: database, max: Math.max(1, size - forEffects) })
  const effectPool = new pg.Pool({ connectionString: database, max: Math.max(1, forEffects) })
  const boss = new PgBoss({
    db: { executeSql: (text, values) => pool.query(text, values) },
    schedule: false,
    monitorStateIntervalSeconds: 3_600,
  })
  boss.on("error", (error) => {
    throw error
  })
  await boss.start()
  await boss.createQueue("bench")
  const batchSize = effects ? Math.ceil(concurrency / loops) : 1_000
  let stopped = false

  async function withEffect({ id, data: { n } }: PgBoss.Job<{ n: number }>): Promise<void> {
    const client = await effectPool.connect()
    try {
      await client.query("BEGIN")
      await client.query({ name: "effect", text: "INSERT INTO ledger (n) VALUES ($1)", values: [n] })
      await boss.complete("bench", id, { db: { executeSql: (text, values) => client.query(text, values) } })
      await client.query("COMMIT")
    } finally {
      client.release()
    }
    done(n)
  }

  async function loop(): Promise<void> {
    while (!stopped) {
      const jobs = await boss.fetch<{ n: number }>("bench", { batchSize })
      if (jobs.length === 0) await pause(pollMs)
      else if (effects) await Promise.all(jobs.map(withEffect))
      else {
        await boss.complete(
          "bench",
          jobs.map(({ id }) => id),
        )
        for (const { data } of jobs) done(data.n)
      }
    }
  }
  const running = Array.from({ length: loops }, loop)

  return {
    form: `${loops} loops of \`fetch\` (${batchSize}) and \`complete\`, ${effects ? "each completion in one transaction with its effect" : "of a batch at once"}; a send is \`send\`, of many \`insert\``,
    packages: ["pg-boss"],
    send: (n) => boss.send("bench", { n }),
    sendMany: (numbers) => boss.insert(numbers.map((n) => ({ name: "bench", data: { n } }))),
    waiting: async () =>
      Number((await pool.query("SELECT count(*) FROM pgboss.job WHERE state < 'completed'")).rows[0].count),
    async close() {
      stopped = true
      await Promise.all(running)
      await boss.stop({ graceful: false })
      await pool.end()
      await effectPool.end()
    },
  }
}
