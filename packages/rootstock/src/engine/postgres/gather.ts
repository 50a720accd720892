import { type ColumnType, postgresArray, type SqlValue } from "../../schema/index.ts"
import type { Lookup } from "../contract.ts"
import { unreadable } from "../unreadable.ts"
import { Exchange, type Prelude, StatementExchange } from "./exchange.ts"
import { messages } from "./messages.ts"
import type { Wire } from "./wire.ts"

/** At most so many keys go in one statement. */
const mostKeys = 1_000

type Ask = {
  readonly key: string
  readonly resolve: (row: any) => void
  readonly reject: (error: unknown) => void
}

/** Types whose text from the server is the text that was bound. */
const sameText = new Set([
  "identity",
  "integer",
  "bigint",
  "uuid",
  "text",
  "choice",
  "date",
  "time",
  "decimal",
  "boolean",
  "bytes",
])

function keyReader(type: ColumnType): (raw: string) => string {
  if (sameText.has(type.kind)) return (raw) => raw
  const { decode, encode } = type.codecs.postgres
  return (raw) => String(encode(decode === undefined ? raw : decode(raw)))
}

/** Rows of several keys with one statement. */
class GatherExchange extends Exchange {
  readonly #lookup: Lookup
  readonly #asks: readonly Ask[]
  readonly #readKey: (raw: string) => string
  readonly #byKey = new Map<string, number[]>()
  readonly #rows: unknown[]
  /** Why rows cannot be read, by who asked for them; the other rows can. */
  #unreadable: Map<number, unknown> | undefined

  constructor(lookup: Lookup, asks: readonly Ask[]) {
    super()
    this.#lookup = lookup
    this.#asks = asks
    this.#rows = new Array(asks.length)
    this.#readKey = keyReader(lookup.column.type)
    for (let index = 0; index < asks.length; index++) {
      const { key } = asks[index] as Ask
      const others = this.#byKey.get(key)
      if (others === undefined) this.#byKey.set(key, [index])
      else others.push(index)
    }
  }

  override get label(): string {
    return this.#lookup.many.label
  }

  override write(wire: Wire): void {
    const { many } = this.#lookup
    messages.bind("", wire.prepare(many.sql, this).name, [postgresArray([...this.#byKey.keys()])])
    messages.execute("", 0)
  }

  override row(row: (string | null)[]): void {
    // Each who asks gets a row of their own.
    for (const index of this.#byKey.get(this.#readKey(row[0] as string)) ?? []) {
      try {
        this.#rows[index] = this.#lookup.many.decode(row).row
      } catch (error) {
        this.#unreadable ??= new Map()
        this.#unreadable.set(index, error)
      }
    }
  }

  override complete(): void {
    // The rows are all there is to know.
  }

  override succeed(): void {
    for (let index = 0; index < this.#asks.length; index++) {
      const ask = this.#asks[index] as Ask
      if (this.#unreadable?.has(index)) ask.reject(unreadable(this.#unreadable.get(index)))
      else ask.resolve(this.#rows[index])
    }
  }

  override fail(error: unknown): void {
    for (const { reject } of this.#asks) reject(error)
  }
}

/** Gathers the look-ups of one turn of the event loop, so that each kind of them takes one statement. */
export class Gatherer {
  readonly #submit: (exchange: Exchange) => void
  readonly #preludes: readonly Prelude[]
  #waiting = new Map<Lookup, Ask[]>()
  #planned = false

  constructor(submit: (exchange: Exchange) => void, preludes: readonly Prelude[]) {
    this.#submit = submit
    this.#preludes = preludes
  }

  lookup<T>(lookup: Lookup<T>, key: SqlValue): Promise<T | undefined> {
    if (key === null) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      const ask = { key: typeof key === "string" ? key : asText(key), resolve, reject }
      const asks = this.#waiting.get(lookup)
      if (asks === undefined) this.#waiting.set(lookup, [ask])
      else asks.push(ask)
      if (this.#planned) return
      this.#planned = true
      setImmediate(this.#send)
    })
  }

  readonly #send = (): void => {
    const waiting = this.#waiting
    this.#waiting = new Map()
    this.#planned = false
    for (const [lookup, asks] of waiting) {
      for (let at = 0; at < asks.length; at += mostKeys) {
        const exchange = one(lookup, asks.length <= mostKeys ? asks : asks.slice(at, at + mostKeys))
        exchange.preludes = this.#preludes
        this.#submit(exchange)
      }
    }
  }
}

function one(lookup: Lookup, asks: readonly Ask[]): Exchange {
  const [first] = asks as [Ask]
  if (asks.length > 1) return new GatherExchange(lookup, asks)
  return new StatementExchange(lookup.one, [first.key], "first", first.resolve, first.reject)
}

function asText(key: Exclude<SqlValue, null>): string {
  return typeof key === "object" ? `\\x${Buffer.from(key).toString("hex")}` : String(key)
}
