import type { SqlValue } from "../../schema/index.ts"
import type { Query, Step, StepResult } from "../contract.ts"
import { unreadable } from "../unreadable.ts"
import { fromServerError, isStalePlan, type ServerError, stalePlan } from "./errors.ts"
import { messages } from "./messages.ts"
import type { Statement } from "./statements.ts"
import type { Wire } from "./wire.ts"

/** A column as the server describes it. */
export type Field = {
  readonly name: string
  /** 0 where the column is computed. */
  readonly tableId: number
  readonly columnId: number
  readonly typeId: number
}

/** A statement that is run in front of others in the same round trip, and whose answer nobody wants. */
export type Prelude = { readonly sql: string; readonly values: readonly SqlValue[] }

export const noPreludes: readonly Prelude[] = []

/**
 * What is asked of a connection in one go, and what comes of it: all that lies between two ReadyForQuery messages.
 * If one statement of it fails, the server leaves out the others.
 */
export abstract class Exchange {
  abstract readonly label: string
  preludes: readonly Prelude[] = noPreludes
  /** Preludes not yet answered. */
  skipping = 0
  /** Statements whose Parse is on its way, in order. */
  parsing: Statement[] | undefined
  failure: ServerError | undefined
  /** The answer cannot be read, though the server gave it. */
  unreadable: unknown
  #repeated = false

  /** Writes the messages, without preludes and Sync. */
  abstract write(wire: Wire): void
  abstract row(row: (string | null)[]): void
  abstract complete(changes: number, tag: string): void
  abstract succeed(wire: Wire): void
  abstract fail(error: unknown): void

  /** Goes by the simple protocol, which needs no Sync and has no preludes. */
  get simple(): boolean {
    return false
  }

  /** Whether the command tag is wanted as text. */
  get wantsTag(): boolean {
    return false
  }

  /** Clears what a first, failed try has left. */
  reset(): void {
    this.failure = undefined
    this.unreadable = undefined
    this.parsing = undefined
  }

  describe(_fields: Field[]): void {
    // Only some want to know.
  }

  suspended(): void {
    // Only portions of a stream are.
  }

  /** The server is done with it. */
  ready(wire: Wire): void {
    const { failure } = this
    if (failure === undefined) {
      if (this.unreadable === undefined) this.succeed(wire)
      else this.fail(unreadable(this.unreadable))
      return
    }
    if (isStalePlan(failure)) {
      wire.forgetPlans()
      if (wire.inTransaction) {
        this.fail(wire.failed(stalePlan(failure)))
        return
      }
      if (!this.#repeated) {
        this.#repeated = true
        this.reset()
        wire.send(this)
        return
      }
    }
    this.fail(wire.failed(fromServerError(failure, this.label)))
  }
}

export type Take = "all" | "first" | "changes"

/** One statement of a storage. */
export class StatementExchange<T> extends Exchange {
  readonly #query: Query<T>
  readonly #values: readonly SqlValue[]
  readonly #take: Take
  readonly #resolve: (result: any) => void
  readonly #reject: (error: unknown) => void
  #rows: T[] = []
  #changes = 0

  constructor(
    query: Query<T>,
    values: readonly SqlValue[],
    take: Take,
    resolve: (result: any) => void,
    reject: (error: unknown) => void,
  ) {
    super()
    this.#query = query
    this.#values = values
    this.#take = take
    this.#resolve = resolve
    this.#reject = reject
  }

  override get label(): string {
    return this.#query.label
  }

  override reset(): void {
    super.reset()
    this.#rows = []
  }

  override write(wire: Wire): void {
    const statement = wire.prepare(this.#query.sql, this, this.#query.replanned)
    messages.bind("", statement.name, this.#values)
    messages.execute("", 0)
  }

  override row(row: (string | null)[]): void {
    if (this.#take === "all" || (this.#take === "first" && this.#rows.length === 0))
      this.#rows.push(this.#query.decode(row))
  }

  override complete(changes: number): void {
    this.#changes = changes
  }

  override succeed(): void {
    this.#resolve(this.#take === "all" ? this.#rows : this.#take === "first" ? this.#rows[0] : this.#changes)
  }

  override fail(error: unknown): void {
    this.#reject(error)
  }
}

/** Several statements, all of them or none. */
export class UnitExchange extends Exchange {
  readonly #steps: readonly Step[]
  readonly #resolve: (results: StepResult[]) => void
  readonly #reject: (error: unknown) => void
  #results: StepResult[] = []
  #rows: unknown[] = []

  constructor(steps: readonly Step[], resolve: (results: StepResult[]) => void, reject: (error: unknown) => void) {
    super()
    this.#steps = steps
    this.#resolve = resolve
    this.#reject = reject
  }

  override get label(): string {
    return this.#steps[Math.min(this.#results.length, this.#steps.length - 1)]?.query.label ?? "unit"
  }

  override reset(): void {
    super.reset()
    this.#results = []
    this.#rows = []
  }

  override write(wire: Wire): void {
    for (const { query, values } of this.#steps) {
      const statement = wire.prepare(query.sql, this, query.replanned)
      messages.bind("", statement.name, values)
      messages.execute("", 0)
    }
  }

  override row(row: (string | null)[]): void {
    const step = this.#steps[this.#results.length] as Step
    if (step.query.returns) this.#rows.push(step.query.decode(row))
  }

  override complete(changes: number): void {
    this.#results.push({ rows: this.#rows, changes })
    this.#rows = []
  }

  override succeed(): void {
    this.#resolve(this.#results)
  }

  override fail(error: unknown): void {
    this.#reject(error)
  }
}

/** SQL without parameters, by the simple protocol; may be several statements. Gives the tag of the last. */
export class CommandExchange extends Exchange {
  readonly label: string
  readonly #sql: string
  readonly #resolve: (tag: string) => void
  readonly #reject: (error: unknown) => void
  #tag = ""

  constructor(sql: string, label: string, resolve: (tag: string) => void, reject: (error: unknown) => void) {
    super()
    this.#sql = sql
    this.label = label
    this.#resolve = resolve
    this.#reject = reject
  }

  override get simple(): boolean {
    return true
  }

  override write(): void {
    messages.query(this.#sql)
  }

  override get wantsTag(): boolean {
    return true
  }

  override row(): void {
    // Rows of commands are not wanted.
  }

  override complete(_changes: number, tag: string): void {
    this.#tag = tag
  }

  override succeed(): void {
    this.#resolve(this.#tag)
  }

  override fail(error: unknown): void {
    this.#reject(error)
  }
}

/** Nothing but a Sync: whether the server answers at all. */
export class CheckExchange extends Exchange {
  readonly label = "check of the connection"
  readonly #settle: (error?: unknown) => void

  constructor(settle: (error?: unknown) => void) {
    super()
    this.#settle = settle
  }

  override write(): void {
    // The Sync alone is answered.
  }

  override row(): void {
    // None come.
  }

  override complete(): void {
    // None come.
  }

  override succeed(): void {
    this.#settle()
  }

  override fail(error: unknown): void {
    this.#settle(error)
  }
}
