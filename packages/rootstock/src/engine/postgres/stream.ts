import type { SqlValue } from "../../schema/index.ts"
import type { Query } from "../contract.ts"
import { CommandExchange, Exchange } from "./exchange.ts"
import { messages } from "./messages.ts"
import type { Wire } from "./wire.ts"

type Portion<T> = { readonly rows: T[]; readonly more: boolean }

/** The next rows of a portal; the first one opens it. */
class PortionExchange<T> extends Exchange {
  readonly #query: Query<T>
  readonly #values: readonly SqlValue[] | undefined
  readonly #portal: string
  readonly #size: number
  readonly #resolve: (portion: Portion<T>) => void
  readonly #reject: (error: unknown) => void
  #rows: T[] = []
  #more = false

  /** @param values undefined where the portal is open */
  constructor(
    query: Query<T>,
    values: readonly SqlValue[] | undefined,
    portal: string,
    size: number,
    resolve: (portion: Portion<T>) => void,
    reject: (error: unknown) => void,
  ) {
    super()
    this.#query = query
    this.#values = values
    this.#portal = portal
    this.#size = size
    this.#resolve = resolve
    this.#reject = reject
  }

  override get label(): string {
    return this.#query.label
  }

  override write(wire: Wire): void {
    if (this.#values !== undefined) messages.bind(this.#portal, wire.prepare(this.#query.sql, this).name, this.#values)
    messages.execute(this.#portal, this.#size)
  }

  override row(row: (string | null)[]): void {
    this.#rows.push(this.#query.decode(row))
  }

  override suspended(): void {
    this.#more = true
  }

  override complete(): void {
    // The last portion.
  }

  override succeed(): void {
    this.#resolve({ rows: this.#rows, more: this.#more })
  }

  override fail(error: unknown): void {
    this.#reject(error)
  }
}

/** Closes a portal. Nobody waits for it: where it fails, the portal is gone with its transaction. */
class ClosePortalExchange extends Exchange {
  readonly label = "end of a stream"
  readonly #portal: string

  constructor(portal: string) {
    super()
    this.#portal = portal
  }

  override write(): void {
    messages.closePortal(this.#portal)
  }

  override row(): void {
    // None come.
  }

  override complete(): void {
    // None come.
  }

  override succeed(): void {
    // It is closed.
  }

  override fail(): void {
    // It is gone.
  }
}

let portals = 0

/**
 * Rows in portions from a portal, which lives as long as its transaction. Others may use the connection between the
 * portions. https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY
 *
 * @param send sends to the connection of a transaction
 */
export async function* portions<T>(
  send: (exchange: Exchange) => void,
  query: Query<T>,
  values: readonly SqlValue[],
  size: number,
): AsyncGenerator<T[], void, undefined> {
  const portal = `rs_${++portals}`
  let more = true
  try {
    for (let first = true; more; first = false) {
      more = false
      const portion = await new Promise<Portion<T>>((resolve, reject) => {
        send(new PortionExchange(query, first ? values : undefined, portal, size, resolve, reject))
      })
      more = portion.more
      if (portion.rows.length > 0) yield portion.rows
    }
  } finally {
    send(new ClosePortalExchange(portal))
  }
}

/** Sends a command and gives its tag. */
export function command(send: (exchange: Exchange) => void, sql: string, label: string): Promise<string> {
  return new Promise((resolve, reject) => send(new CommandExchange(sql, label, resolve, reject)))
}
