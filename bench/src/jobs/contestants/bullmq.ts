import { Queue, Worker } from "bullmq"
import pg from "pg"
import type { JobContestant, JobPlaces, JobSetting } from "../contract.ts"

export async function openBullMq(
  { database, redis }: JobPlaces,
  { effects, pool: size, concurrency, done }: JobSetting,
): Promise<JobContestant> {
  const pool = new pg.Pool({ connectionString: database, max: size })
  const connection = { url: redis }
  const queue = new Queue("bench", { connection })
  const worker = new Worker(
    "bench",
    async ({ data: { n } }) => {
      if (effects) await pool.query({ name: "effect", text: "INSERT INTO ledger (n) VALUES ($1)", values: [n] })
      done(n)
    },
    { connection, concurrency },
  )
  await worker.waitUntilReady()
  const options = { removeOnComplete: true }
  return {
    form: `Redis with \`appendfsync always\`, ${concurrency} at a time, \`removeOnComplete\`; a send is \`add\`, of many \`addBulk\`; the effect commits in PostgreSQL before the completion`,
    packages: ["bullmq"],
    send: (n) => queue.add("bench", { n }, options),
    sendMany: (numbers) => queue.addBulk(numbers.map((n) => ({ name: "bench", data: { n }, opts: options }))),
    async waiting() {
      const counts = await queue.getJobCounts("wait", "active", "delayed", "prioritized")
      return Object.values(counts).reduce((sum, count) => sum + count, 0)
    },
    async close() {
      await worker.close()
      await queue.close()
      await pool.end()
    },
  }
}
