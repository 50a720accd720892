import type { Row } from "../../schema/index.ts"
import { afterCommit } from "../../session/index.ts"
import { checkName } from "../define.ts"
import { depths, type QueueDepth } from "../depths.ts"
import type { Jobs } from "../jobs.ts"
import type { worker } from "../tables.ts"

/** Takes nothing more from a queue, in all processes, until it is resumed; what was taken is done. */
export async function pauseQueue(jobs: Jobs, queue: string): Promise<void> {
  checkName(`The queue ${JSON.stringify(queue)}`, queue)
  await jobs.store.paused.upsert({ queue, at: jobs.clock.now() })
}

/** Takes jobs from a paused queue again. @returns whether it was paused */
export async function resumeQueue(jobs: Jobs, queue: string): Promise<boolean> {
  const wasPaused = await jobs.store.paused.delete(queue)
  const present = jobs.clock.now().getTime()
  afterCommit(() => jobs.wake(queue, present))
  return wasPaused
}

/** How the queues and the workers of a database stand. */
export type JobStats = { readonly queues: readonly QueueDepth[]; readonly workers: readonly Row<typeof worker>[] }

/** How all queues stand, those without a job included, and which workers live. Costs the same however full they are. */
export async function jobStats(jobs: Jobs): Promise<JobStats> {
  const [{ queues }, workers] = await Promise.all([depths(jobs), jobs.store.workers.list({ orderBy: { id: "asc" } })])
  return { queues, workers }
}
