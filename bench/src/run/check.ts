import assert from "node:assert/strict"
import { Random } from "../data/random.ts"
import { firstInstant, message, messageCursor, newOrder, sizes } from "../data/rows.ts"
import type { Message, Order, OrderWithItems, User } from "../schema/rows.ts"
import type { Databases } from "./databases.ts"
import type { ContestantProcess } from "./process.ts"

type Answers = Map<string, unknown>

/**
 * Puts the same questions to every contestant and compares each answer, as plain values, with the first one's (the
 * floor's). Writes are read back. Generated ids differ on a shared database, so they are compared by what they join.
 */
export async function checkEqualAnswers(processes: readonly ContestantProcess[], databases: Databases): Promise<void> {
  // All read before any writes, since on PostgreSQL they share a database.
  for (const ask of [askReads, askWrites]) {
    let expected: Answers | undefined
    for (const contestant of processes) {
      const answers = await ask(contestant, databases)
      expected ??= answers
      for (const [question, answer] of answers) {
        assert.deepEqual(answer, expected.get(question), `${contestant.name} answers differently: ${question}`)
      }
    }
  }
}

async function askReads(contestant: ContestantProcess): Promise<Answers> {
  const random = new Random(31)
  const answers: Answers = new Map()
  for (const id of [1, 2, 3, random.between(4, sizes.users), sizes.users + 1]) {
    answers.set(`user ${id}`, await contestant.call("userById", id))
  }
  for (const chatId of [1, random.between(2, sizes.chats), sizes.chats + 1]) {
    answers.set(`latest of chat ${chatId}`, await contestant.call("latestMessages", chatId, 50))
  }
  for (const position of [1_500, random.between(1, sizes.messages), sizes.messages - 10]) {
    answers.set(`messages after ${position}`, await contestant.call("messagesAfter", messageCursor(position), 50))
  }
  for (const fromId of [1, random.between(1, sizes.orders - 100)]) {
    answers.set(`orders from ${fromId}`, await contestant.call("ordersFrom", fromId, 100))
  }
  return answers
}

async function askWrites(contestant: ContestantProcess, databases: Databases): Promise<Answers> {
  const random = new Random(37)
  const answers: Answers = new Map()
  for (let count = 0; count < 8; count += 1) {
    const input = message(random, new Date(firstInstant + 100_000_000_000 + count * 1_000 + 123))
    const inserted = (await contestant.call("insertMessage", input)) as Message
    assert.deepEqual({ ...inserted }, { ...input, id: inserted.id }, `${contestant.name} returns the row it inserts`)
    const [newest] = (await contestant.call("messagesAfter", previous(inserted), 1)) as Message[]
    assert.deepEqual(newest, inserted, `${contestant.name} reads back the row it inserted`)
    answers.set(`inserted message ${count}`, { ...inserted, id: 0 })
  }

  const rows = Array.from({ length: 10_000 }, () =>
    message(random, new Date(firstInstant + random.between(0, 1_000_000))),
  )
  await contestant.call("clearImports")
  assert.equal(await contestant.call("importMessages", rows), rows.length, `${contestant.name} counts what it imports`)
  answers.set("imported rows", await databases.importedRows(contestant.location))
  await contestant.call("clearImports")

  for (const [id, description] of [
    [5, null],
    [6, "changed"],
  ] as const) {
    const changes = { description, loginCount: 12_345, updatedAt: new Date(firstInstant + 7_654_321) }
    const updated = (await contestant.call("updateUser", id, changes)) as User
    assert.deepEqual(await contestant.call("userById", id), updated, `${contestant.name} reads back the row it updated`)
    answers.set(`updated user ${id}`, updated)
  }

  const input = newOrder(random)
  const stockBefore = await stocks(contestant)
  const placed = (await contestant.call("placeOrder", input)) as Order
  answers.set("placed order", { ...placed, id: 0 })
  const [stored] = (await contestant.call("ordersFrom", placed.id, 1)) as [OrderWithItems]
  answers.set("placed order with items", {
    ...withoutStock(stored),
    id: 0,
    items: withoutStock(stored).items.map((item) => ({ ...item, id: 0, orderId: 0 })),
  })
  const taken = stored.items.map(
    ({ product }) => (stockBefore.get(product.id) ?? product.stockQuantity) - product.stockQuantity,
  )
  answers.set("stock taken", taken)

  const tooMuch = {
    ...input,
    items: input.items.map((item, index) => ({ ...item, quantity: index === 3 ? 2_000_000_000 : 1 })),
  }
  await assert.rejects(contestant.call("placeOrder", tooMuch), `${contestant.name} refuses an order beyond the stock`)
  const [unchanged] = (await contestant.call("ordersFrom", placed.id, 1)) as [OrderWithItems]
  assert.deepEqual(unchanged, stored, `${contestant.name} rolls a refused order back`)
  assert.deepEqual(
    await contestant.call("ordersFrom", placed.id + 1, 1),
    [],
    `${contestant.name} leaves no refused order`,
  )
  return answers
}

/** The stock of the products in the first three thousand orders: all that there are. */
async function stocks(contestant: ContestantProcess): Promise<Map<number, number>> {
  const orders = (await contestant.call("ordersFrom", 1, 3_000)) as OrderWithItems[]
  return new Map(orders.flatMap(({ items }) => items.map(({ product }) => [product.id, product.stockQuantity])))
}

/** The stock is left out: on PostgreSQL all contestants take from the same products. */
function withoutStock(order: OrderWithItems): OrderWithItems {
  const items = order.items.map((item) => ({ ...item, product: { ...item.product, stockQuantity: 0 } }))
  return { ...order, items }
}

const previous = ({ createdAt, id }: Message): { createdAt: Date; id: number } => ({ createdAt, id: id - 1 })
