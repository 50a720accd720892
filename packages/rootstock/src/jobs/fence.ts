import type { Dialect } from "../engine/index.ts"
import type { SqlValue } from "../schema/index.ts"
import type { TakenJob } from "./taken.ts"

/**
 * What tells one taking of a job from all others. No two takings are alike, so whatever happens only while the taking
 * stands happens once, however many believe that they have the job.
 */
export type Fence = {
  /** The condition on rows of `job`, its parameters counted on from `before`. */
  condition(dialect: Dialect, before: number): string
  /** Its parameters. */
  values(job: TakenJob): readonly SqlValue[]
}

/** The job is held by this worker in this attempt. */
export function heldBy(worker: string): Fence {
  return {
    condition: (dialect, before) =>
      `id = ${dialect.parameter(before + 1)} AND attempt = ${dialect.parameter(before + 2)} AND worker = ${dialect.parameter(before + 3)}`,
    values: ({ id, attempt }) => [id, attempt, worker],
  }
}
