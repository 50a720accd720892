import assert from "node:assert/strict"
import { after, before, it } from "node:test"
import { ConflictError } from "rootstock"
import { dayOf, rangeOfDay } from "rootstock/shared"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { shop as system } from "../index.ts"
import { expectAnswer } from "./fixtures.ts"
import { checkInvariants } from "./invariants.ts"
import { openShop, type TestShop } from "./support.ts"

forEachEngine((engine) => {
  let shop: TestShop
  let counts: Readonly<Record<string, number>>
  before(async () => {
    shop = await openShop(engine)
    counts = await system.loadSample(shop.database, shop.context)
  })
  after(() => shop[Symbol.asyncDispose]())

  it("loads the customers, products and orders of Northwind", async () => {
    assert.deepEqual(
      { ...counts, reports: 0 },
      { users: 93, addresses: 91, products: 77, orders: 830, order_items: 2155, reports: 0 },
    )
    const { stores } = shop
    assert.deepEqual(
      [
        await stores.users.count(),
        await stores.addresses.count(),
        await stores.products.count(),
        await stores.orders.count(),
      ],
      [93, 91, 77, 830],
    )
    assert.equal(await stores.orderItems.count(), 2155)
    assert.equal((await expectAnswer(shop, 200, "GET", "/users/1")).username, "alfki")
    const address = await expectAnswer(shop, 200, "GET", "/addresses/1")
    assert.deepEqual([address.user_id, address.city, address.is_primary], [1, "Berlin", true])
    const chai = await expectAnswer(shop, 200, "GET", "/products/1")
    assert.deepEqual([chai.name, chai.price, chai.stock_quantity], ["Chai", 18, 39])
  })

  it("holds the invariants, and every balance follows from the movements before it", async () => {
    await checkInvariants(shop)
    const balances = new Map<number, number>()
    for (const { productId, delta, balanceAfter } of await shop.stores.stockMovements.list({
      orderBy: { id: "asc" },
    })) {
      const balance = (balances.get(productId) ?? 0) + delta
      assert.equal(balance, balanceAfter)
      balances.set(productId, balance)
    }
  })

  it("ends on the day of loading, with nothing in the future", async () => {
    const rows = await shop.stores.orders.list({ orderBy: { id: "asc" } })
    const last = rows.at(-1)!
    assert.equal(dayOf(last.createdAt, "Europe/Moscow"), "2026-03-11")
    assert.ok(rows.every(({ createdAt }) => createdAt <= shop.clock.now()))
    assert.deepEqual(
      rows.map(({ createdAt }) => +createdAt),
      rows.map(({ createdAt }) => +createdAt).sort((a, b) => a - b),
    )
  })

  it("has the reports of the last two days with orders that have ended", async () => {
    const runs = await shop.stores.reportRuns.list()
    assert.deepEqual(
      runs.map(({ reportDate }) => reportDate),
      ["2026-03-09", "2026-03-10"],
    )
    for (const { reportDate, reportsCount } of runs) {
      const { start, end } = rangeOfDay(reportDate, "Europe/Moscow")
      const orders = await shop.stores.orders.list({
        where: { createdAt: { gte: start, lt: end } },
        with: { items: true },
      })
      const rows = await expectAnswer(shop, 200, "GET", `/report?report_date=${reportDate}`)
      assert.equal(rows.length, reportsCount)
      assert.deepEqual(
        rows.map((row: { order_id: number; count_product: number }) => [row.order_id, row.count_product]),
        orders.map(({ id, items }) => [id, items.reduce((sum, { quantity }) => sum + quantity, 0)]),
      )
    }
  })

  it("is refused on a database that has rows", async () => {
    await assert.rejects(system.loadSample(shop.database, shop.context), ConflictError)
    assert.equal(await shop.stores.users.count(), 93)
  })

  it("knows what runs low, the scarcest first", async () => {
    const low = await shop.stores.products.lowStock()
    const all = await shop.stores.products.list({ where: { isActive: true } })
    const expected = all
      .filter(({ stockQuantity, lowStockThreshold }) => stockQuantity <= lowStockThreshold)
      .sort((a, b) => a.stockQuantity - b.stockQuantity || a.id - b.id)
    assert.ok(expected.length > 0)
    assert.deepEqual(low, expected)
  })

  it("takes orders like any other data", async () => {
    const body = { user_id: 1, delivery_address_id: 1, items: [{ product_id: 1, quantity: 2 }] }
    const order = await expectAnswer(shop, 201, "POST", "/orders", body)
    assert.deepEqual([order.id, order.total], [831, 36])
  })
})
