import type { Jobs } from "../jobs.ts"
import { type JobSummary, summaryOfDead, summaryOfLiving } from "./list.ts"

/** All that is known of a job. */
export type JobDetail = JobSummary & {
  /** As JSON. */
  readonly payload: unknown
  /** What went wrong, the latest first; at most 100. */
  readonly errors: readonly { readonly attempt: number; readonly error: string; readonly at: Date }[]
}

const mostErrors = 100

/** A job with its payload and what went wrong with it, or undefined where there is none: also if it is done. */
export async function showJob(jobs: Jobs, id: string): Promise<JobDetail | undefined> {
  const { store } = jobs
  const living = await store.jobs.get(id)
  const dead = living === undefined ? await store.dead.get(id) : undefined
  const row = living ?? dead
  if (row === undefined) return undefined
  const errors = await store.errors.list({ where: { jobId: id }, orderBy: { id: "desc" }, limit: mostErrors })
  return {
    ...(living === undefined ? summaryOfDead(dead as NonNullable<typeof dead>) : summaryOfLiving(living)),
    payload: row.payload,
    errors: errors.map(({ attempt, error, at }) => ({ attempt, error, at })),
  }
}
