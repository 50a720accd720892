import { elapsed } from "../../clock/index.ts"
import { TimeoutError } from "../../errors/index.ts"
import { databaseClosed } from "../closed.ts"
import type { SqliteConnection } from "./connection.ts"
import { heldElsewhere, isBusy, translateSqliteError } from "./errors.ts"

/** Work that runs on the writer in one go; an error in it undoes only it. */
export type Unit<T> = {
  readonly work: (connection: SqliteConnection) => T
  /** More than one statement: it needs a savepoint of its own. */
  readonly several: boolean
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void
  readonly deadline: number
  /** The group that it was in could not be committed: it runs again in a transaction of its own. */
  alone: boolean
}

/** A transaction that waits to have the writer for itself. */
type Claim = {
  readonly label: string
  readonly resolve: (release: () => void) => void
  readonly reject: (error: Error) => void
  readonly deadline: number
}

type Waiting = { readonly unit: Unit<any> } | { readonly claim: Claim }

export type WriterOptions = {
  /** How long work waits for the writer, in milliseconds. */
  readonly waitMs: number
}

/** The longest that one group of units keeps the event loop, in milliseconds. */
const groupMs = 10
/** The longest that work follows upon work without a turn of the event loop, in milliseconds. */
const handoverMs = 4
const groupSize = 512

/**
 * The one connection that writes, and the line before it.
 *
 * Units that wait together are committed together: one `BEGIN IMMEDIATE … COMMIT`, so one wait for the disk. Each is
 * answered after the commit with its own result or error. A transaction has the writer alone from its claim to its end.
 */
export class Writer {
  readonly connection: SqliteConnection
  readonly #waitMs: number
  #queue: Waiting[] = []
  #head = 0
  #scheduled = false
  #running = false
  /** When a fresh turn of the event loop was last seen. */
  #turn = 0
  /** A callback of this turn of the event loop has been served. */
  #served = false
  #forgetting = false
  #holder: { label: string; since: number } | undefined
  #watch: NodeJS.Timeout | undefined
  #idle: (() => void) | undefined
  #closed = false

  constructor(connection: SqliteConnection, { waitMs }: WriterOptions) {
    this.connection = connection
    this.#waitMs = waitMs
  }

  /** Whether a transaction has the writer. */
  get held(): boolean {
    return this.#holder !== undefined
  }

  /** Puts a unit in line; it runs with those that wait beside it. */
  write<T>(work: (connection: SqliteConnection) => T, several: boolean): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#enter(
        { unit: { work, several, resolve, reject, deadline: elapsed() + this.#waitMs, alone: false } },
        reject,
      )
    })
  }

  /** Waits for the writer and begins a transaction on it; the answer gives it back. */
  claim(label: string): Promise<() => void> {
    return new Promise((resolve, reject) => {
      this.#enter({ claim: { label, resolve, reject, deadline: elapsed() + this.#waitMs } }, reject)
    })
  }

  /** Waits for what is in line, then closes the connection. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#running || this.#holder !== undefined || this.#head < this.#queue.length) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    }
    this.connection.close()
  }

  #enter(waiting: Waiting, reject: (error: Error) => void): void {
    if (this.#closed) {
      reject(databaseClosed())
      return
    }
    this.#queue.push(waiting)
    if (this.#holder === undefined && !this.#running) this.#schedule()
    else this.#startWatch()
  }

  /**
   * The line moves on when the callback that runs has ended with all its promises: whoever writes in it shares the commit.
   * Where an earlier callback of this turn of the event loop wrote already, more may follow, as requests do that came
   * together: then it waits for the end of the turn.
   */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    if (this.#served || elapsed() - this.#turn >= handoverMs) setImmediate(this.#takeTurn)
    else process.nextTick(this.#takeCallback)
  }

  readonly #takeTurn = (): void => {
    this.#scheduled = false
    this.#served = false
    this.#turn = elapsed()
    this.#pump()
  }

  readonly #takeCallback = (): void => {
    this.#scheduled = false
    this.#served = false
    this.#pump()
    // Behind the promises that were just kept: what they write next belongs to the same callback.
    queueMicrotask(() => process.nextTick(this.#markServed))
  }

  readonly #markServed = (): void => {
    this.#served = true
    if (this.#forgetting) return
    this.#forgetting = true
    setImmediate(this.#forgetServed)
  }

  readonly #forgetServed = (): void => {
    this.#forgetting = false
    this.#served = false
    this.#turn = elapsed()
  }

  #pump(): void {
    if (this.#running || this.#holder !== undefined) return
    const next = this.#queue[this.#head]
    if (next === undefined) {
      this.#settle()
      return
    }
    this.#running = true
    if ("claim" in next) this.#startClaim(next.claim)
    else this.#startGroup()
  }

  /** After anything ended: goes on with the line, or reports that it is empty. */
  #settle(): void {
    this.#running = false
    if (this.#head > 1024 || this.#head === this.#queue.length) {
      this.#queue = this.#head === this.#queue.length ? [] : this.#queue.slice(this.#head)
      this.#head = 0
    }
    const next = this.#queue[this.#head]
    if (next !== undefined) {
      // The writer is handed to the next transaction at once; units gain from waiting for others.
      if ("claim" in next && !this.#scheduled && elapsed() - this.#turn < handoverMs) this.#pump()
      else this.#schedule()
      return
    }
    clearTimeout(this.#watch)
    this.#watch = undefined
    this.#idle?.()
  }

  #startClaim(claim: Claim): void {
    this.#begin(claim.deadline, (error) => {
      // The time limit may have taken it out of the line meanwhile.
      const waiting = this.#queue[this.#head]
      const mine = waiting !== undefined && "claim" in waiting && waiting.claim === claim
      if (mine) this.#head++
      if (error !== undefined) {
        if (mine) claim.reject(error)
        this.#settle()
      } else if (!mine) {
        this.connection.command("ROLLBACK")
        this.#settle()
      } else {
        this.#running = false
        this.#holder = { label: claim.label, since: elapsed() }
        if (this.#queue.length > this.#head) this.#startWatch()
        let released = false
        claim.resolve(() => {
          if (released) return
          released = true
          this.#holder = undefined
          this.#settle()
        })
      }
    })
  }

  #startGroup(): void {
    const first = (this.#queue[this.#head] as { unit: Unit<unknown> }).unit
    const second = this.#queue[this.#head + 1]
    if (!first.several && (first.alone || second === undefined || "claim" in second)) {
      this.#runAlone(first)
      return
    }
    this.#begin(first.deadline, (error) => {
      if (error === undefined) this.#runGroup()
      else {
        const waiting = this.#queue[this.#head]
        if (waiting !== undefined && "unit" in waiting && waiting.unit === first) {
          this.#head++
          first.reject(error)
        }
      }
      this.#settle()
    })
  }

  /** A single statement is a transaction of its own. */
  #runAlone(unit: Unit<unknown>): void {
    let result: unknown
    try {
      result = unit.work(this.connection)
    } catch (error) {
      if (isBusy(error) && elapsed() < unit.deadline) {
        this.#later(() => {
          const waiting = this.#queue[this.#head]
          if (waiting !== undefined && "unit" in waiting && waiting.unit === unit) this.#runAlone(unit)
          else this.#settle()
        })
        return
      }
      this.#head++
      unit.reject(isBusy(error) ? heldElsewhere(this.#waitMs, error) : translateSqliteError(error))
      this.#settle()
      return
    }
    this.#head++
    unit.resolve(result)
    this.#settle()
  }

  #runGroup(): void {
    const group: { unit: Unit<unknown>; result?: unknown; error?: Error }[] = []
    const end = elapsed() + groupMs
    let lost: unknown
    while (this.#head < this.#queue.length && group.length < groupSize) {
      const waiting = this.#queue[this.#head] as Waiting
      if ("claim" in waiting) break
      const { unit } = waiting
      if (group.length > 0 && (unit.alone || group[0]?.unit.alone)) break
      this.#head++
      try {
        group.push({ unit, result: this.#runUnit(unit) })
      } catch (error) {
        group.push({ unit, error: translateSqliteError(error) })
        // Some errors (a full disk, out of memory) end the transaction of all: https://sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
        if (!this.connection.isTransaction) {
          lost = error
          break
        }
      }
      if (elapsed() > end) break
    }
    if (lost === undefined) {
      try {
        this.connection.command("COMMIT")
      } catch (error) {
        lost = error
        if (this.connection.isTransaction) this.connection.command("ROLLBACK")
      }
    }
    if (lost !== undefined && group.length > 1) {
      // One of them cannot be committed (a deferred reference, a full disk). Those that failed for a row that is gone
      // again may succeed now, so all of them go back to the head of the line.
      for (const { unit } of group) unit.alone = true
      this.#head -= group.length
      return
    }
    for (const { unit, result, error } of group) {
      if (error !== undefined) unit.reject(error)
      else if (lost !== undefined) unit.reject(translateSqliteError(lost))
      else unit.resolve(result)
    }
  }

  #runUnit(unit: Unit<unknown>): unknown {
    if (!unit.several) return unit.work(this.connection)
    this.connection.command("SAVEPOINT unit")
    try {
      const result = unit.work(this.connection)
      this.connection.command("RELEASE unit")
      return result
    } catch (error) {
      if (this.connection.isTransaction) this.connection.exec("ROLLBACK TO unit; RELEASE unit")
      throw error
    }
  }

  /** `BEGIN IMMEDIATE`, tried again while another process holds the file; the event loop stays free between tries. */
  #begin(deadline: number, done: (error: Error | undefined) => void): void {
    try {
      this.connection.command("BEGIN IMMEDIATE")
    } catch (error) {
      if (!isBusy(error)) done(translateSqliteError(error))
      else if (elapsed() >= deadline) done(heldElsewhere(this.#waitMs, error))
      else this.#later(() => this.#begin(deadline, done))
      return
    }
    done(undefined)
  }

  #later(again: () => void): void {
    setTimeout(again, 1 + Math.random() * 9)
  }

  /** Sees to it that what waits behind a long transaction is told in time. */
  #startWatch(): void {
    this.#watch ??= setTimeout(this.#expire, this.#waitMs + 1)
  }

  readonly #expire = (): void => {
    this.#watch = undefined
    const present = elapsed()
    const kept: Waiting[] = []
    for (let index = this.#head; index < this.#queue.length; index++) {
      const waiting = this.#queue[index] as Waiting
      const { deadline, reject } = "claim" in waiting ? waiting.claim : waiting.unit
      // What runs at this moment has its own end.
      if (deadline > present || (this.#running && index === this.#head)) kept.push(waiting)
      else reject(this.#waitedTooLong())
    }
    this.#queue = kept
    this.#head = 0
    const next = kept[0]
    if (next !== undefined) {
      const { deadline } = "claim" in next ? next.claim : next.unit
      this.#watch = setTimeout(this.#expire, Math.max(1, deadline - present + 1))
    }
  }

  #waitedTooLong(): Error {
    const holder = this.#holder
    const who =
      holder === undefined
        ? "by another process"
        : `by the transaction ${holder.label}, since ${Math.round(elapsed() - holder.since)} ms`
    return new TimeoutError(`Waited ${this.#waitMs} ms for the writer, which is held ${who}.`, {
      cure: "Make that transaction shorter: call no other server inside it, and await everything it starts.",
    })
  }
}
