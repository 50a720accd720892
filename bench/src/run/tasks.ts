import type { Answer, Call, Contestant } from "../contestants/contract.ts"
import type { Random } from "../data/random.ts"
import { firstInstant, message, messageCursor, newOrder, sizes } from "../data/rows.ts"
import type { NewMessage } from "../schema/rows.ts"
import type { Engine } from "./contestants.ts"

/** What the issue asks of Rootstock in a task: ratios of ops/s within one run. */
export interface Target {
  /** At least this much of the raw driver's ops/s, by engine. */
  ofFloor: Record<Engine, number>
  /** At least this much of the best peer's ops/s, on both engines; 1 means first. */
  ofBestPeer: number
}

export interface Task {
  name: string
  title: string
  /** Async callers, each of which starts its next call when its last one is answered. */
  concurrency: number
  call: Call
  target: Target
  /** Starts a measured call with one of the task's inputs. */
  run(contestant: Contestant, input: never): Answer<unknown>
  /** The inputs, made before the measurement and used in turn. */
  inputs(random: Random): readonly unknown[]
  /** Is shown the inputs once, before the measurement. */
  prepare?(contestant: Contestant, inputs: readonly never[]): void
  /** Puts the table back before every call, outside the measurement. Such tasks have one caller. */
  before?(contestant: Contestant): Answer<void>
}

export function defineTask<Input>(task: {
  name: string
  title: string
  concurrency: number
  call: Call
  target: Target
  inputs: (random: Random) => readonly Input[]
  run: (contestant: Contestant, input: Input) => Answer<unknown>
  prepare?: (contestant: Contestant, inputs: readonly Input[]) => void
  before?: (contestant: Contestant) => Answer<void>
}): Task {
  return task as Task
}

const pageSize = 50
const ordersAtOnce = 100
/** Inputs per task: enough that no cache of results or plans by value would help. */
const inputCount = 4_096
export const importSize = 10_000

const list = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))

/** Later than all rows of the data, and never twice the same. */
const laterInstant = (random: Random): Date => new Date(firstInstant + random.between(40_000_000_000, 60_000_000_000))

const byKey = (concurrency: number, target: Target): Task =>
  defineTask({
    name: `get-c${concurrency}`,
    title: "row by primary key",
    concurrency,
    call: "userById",
    target,
    inputs: (random) => list(inputCount, () => random.between(1, sizes.users)),
    run: (contestant, id) => contestant.userById(id),
  })

const updateByKey = (concurrency: number, target: Target): Task =>
  defineTask({
    name: `update-c${concurrency}`,
    title: "update by key, returning the row",
    concurrency,
    call: "updateUser",
    target,
    inputs: (random) =>
      list(inputCount, (index) => ({
        id: random.between(1, sizes.users),
        changes: {
          description: random.next() < 0.2 ? null : `changed ${index}`,
          loginCount: random.between(0, 1_000),
          updatedAt: laterInstant(random),
        },
      })),
    run: (contestant, { id, changes }) => {
      // Another value every time: SQLite does not write, nor sync, a row that stays the same.
      changes.loginCount += 1
      return contestant.updateUser(id, changes)
    },
  })

/** Reads come first: the writes after them change what they would read. */
export const tasks: readonly Task[] = [
  byKey(1, { ofFloor: { sqlite: 0.85, postgres: 0.95 }, ofBestPeer: 1 }),
  byKey(32, { ofFloor: { sqlite: 0.85, postgres: 1.3 }, ofBestPeer: 1 }),
  defineTask({
    name: "latest",
    title: `newest ${pageSize} messages of a chat`,
    concurrency: 1,
    call: "latestMessages",
    target: { ofFloor: { sqlite: 0.85, postgres: 0.95 }, ofBestPeer: 1 },
    inputs: (random) => list(inputCount, () => random.between(1, sizes.chats)),
    run: (contestant, chatId) => contestant.latestMessages(chatId, pageSize),
  }),
  defineTask({
    name: "orders",
    title: `${ordersAtOnce} orders with items and products`,
    concurrency: 1,
    call: "ordersFrom",
    target: { ofFloor: { sqlite: 0.7, postgres: 0.8 }, ofBestPeer: 1.7 },
    inputs: (random) => list(inputCount, () => random.between(1, sizes.orders - ordersAtOnce)),
    run: (contestant, fromId) => contestant.ordersFrom(fromId, ordersAtOnce),
  }),
  defineTask({
    name: "keyset",
    title: `keyset page of ${pageSize} in the middle of 200,000 rows`,
    concurrency: 1,
    call: "messagesAfter",
    target: { ofFloor: { sqlite: 0.85, postgres: 0.95 }, ofBestPeer: 1 },
    inputs: (random) =>
      list(inputCount, () => messageCursor(random.between(sizes.messages * 0.25, sizes.messages * 0.75))),
    prepare: (contestant, cursors) => contestant.prepareCursors?.(cursors),
    run: (contestant, cursor) => contestant.messagesAfter(cursor, pageSize),
  }),
  defineTask({
    name: "insert-c32",
    title: "one durable insert, returning the row",
    concurrency: 32,
    call: "insertMessage",
    target: { ofFloor: { sqlite: 10, postgres: 0.95 }, ofBestPeer: 1 },
    inputs: (random) => list(inputCount, () => message(random, laterInstant(random))),
    run: (contestant, input) => contestant.insertMessage(input),
  }),
  defineTask({
    name: "import",
    title: "10,000 rows in one call",
    concurrency: 1,
    call: "importMessages",
    target: { ofFloor: { sqlite: 0.9, postgres: 0.9 }, ofBestPeer: 1 },
    inputs: (random): NewMessage[][] => [list(importSize, () => message(random, laterInstant(random)))],
    run: (contestant, messages) => contestant.importMessages(messages),
    before: (contestant) => contestant.clearImports(),
  }),
  updateByKey(1, { ofFloor: { sqlite: 0.85, postgres: 0.95 }, ofBestPeer: 1 }),
  updateByKey(32, { ofFloor: { sqlite: 10, postgres: 0.95 }, ofBestPeer: 1 }),
  defineTask({
    name: "order-transaction",
    title: "order transaction: order, 4 items, 4 stock updates",
    concurrency: 8,
    call: "placeOrder",
    target: { ofFloor: { sqlite: 0.85, postgres: 0.9 }, ofBestPeer: 1 },
    inputs: (random) => list(inputCount, () => newOrder(random)),
    run: (contestant, input) => contestant.placeOrder(input),
  }),
]
