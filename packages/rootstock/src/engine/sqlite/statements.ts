import type { StatementSync } from "node:sqlite"

/** Characters of SQL in one generation, which bounds the memory of long statements. */
const textKept = 1_000_000

/**
 * Prepared statements by their SQL, the most recently used ones. Two generations: when the younger is full it becomes
 * the older one, and what nobody asked for meanwhile goes. A hit in the younger costs one look-up.
 */
export class StatementCache {
  readonly #half: number
  #length = 0
  #young = new Map<string, StatementSync>()
  #old = new Map<string, StatementSync>()

  constructor(capacity: number) {
    this.#half = Math.max(1, capacity >> 1)
  }

  get(sql: string): StatementSync | undefined {
    const found = this.#young.get(sql)
    if (found !== undefined) return found
    const older = this.#old.get(sql)
    if (older !== undefined) this.set(sql, older)
    return older
  }

  set(sql: string, statement: StatementSync): void {
    if (this.#young.size >= this.#half || this.#length > textKept) {
      this.#old = this.#young
      this.#young = new Map()
      this.#length = 0
    }
    this.#length += sql.length
    this.#young.set(sql, statement)
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }
}
