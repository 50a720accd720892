import type { Query, Step } from "../engine/index.ts"
import { type ColumnDefinition, definitionOf } from "../schema/index.ts"
import { asItIs, statement } from "./outcomes.ts"
import type { Backend } from "./storages.ts"
import { job } from "./tables.ts"
import type { TakenJob } from "./taken.ts"

/** Jobs that were completed together, and how many of them were held still. */
export type Completed = { readonly jobs: readonly TakenJob[]; readonly stood: number }

/** The most jobs of one statement. */
const mostAtOnce = 10_000

/** Completes many held jobs, whose effects are elsewhere or nowhere, with a statement for each kind and attempt. */
export class BatchCompletion {
  readonly #backend: Backend
  readonly #complete: Query

  constructor(backend: Backend) {
    const { dialect } = backend
    const { type } = definitionOf(job).column.get("id") as ColumnDefinition
    const [ids, attempt, worker] = [1, 2, 3].map((index) => dialect.parameter(index)) as [string, string, string]
    this.#backend = backend
    // Found by their ids alone: beside other ways to say it, a planner may read the whole table.
    this.#complete = statement(
      `DELETE FROM job WHERE ${dialect.among("id", ids, type)} AND attempt = ${attempt} AND worker = ${worker}`,
      "jobs.complete",
    )
  }

  /** @returns all of them, those of each kind apart */
  async complete(jobs: readonly TakenJob[], worker: string): Promise<readonly Completed[]> {
    const groups = groupsOf(jobs)
    const results = await this.#backend.unit(
      groups.map((group) => this.#step(group, worker)),
      asItIs,
    )
    return groups.map((group, index) => ({ jobs: group, stood: results[index]?.changes ?? 0 }))
  }

  #step(group: readonly TakenJob[], worker: string): Step {
    const ids = this.#backend.dialect.list(group.map(({ id }) => id))
    return { query: this.#complete, values: [ids, (group[0] as TakenJob).attempt, worker] }
  }
}

/** Those of one kind, in the same attempt. */
function groupsOf(jobs: readonly TakenJob[]): readonly (readonly TakenJob[])[] {
  const groups: TakenJob[][] = []
  for (const one of jobs) {
    // There are few.
    const group = groups.findLast(([first]) => first?.kind === one.kind && first.attempt === one.attempt)
    if (group === undefined || group.length === mostAtOnce) groups.push([one])
    else group.push(one)
  }
  return groups
}
