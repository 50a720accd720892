import assert from "node:assert/strict"
import { after, before, it } from "node:test"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { orderStatuses } from "../schema.ts"
import { nextStatuses } from "../services/order-status.ts"
import { expectAnswer, expectProblem, makeAddress, makeBuyer, makeProduct, makeUser } from "./fixtures.ts"
import { openShop, type TestShop } from "./support.ts"

forEachEngine((engine) => {
  let shop: TestShop
  before(async () => {
    shop = await openShop(engine)
  })
  after(() => shop[Symbol.asyncDispose]())

  const stockOf = async (id: number): Promise<number> =>
    (await expectAnswer(shop, 200, "GET", `/products/${id}`)).stock_quantity

  const placeOne = async (more: object = {}, quantity = 2) => {
    const buyer = await makeBuyer(shop)
    const product = await makeProduct(shop, { stock_quantity: 10, ...more })
    const order = await expectAnswer(shop, 201, "POST", "/orders", buyer.order([{ product_id: product.id, quantity }]))
    return { buyer, product, order }
  }

  it("places an order: merges lines, copies price, name and address, takes the stock", async () => {
    const buyer = await makeBuyer(shop)
    const [pen, ink] = [await makeProduct(shop, { price: 19.99 }), await makeProduct(shop, { price: 0.1 })]
    const items = [
      { product_id: ink.id, quantity: 3 },
      { product_id: pen.id, quantity: 1 },
      { product_id: ink.id, quantity: 4 },
    ]
    const order = await expectAnswer(shop, 201, "POST", "/orders", buyer.order(items))
    const { country, city, street, postal_code } = buyer.address
    assert.deepEqual(order, {
      id: order.id,
      user_id: buyer.user.id,
      delivery_address_id: buyer.address.id,
      address_snapshot: { country, city, street, postal_code },
      status: "pending",
      total: 20.69,
      currency: "RUB",
      cancel_reason: null,
      source: "rest",
      version: 0,
      created_at: shop.clock.now().toISOString(),
      updated_at: shop.clock.now().toISOString(),
      items: [
        { product_id: pen.id, product_name: pen.name, quantity: 1, price: 19.99 },
        { product_id: ink.id, product_name: ink.name, quantity: 7, price: 0.1 },
      ],
    })
    assert.deepEqual(await expectAnswer(shop, 200, "GET", `/orders/${order.id}`), order)
    assert.deepEqual([await stockOf(pen.id), await stockOf(ink.id)], [99, 93])
    const { movements } = await expectAnswer(shop, 200, "GET", `/products/${ink.id}/movements`)
    assert.deepEqual(
      [movements[0].delta, movements[0].reason, movements[0].order_id, movements[0].balance_after],
      [-7, "order", order.id, 93],
    )
  })

  it("refuses an order for an unknown user or address, or an address of somebody else", async () => {
    const [buyer, other] = [await makeBuyer(shop), await makeBuyer(shop)]
    const product = await makeProduct(shop)
    const order = buyer.order([{ product_id: product.id, quantity: 1 }])
    await expectProblem(shop, 404, "USER_NOT_FOUND", "POST", "/orders", { ...order, user_id: 999999 })
    await expectProblem(shop, 404, "ADDRESS_NOT_FOUND", "POST", "/orders", { ...order, delivery_address_id: 999999 })
    const foreign = { ...order, delivery_address_id: other.address.id }
    await expectProblem(shop, 400, "ADDRESS_NOT_OWNED", "POST", "/orders", foreign)
    assert.equal(await stockOf(product.id), 100)
  })

  it("names every product that is unknown, inactive, or of another currency", async () => {
    const buyer = await makeBuyer(shop)
    const line = ({ id }: { id: number }) => ({ product_id: id, quantity: 1 })
    const fine = await makeProduct(shop)
    const off = [await makeProduct(shop, { is_active: false }), await makeProduct(shop, { is_active: false })]
    const euro = await makeProduct(shop, { currency: "EUR" })
    const unknown = buyer.order([line(fine), { product_id: 888888, quantity: 1 }, { product_id: 999999, quantity: 1 }])
    const missing = await expectProblem(shop, 404, "PRODUCT_NOT_FOUND", "POST", "/orders", unknown)
    assert.deepEqual(missing.details, [{ product_id: 888888 }, { product_id: 999999 }])
    const inactive = await expectProblem(
      shop,
      400,
      "PRODUCT_INACTIVE",
      "POST",
      "/orders",
      buyer.order([fine, ...off].map(line)),
    )
    assert.deepEqual(
      inactive.details,
      off.map(({ id, name }) => ({ product_id: id, name })),
    )
    const mixed = await expectProblem(
      shop,
      400,
      "MIXED_CURRENCY",
      "POST",
      "/orders",
      buyer.order([fine, euro].map(line)),
    )
    assert.deepEqual(
      mixed.details.map((one: { currency: string }) => one.currency),
      ["RUB", "EUR"],
    )
  })

  it("rejects the whole order for missing stock, and says of every such line how much there is", async () => {
    const buyer = await makeBuyer(shop)
    const [full, few, none] = [
      await makeProduct(shop, { stock_quantity: 9 }),
      await makeProduct(shop, { stock_quantity: 2 }),
      await makeProduct(shop, { stock_quantity: 0 }),
    ]
    const line = (product: { id: number }, quantity: number) => ({ product_id: product.id, quantity })
    const empty = buyer.order([line(full, 1), line(few, 5), line(none, 1)])
    const out = await expectProblem(shop, 400, "OUT_OF_STOCK", "POST", "/orders", empty)
    assert.deepEqual(out.details, [{ product_id: none.id, name: none.name, requested: 1, available: 0 }])
    const twice = buyer.order([line(full, 1), line(few, 2), line(few, 1)])
    const short = await expectProblem(shop, 400, "INSUFFICIENT_STOCK", "POST", "/orders", twice)
    assert.deepEqual(short.details, [{ product_id: few.id, name: few.name, requested: 3, available: 2 }])
    assert.deepEqual([await stockOf(full.id), await stockOf(few.id)], [9, 2])
    assert.equal((await expectAnswer(shop, 200, "GET", `/orders?user_id=${buyer.user.id}`)).total, 0)
  })

  it("refuses orders without lines, with too many, or with wrong quantities", async () => {
    const buyer = await makeBuyer(shop)
    const product = await makeProduct(shop)
    const of = (items: unknown) => ({ ...buyer.order([]), items })
    const line = { product_id: product.id, quantity: 1 }
    for (const [items, path] of [
      [[], "body/items"],
      [Array(101).fill(line), "body/items"],
      [[line, { ...line, quantity: 0 }], "body/items/1/quantity"],
      [[{ ...line, quantity: 10_001 }], "body/items/0/quantity"],
      [[{ ...line, quantity: 1.5 }], "body/items/0/quantity"],
      [[{ ...line, quantity: "1" }], "body/items/0/quantity"],
      [[{ ...line, price: 0.01 }], "body/items/0/price"],
      [[{ quantity: 1 }], "body/items/0/product_id"],
      [undefined, "body/items"],
    ] as const) {
      const problem = await expectProblem(shop, 422, "VALIDATION_FAILED", "POST", "/orders", of(items))
      assert.equal(problem.errors[0].path, path)
    }
  })

  it("allows exactly the changes of status that the table lists", async () => {
    const paths: Record<string, string[]> = {
      pending: [],
      confirmed: ["confirmed"],
      processing: ["confirmed", "processing"],
      shipped: ["confirmed", "processing", "shipped"],
      delivered: ["confirmed", "processing", "shipped", "delivered"],
      cancelled: ["cancelled"],
      returned: ["confirmed", "processing", "shipped", "delivered", "returned"],
    }
    for (const from of orderStatuses) {
      for (const to of orderStatuses) {
        const { order } = await placeOne()
        for (const status of paths[from]!) await expectAnswer(shop, 200, "PUT", `/orders/${order.id}`, { status })
        if (nextStatuses[from].includes(to)) {
          const changed = await expectAnswer(shop, 200, "PUT", `/orders/${order.id}`, { status: to })
          assert.deepEqual([changed.status, changed.version], [to, paths[from]!.length + 1])
        } else {
          const problem = await expectProblem(shop, 409, "ILLEGAL_TRANSITION", "PUT", `/orders/${order.id}`, {
            status: to,
          })
          assert.deepEqual([problem.from, problem.to, problem.allowed], [from, to, nextStatuses[from]])
        }
      }
    }
    assert.deepEqual(nextStatuses, {
      pending: ["confirmed", "cancelled"],
      confirmed: ["processing", "cancelled"],
      processing: ["shipped", "cancelled"],
      shipped: ["delivered"],
      delivered: ["returned"],
      cancelled: [],
      returned: [],
    })
  })

  it("puts every line back when an order is cancelled, once", async () => {
    const { order, product } = await placeOne({}, 4)
    assert.equal(await stockOf(product.id), 6)
    const path = `/orders/${order.id}`
    const cancelled = await expectAnswer(shop, 200, "PUT", path, { status: "cancelled", cancel_reason: "Too late" })
    assert.deepEqual([cancelled.status, cancelled.cancel_reason, cancelled.items.length], ["cancelled", "Too late", 1])
    await expectProblem(shop, 409, "ILLEGAL_TRANSITION", "PUT", path, { status: "cancelled" })
    assert.equal(await stockOf(product.id), 10)
  })

  it("cancels once where many ask at once", async () => {
    const { order, product } = await placeOne({}, 4)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => shop.send("PUT", `/orders/${order.id}`, { status: "cancelled" })),
    )
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(7).fill(409)])
    assert.equal(await stockOf(product.id), 10)
  })

  it("puts a returned order back into stock unless told not to", async () => {
    for (const [body, left] of [
      [{ status: "returned" }, 10],
      [{ status: "returned", restock: true }, 10],
      [{ status: "returned", restock: false }, 6],
    ] as const) {
      const { order, product } = await placeOne({}, 4)
      for (const status of ["confirmed", "processing", "shipped", "delivered"]) {
        await expectAnswer(shop, 200, "PUT", `/orders/${order.id}`, { status })
      }
      await expectAnswer(shop, 200, "PUT", `/orders/${order.id}`, body)
      assert.equal(await stockOf(product.id), left)
      const { movements } = await expectAnswer(shop, 200, "GET", `/products/${product.id}/movements`)
      assert.equal(movements[0].reason, left === 10 ? "return" : "order")
    }
  })

  it("takes the fields of a status only with it", async () => {
    const { order } = await placeOne()
    for (const [body, path] of [
      [{ status: "confirmed", cancel_reason: "x" }, "body/cancel_reason"],
      [{ status: "confirmed", restock: true }, "body/restock"],
      [{ status: "lost" }, "body/status"],
      [{}, "body/status"],
      [{ status: "cancelled", cancel_reason: "x".repeat(501) }, "body/cancel_reason"],
    ] as const) {
      const problem = await expectProblem(shop, 422, "VALIDATION_FAILED", "PUT", `/orders/${order.id}`, body)
      assert.equal(problem.errors[0].path, path)
    }
    await expectProblem(shop, 404, "NOT_FOUND", "PUT", "/orders/999999", { status: "confirmed" })
    await expectProblem(
      shop,
      412,
      "VERSION_MISMATCH",
      "PUT",
      `/orders/${order.id}`,
      { status: "confirmed" },
      { "if-match": '"1"' },
    )
    await expectAnswer(shop, 200, "PUT", `/orders/${order.id}`, { status: "confirmed" }, { "if-match": '"0"' })
    assert.equal((await shop.send("GET", `/orders/${order.id}`)).headers["etag"], '"1"')
  })

  it("keeps past orders as they were when prices, names and addresses change", async () => {
    const { order, product, buyer } = await placeOne({ price: 5 })
    await expectAnswer(shop, 200, "PUT", `/products/${product.id}`, { price: 6, name: `${product.name} new` })
    await expectAnswer(shop, 200, "PUT", `/addresses/${buyer.address.id}`, { city: "Elsewhere" })
    assert.deepEqual(await expectAnswer(shop, 200, "GET", `/orders/${order.id}`), order)
  })

  it("lists orders with their items, the newest first, in a fixed number of queries", async () => {
    const buyer = await makeBuyer(shop)
    const products = [await makeProduct(shop), await makeProduct(shop)]
    const items = products.map(({ id }) => ({ product_id: id, quantity: 1 }))
    const ids: number[] = []
    const instants: string[] = []
    for (let count = 0; count < 12; count++) {
      ids.unshift((await expectAnswer(shop, 201, "POST", "/orders", buyer.order(items))).id)
      instants.unshift(shop.clock.now().toISOString())
      if (count % 3 === 2) shop.clock.advance(60_000)
    }
    await expectAnswer(shop, 200, "PUT", `/orders/${ids[0]}`, { status: "cancelled" })
    const search = async (query: string) => expectAnswer(shop, 200, "GET", `/orders?user_id=${buyer.user.id}&${query}`)
    const calls: string[] = []
    // Besides, the cache looks now and then whether other processes wrote.
    const stop = shop.database.on("query", ({ call }) => /^orders?[._]/.test(call) && calls.push(call))
    const few = await search("count=2")
    const forFew = calls.splice(0).sort()
    const all = await search("count=100")
    stop()
    assert.deepEqual(calls.sort(), forFew)
    assert.deepEqual([few.orders.length, few.total, all.orders.length, all.total], [2, 12, 12, 12])
    assert.deepEqual(
      all.orders.map((one: { id: number }) => one.id),
      ids,
    )
    for (const order of all.orders) assert.equal(order.items.length, 2)
    assert.deepEqual(
      (await search("count=5&page=2")).orders.map((one: { id: number }) => one.id),
      ids.slice(5, 10),
    )
    assert.equal((await search("status=cancelled")).total, 1)
    const [from, to] = [instants[8], instants[5]]
    assert.equal((await search(`from=${from}&to=${to}`)).total, 3)
    assert.equal((await search(`from=${encodeURIComponent(from!.replace("Z", "+00:00"))}`)).total, 9)
    for (const query of ["from=2026-03-11T12:00:00", "from=yesterday", "status=lost", "user_id=0"]) {
      await expectProblem(shop, 422, "VALIDATION_FAILED", "GET", `/orders?${query}`)
    }
  })

  it("keeps rejected orders, and places one again when it can be", async () => {
    const buyer = await makeBuyer(shop)
    const product = await makeProduct(shop, { stock_quantity: 0 })
    const payload = buyer.order([{ product_id: product.id, quantity: 2 }])
    const rejected = await shop.stores.rejectedOrders.create({
      messageId: `message-${product.id}`,
      payload,
      reason: "OUT_OF_STOCK",
      details: [],
    })
    const list = await expectAnswer(shop, 200, "GET", "/orders/rejected")
    assert.deepEqual([list.orders[0].id, list.orders[0].payload, list.orders[0].order_id], [rejected.id, payload, null])
    const path = `/orders/rejected/${rejected.id}/retry`
    await expectProblem(shop, 400, "OUT_OF_STOCK", "POST", path)
    await expectAnswer(shop, 200, "POST", `/products/${product.id}/stock`, { delta: 2, reason: "receipt" })
    const order = await expectAnswer(shop, 200, "POST", path)
    assert.deepEqual([order.source, order.items[0].quantity, await stockOf(product.id)], ["queue", 2, 0])
    const again = await expectProblem(shop, 409, "ALREADY_PLACED", "POST", path)
    assert.equal(again.order_id, order.id)
    await expectProblem(shop, 404, "NOT_FOUND", "POST", "/orders/rejected/999999/retry")
  })

  it("answers the report of a day, and that of today without one", async () => {
    const { order } = await placeOne()
    const row = { reportAt: "2026-03-10", orderId: order.id, countProduct: 2 }
    const stored = await shop.stores.reports.create(row)
    assert.deepEqual(await expectAnswer(shop, 200, "GET", "/report?report_date=2026-03-10"), [
      {
        id: stored.id,
        report_at: "2026-03-10",
        order_id: order.id,
        count_product: 2,
        created_at: stored.createdAt.toISOString(),
      },
    ])
    assert.deepEqual(await expectAnswer(shop, 200, "GET", "/report"), [])
    shop.clock.set("2026-03-09T21:30:00Z")
    assert.equal((await expectAnswer(shop, 200, "GET", "/report")).length, 1)
    shop.clock.set("2026-03-11T12:00:00Z")
    await expectProblem(shop, 422, "VALIDATION_FAILED", "GET", "/report?report_date=2026-02-30")
    await expectProblem(shop, 422, "VALIDATION_FAILED", "GET", "/report?report_date=0000-01-01")
  })

  it("is unhealthy once its database is gone, without saying where it was", async () => {
    await using other = await openShop(engine)
    await expectAnswer(other, 200, "GET", "/health")
    await other.database.close()
    const health = await other.send("GET", "/health")
    assert.deepEqual([health.status, health.body.status], [503, "unhealthy"])
    assert.doesNotMatch(health.body.database, /127|localhost|:|\//)
    const line = other.logged.find(({ level }) => level === "ERROR")
    assert.equal(line?.message, `Health check failed: ${health.body.database}`)
  })

  it("uses the address that was given, not the primary one", async () => {
    const user = await makeUser(shop)
    await makeAddress(shop, user.id)
    const second = await makeAddress(shop, user.id)
    const product = await makeProduct(shop)
    const body = { user_id: user.id, delivery_address_id: second.id, items: [{ product_id: product.id, quantity: 1 }] }
    assert.equal((await expectAnswer(shop, 201, "POST", "/orders", body)).address_snapshot.street, second.street)
  })
})
