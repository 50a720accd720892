import type { Cursor, Message, NewMessage, NewOrder, Order, OrderWithItems, User, UserChanges } from "../schema/rows.ts"

/** A contestant may answer at once or later: callers always await. */
export type Answer<T> = T | Promise<T>

/**
 * What every contestant must do. All answers are plain values: `Date` for instants, parsed JSON, booleans, camelCase.
 * An ORM may answer with its entities; `plain` then turns them into plain rows for the check, outside the measurement.
 */
export interface Contestant {
  /** The form of use that was measured, for the table of results. */
  readonly form: string
  /** Packages whose versions belong in the results. */
  readonly packages: readonly string[]

  userById(id: number): Answer<User | undefined>
  /** For the growth of a table; only those whose growth is measured have it. */
  messageById?(id: number): Answer<Message | undefined>
  latestMessages(chatId: number, limit: number): Answer<Message[]>
  /** The first `limit` orders from `fromId` upwards, items by id, each with its product. */
  ordersFrom(fromId: number, limit: number): Answer<OrderWithItems[]>
  /** The `limit` messages after the cursor by (createdAt, id). */
  messagesAfter(cursor: Cursor, limit: number): Answer<Message[]>
  /** Makes what a client would hold of each cursor, outside the measurement. */
  prepareCursors?(cursors: readonly Cursor[]): void
  insertMessage(message: NewMessage): Answer<Message>
  /** Adds all rows to the empty table `imports`, in one transaction, and answers with their count. */
  importMessages(messages: NewMessage[]): Answer<number>
  clearImports(): Answer<void>
  updateUser(id: number, changes: UserChanges): Answer<User>
  /** One transaction: the order, its items, and stock taken by conditional updates. Fails whole where stock is short. */
  placeOrder(input: NewOrder): Answer<Order>

  plain?(value: unknown): unknown
  close(): Answer<void>
}

/** The calls on the data. */
export type Call = Exclude<keyof Contestant, "form" | "packages" | "plain" | "close" | "prepareCursors">

export interface OpenOptions {
  /** The path of the contestant's own SQLite file, or the URL of the shared PostgreSQL database. */
  location: string
  /** Connections in the pool (PostgreSQL). */
  poolSize: number
}

/** Opens a contestant; one module per contestant and engine exports it as `open`. */
export type Open = (options: OpenOptions) => Answer<Contestant>

/** What `placeOrder` throws where a conditional stock update changed no row. */
export class OutOfStock extends Error {
  constructor(productId: number) {
    super(`product ${productId} has too little stock`)
  }
}
