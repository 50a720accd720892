import { transaction } from "../session/index.ts"
import { checkWhole } from "./checks.ts"

export type PruneOptions = {
  /** Rows that one transaction removes, 1 to 10,000 (default 500). */
  portion?: number
  /** Ends it between two portions. */
  signal?: AbortSignal | undefined
}

/** Something whose expired rows are removed from time to time. */
export type Prunable = {
  /** Name for the log. */
  readonly name: string
  /** Removes expired rows in portions, each in a transaction of its own; how many. */
  prune(options?: PruneOptions): Promise<number>
}

/** Removes portions until one is not full. */
export async function pruneAll(
  name: string,
  { portion = 500, signal }: PruneOptions,
  remove: (portion: number) => Promise<number>,
): Promise<number> {
  checkWhole("The portion", portion, 1, 10_000)
  for (let total = 0; ; ) {
    const removed = await transaction(() => remove(portion), { name: `${name}.prune` })
    total += removed
    if (removed < portion || signal?.aborted === true) return total
  }
}
