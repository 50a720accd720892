import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { NotFoundError } from "rootstock/errors"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { orderMessage, orderUpdateMessage, productMessage, productUpdateMessage } from "../jobs/definitions.ts"
import { produce } from "../producer.ts"
import { expectAnswer, expectProblem, makeBuyer, makeProduct } from "./fixtures.ts"
import { checkInvariants } from "./invariants.ts"
import { openShop, type TestShop } from "./support.ts"

const warnings = (shop: TestShop) =>
  shop.logged.filter(({ level }) => level === "WARNING").map(({ message }) => message)

/** The dead jobs with what was wrong with them. */
async function dead({ jobs }: TestShop) {
  const rows = await jobs.store.dead.list({ orderBy: { diedAt: "asc" } })
  return rows.map(({ kind, reason, lastError }) => ({ kind, reason, lastError }))
}

describe("the shop's queues", () => {
  forEachEngine((engine) => {
    it("make and change products as REST does, with equal rows", async () => {
      await using shop = await openShop(engine)
      const input = { name: "By REST", description: "Green", priceCents: 1_990, currency: "RUB", stockQuantity: 7 }
      const byRest = await expectAnswer(shop, 201, "POST", "/products", {
        name: input.name,
        description: input.description,
        price: 19.9,
        currency: "RUB",
        stock_quantity: 7,
      })
      await shop.jobs.send(productMessage, { ...input, name: "By queue" })
      await shop.work()
      const byQueue = (await expectAnswer(shop, 200, "GET", "/products?q=queue")).products[0]
      await expectAnswer(shop, 200, "PUT", `/products/${byRest.id}`, { price: 5, stock_quantity: 2 })
      await shop.jobs.send(productUpdateMessage, { id: byQueue.id, priceCents: 500, stockQuantity: 2 })
      await shop.work()
      const rows = await Promise.all(
        [byRest, byQueue].map(async ({ id }) => {
          const { id: _id, name: _name, ...row } = await expectAnswer(shop, 200, "GET", `/products/${id}`)
          const { movements } = await expectAnswer(shop, 200, "GET", `/products/${id}/movements`)
          const moves = movements.map((one: any) => ({ delta: one.delta, reason: one.reason, left: one.balance_after }))
          return { row, moves }
        }),
      )
      assert.deepEqual(rows[0], rows[1])
      await checkInvariants(shop)
    })

    it("place orders and move them as REST does, with equal rows", async () => {
      await using shop = await openShop(engine)
      const { user, address } = await makeBuyer(shop)
      const product = await makeProduct(shop, { stock_quantity: 20 })
      const items = [{ productId: product.id, quantity: 3 }]
      const byRest = await expectAnswer(shop, 201, "POST", "/orders", {
        user_id: user.id,
        delivery_address_id: address.id,
        items: [{ product_id: product.id, quantity: 3 }],
      })
      await shop.jobs.send(orderMessage, { userId: user.id, deliveryAddressId: address.id, items })
      await shop.work()
      const [byQueue] = (await expectAnswer(shop, 200, "GET", "/orders?count=1")).orders
      const change = { status: "cancelled", cancelReason: "Late" } as const
      await expectAnswer(shop, 200, "PUT", `/orders/${byRest.id}`, { status: "cancelled", cancel_reason: "Late" })
      await shop.jobs.send(orderUpdateMessage, { id: byQueue.id, ...change })
      await shop.work()
      const [first, second] = await Promise.all(
        [byRest, byQueue].map(async ({ id }) => {
          const { id: _id, source, ...rest } = await expectAnswer(shop, 200, "GET", `/orders/${id}`)
          return { source, rest }
        }),
      )
      assert.deepEqual(first!.rest, second!.rest)
      assert.deepEqual([first!.source, second!.source], ["rest", "queue"])
      assert.equal((await expectAnswer(shop, 200, "GET", `/products/${product.id}`)).stock_quantity, 20)
      await checkInvariants(shop)
    })

    it("keep an order that breaks a rule with its reason, warn, and place it at a retry that fits", async () => {
      await using shop = await openShop(engine)
      const { user, address } = await makeBuyer(shop)
      const product = await makeProduct(shop, { stock_quantity: 1 })
      const order = { userId: user.id, deliveryAddressId: address.id, items: [{ productId: product.id, quantity: 3 }] }
      const id = await shop.jobs.send(orderMessage, order)
      await shop.work()
      assert.equal((await expectAnswer(shop, 200, "GET", "/orders")).total, 0)
      const { orders, total } = await expectAnswer(shop, 200, "GET", "/orders/rejected")
      const [rejected] = orders
      assert.deepEqual(
        [total, rejected.reason, rejected.message_id, rejected.order_id],
        [1, "INSUFFICIENT_STOCK", id, null],
      )
      assert.deepEqual(rejected.details.details, [
        { product_id: product.id, name: product.name, requested: 3, available: 1 },
      ])
      assert.ok(
        warnings(shop).some((message) =>
          message.startsWith(`Rejected an order of user ${user.id}: INSUFFICIENT_STOCK`),
        ),
      )
      const path = `/orders/rejected/${rejected.id}/retry`
      await expectProblem(shop, 400, "INSUFFICIENT_STOCK", "POST", path)
      await expectAnswer(shop, 200, "POST", `/products/${product.id}/stock`, { delta: 2, reason: "receipt" })
      const placed = await expectAnswer(shop, 200, "POST", path)
      assert.equal(placed.source, "queue")
      await expectProblem(shop, 409, "ALREADY_PLACED", "POST", path)
      assert.deepEqual(await dead(shop), [])
      await checkInvariants(shop)
    })

    it("put updates that break a rule, or of what is not there, to the dead with the reason, and flow on", async () => {
      await using shop = await openShop(engine)
      const { user, address } = await makeBuyer(shop)
      const product = await makeProduct(shop)
      const order = await expectAnswer(shop, 201, "POST", "/orders", {
        user_id: user.id,
        delivery_address_id: address.id,
        items: [{ product_id: product.id, quantity: 1 }],
      })
      await shop.jobs.send(orderUpdateMessage, { id: order.id, status: "delivered" })
      await shop.jobs.send(orderUpdateMessage, { id: 999_999, status: "confirmed" })
      await shop.jobs.send(productUpdateMessage, { id: 999_999, priceCents: 1 })
      await shop.jobs.send(productMessage, { name: product.name, priceCents: 1 })
      await shop.jobs.send(orderUpdateMessage, { id: order.id, status: "confirmed" })
      await shop.work()
      const gone = await dead(shop)
      assert.deepEqual(
        gone.map(({ kind, reason, lastError }) => [kind, reason, /: ([A-Z_]+): /.exec(lastError!)?.[1]]).sort(),
        [
          ["order_update", "permanent", "ILLEGAL_TRANSITION"],
          ["order_update", "permanent", "NOT_FOUND"],
          ["product", "permanent", "PRODUCT_NAME_EXISTS"],
          ["product_update", "permanent", "NOT_FOUND"],
        ],
      )
      assert.equal((await expectAnswer(shop, 200, "GET", `/orders/${order.id}`)).status, "confirmed")
    })

    it("warn of a product that a message leaves without stock", async () => {
      await using shop = await openShop(engine)
      const product = await makeProduct(shop)
      await shop.jobs.send(productUpdateMessage, { id: product.id, stockQuantity: 0 })
      await shop.work()
      assert.ok(warnings(shop).includes(`Product ${product.id} is out of stock`))
    })

    it("sell exactly the stock where REST and queue order at once", async () => {
      await using shop = await openShop(engine)
      const { user, address } = await makeBuyer(shop)
      const product = await makeProduct(shop, { stock_quantity: 10 })
      const order = { userId: user.id, deliveryAddressId: address.id, items: [{ productId: product.id, quantity: 1 }] }
      await shop.jobs.sendMany(
        orderMessage,
        Array.from({ length: 12 }, () => order),
      )
      const body = {
        user_id: user.id,
        delivery_address_id: address.id,
        items: [{ product_id: product.id, quantity: 1 }],
      }
      const [answers] = await Promise.all([
        Promise.all(Array.from({ length: 8 }, () => shop.send("POST", "/orders", body))),
        shop.work(),
      ])
      const byRest = answers.filter(({ status }) => status === 201).length
      const rejected = (await expectAnswer(shop, 200, "GET", "/orders/rejected")).total
      assert.equal((await expectAnswer(shop, 200, "GET", "/orders?count=1")).total, 10)
      assert.equal(byRest + (12 - rejected), 10)
      assert.equal((await expectAnswer(shop, 200, "GET", `/products/${product.id}`)).stock_quantity, 0)
      await checkInvariants(shop)
    })

    it("get five products and three orders from the producer, twice, for a buyer that exists", async () => {
      await using shop = await openShop(engine)
      const { user, address } = await makeBuyer(shop)
      const worker = shop.jobs.worker({ handlers: shop.handlers })
      await worker.start()
      const log = shop.context.log
      try {
        for (const run of [1, 2]) {
          const { products, orderJobs } = await produce(
            { stores: shop.stores, jobs: shop.jobs, log },
            { userId: user.id, addressId: address.id },
          )
          assert.deepEqual([products.length, orderJobs.length], [5, 3])
          while (await shop.jobs.store.jobs.exists({ id: orderJobs }))
            await new Promise((resolve) => setTimeout(resolve, 5))
          assert.equal((await expectAnswer(shop, 200, "GET", "/orders?count=1")).total, 3 * run)
        }
        await assert.rejects(
          produce({ stores: shop.stores, jobs: shop.jobs, log }, { userId: 999, addressId: address.id }),
          (error) => error instanceof NotFoundError && /no user 999/.test(error.message),
        )
        await assert.rejects(
          produce({ stores: shop.stores, jobs: shop.jobs, log }, { userId: user.id, addressId: 999 }),
          (error) => error instanceof NotFoundError && /no address 999/.test(error.message),
        )
      } finally {
        await worker.stop()
      }
      assert.equal((await expectAnswer(shop, 200, "GET", "/orders/rejected")).total, 0)
      await checkInvariants(shop)
    })
  })
})
