import pg from "pg"
import type { JobContestant, JobPlaces, JobSetting } from "../contract.ts"

const createTable = `CREATE TABLE hand_job (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  queue text NOT NULL,
  run_at timestamptz NOT NULL DEFAULT now(),
  payload jsonb NOT NULL
)`
const createIndex = "CREATE INDEX ON hand_job (queue, run_at, id)"

const send = { name: "send", text: "INSERT INTO hand_job (queue, payload) VALUES ('bench', $1)" }
const sendMany = {
  name: "send many",
  text: "INSERT INTO hand_job (queue, payload) SELECT 'bench', payload::jsonb FROM unnest($1::text[]) AS payload",
}
const takeSome = {
  name: "take",
  text: "DELETE FROM hand_job WHERE id = ANY (ARRAY(SELECT id FROM hand_job WHERE queue = 'bench' AND run_at <= now() ORDER BY run_at, id LIMIT $1 FOR UPDATE SKIP LOCKED)) RETURNING payload",
}
const writeEffect = { name: "effect", text: "INSERT INTO ledger (n) VALUES ($1)" }

/** Jobs that a loop without effects takes at once. */
const batch = 1_000

/** How long a loop that found nothing waits to be woken, in milliseconds. */
const pollMs = 100

/** Loops over `FOR UPDATE SKIP LOCKED`: a transaction for each job with an effect, and for a batch without. */
export async function openByHand(
  { database }: JobPlaces,
  { effects, pool: size, done }: JobSetting,
): Promise<JobContestant> {
  const loops = effects ? Math.max(1, Math.round(size * 0.4)) : 2
  const pool = new pg.Pool({ connectionString: database, max: Math.max(1, size - loops) })
  await pool.query(createTable)
  await pool.query(createIndex)
  let stopped = false
  const sleepers = new Set<() => void>()
  const wake = (): void => {
    for (const one of sleepers) one()
    sleepers.clear()
  }
  const sleep = () =>
    new Promise<void>((resolve) => {
      const woken = () => {
        clearTimeout(timer)
        sleepers.delete(woken)
        resolve()
      }
      const timer = setTimeout(woken, pollMs)
      sleepers.add(woken)
    })

  async function loop(): Promise<void> {
    const client = new pg.Client({ connectionString: database, pipeline: true })
    await client.connect()
    const begin = async () => {
      const [, taken] = await Promise.all([
        client.query("BEGIN"),
        client.query<{ payload: { n: number } }>({ ...takeSome, values: [effects ? 1 : batch] }),
      ])
      return taken.rows
    }
    let next = begin()
    while (!stopped) {
      const rows = await next
      const ends = effects ? rows.map(({ payload }) => client.query({ ...writeEffect, values: [payload.n] })) : []
      const commit = client.query("COMMIT")
      // On its way together with the commit.
      if (rows.length > 0) next = begin()
      await Promise.all([...ends, commit])
      for (const { payload } of rows) done(payload.n)
      if (rows.length > 0) continue
      await sleep()
      next = begin()
    }
    await next
    await client.query("ROLLBACK")
    await client.end()
  }
  const running = Array.from({ length: loops }, loop)

  return {
    form: effects
      ? `\`pg\` with named statements, pipelined; ${loops} loops, a transaction each of BEGIN, a DELETE of one job found with SKIP LOCKED, the effect, COMMIT: one round trip a job, since the next one is taken in that of the commit; the other connections send`
      : `\`pg\` with named statements, pipelined; ${loops} loops that delete up to ${batch} jobs found with SKIP LOCKED, in a transaction around their handlers; a send is one INSERT of \`unnest\``,
    packages: ["pg"],
    async send(n) {
      await pool.query({ ...send, values: [JSON.stringify({ n })] })
      wake()
    },
    async sendMany(numbers) {
      await pool.query({ ...sendMany, values: [numbers.map((n) => JSON.stringify({ n }))] })
      wake()
    },
    waiting: async () => Number((await pool.query("SELECT count(*) FROM hand_job")).rows[0].count),
    async close() {
      stopped = true
      wake()
      await Promise.all(running)
      await pool.end()
    },
  }
}
