import assert from "node:assert/strict"
import { it } from "node:test"
import { forEachEngine } from "../../packages/rootstock/test/support/index.ts"
import { get, home, type Serving, serve } from "./program.ts"

const product = 60
const line = { product_id: product, quantity: 1 }
const order = JSON.stringify({ user_id: 1, delivery_address_id: 1, items: [line] })

/** Adds to the stock of the product; gives how many there are. */
async function receive({ address }: Serving): Promise<number> {
  const headers = { "content-type": "application/json" }
  const body = JSON.stringify({ delta: 10_000, reason: "receipt" })
  const response = await fetch(`${address}/products/${product}/stock`, { method: "POST", headers, body })
  return ((await response.json()) as { stock_quantity: number }).stock_quantity
}

/** Places an order under a key; its id, or undefined where no order was acknowledged. */
async function place({ address }: Serving, key: string): Promise<number | undefined> {
  const headers = { "content-type": "application/json", "idempotency-key": key }
  const response = await fetch(`${address}/orders`, { method: "POST", headers, body: order })
  const body = (await response.json()) as { id: number; error_code?: string }
  if (response.status === 201) return body.id
  assert.equal(body.error_code, "REQUEST_IN_PROGRESS")
  return undefined
}

forEachEngine((engine) => {
  it("loses no acknowledged order and places none twice when the server is killed", async () => {
    await using site = await home(engine)
    const acknowledged = new Map<string, number>()
    const keys: string[] = []
    const clients = 8
    const before = { orders: 830, stock: 0 }
    for (let round = 0; round < 3; round++) {
      await using server = await serve({ DATABASE_URL: site.url, LOG_LEVEL: "info" })
      if (round === 0) before.stock = await receive(server)
      const buying = Array.from({ length: clients }, async (_, client) => {
        for (let count = 0; ; count++) {
          const key = `${round}-${client}-${count}`
          keys.push(key)
          const id = await place(server, key)
          if (id !== undefined) acknowledged.set(key, id)
          if (acknowledged.size >= 8 * (round + 1)) server.child.kill("SIGKILL")
        }
      })
      for (const outcome of await Promise.allSettled(buying)) {
        assert.ok(
          outcome.status === "rejected" && !(outcome.reason instanceof assert.AssertionError),
          String(Object(outcome).reason),
        )
      }
    }
    await using server = await serve({ DATABASE_URL: site.url })
    const placed = new Set<number>()
    for (const key of keys) {
      const id = await place(server, key)
      const first = acknowledged.get(key)
      if (first !== undefined) assert.equal(id, first, `${key} was acknowledged as ${first}`)
      if (id !== undefined) placed.add(id)
    }
    assert.ok(acknowledged.size >= 24)
    assert.equal((await get(`${server.address}/orders?count=1`)).total, before.orders + placed.size)
    assert.equal((await get(`${server.address}/products/${product}`)).stock_quantity, before.stock - placed.size)
  })
})
