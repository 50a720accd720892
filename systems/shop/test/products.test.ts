import assert from "node:assert/strict"
import { after, before, it } from "node:test"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { expectAnswer, expectProblem, makeBuyer, makeProduct } from "./fixtures.ts"
import { openShop, type TestShop } from "./support.ts"

forEachEngine((engine) => {
  let shop: TestShop
  before(async () => {
    shop = await openShop(engine)
  })
  after(() => shop[Symbol.asyncDispose]())

  const movements = async (id: number): Promise<[number, string, number][]> => {
    const list = await expectAnswer(shop, 200, "GET", `/products/${id}/movements?count=100`)
    return list.movements.map((one: { delta: number; reason: string; balance_after: number }) => [
      one.delta,
      one.reason,
      one.balance_after,
    ])
  }

  it("creates a product with its defaults and its first movement", async () => {
    const product = await expectAnswer(shop, 201, "POST", "/products", { name: "Tea", price: 19.99, stock_quantity: 4 })
    assert.deepEqual(product, {
      id: product.id,
      name: "Tea",
      description: null,
      price: 19.99,
      currency: "RUB",
      stock_quantity: 4,
      is_active: true,
      low_stock_threshold: 0,
      version: 0,
      created_at: "2026-03-11T12:00:00.000Z",
      updated_at: "2026-03-11T12:00:00.000Z",
    })
    assert.deepEqual(await movements(product.id), [[4, "initial", 4]])
    assert.equal((await shop.stores.products.get(product.id))?.priceCents, 1999)
    const none = await makeProduct(shop, { stock_quantity: 0 })
    assert.deepEqual(await movements(none.id), [])
  })

  for (const [what, more] of [
    ["a price with three decimals", { price: 1.999 }],
    ["a negative price", { price: -1 }],
    ["a price as text", { price: "1" }],
    ["a price over ten million", { price: 10_000_000.01 }],
    ["a negative stock", { stock_quantity: -1 }],
    ["half a piece in stock", { stock_quantity: 0.5 }],
    ["a currency that is no code", { currency: "rub" }],
    ["an empty name", { name: "" }],
    ["a description of 1001 characters", { description: "x".repeat(1001) }],
    ["a field that only the server sets", { version: 3 }],
  ] as const) {
    it(`refuses a product with ${what}`, () =>
      expectProblem(shop, 422, "VALIDATION_FAILED", "POST", "/products", { name: "Cup", price: 1, ...more }))
  }

  it("refuses a price whose text has more decimals than its number keeps", async () => {
    const send = (price: string) =>
      [
        "POST" as const,
        "/products",
        `{"name": "Text ${price}", "price": ${price}}`,
        { "content-type": "application/json" },
      ] as const
    const { errors } = await expectProblem(shop, 422, "VALIDATION_FAILED", ...send("19.990000000000000001"))
    assert.deepEqual(errors, [{ path: "body/price", message: "must be a number from 0 with at most two decimals" }])
    assert.equal((await expectAnswer(shop, 201, ...send("19.99000000000000000"))).price, 19.99)
  })

  it("refuses a name that is taken", async () => {
    const [one, two] = [await makeProduct(shop), await makeProduct(shop)]
    await expectProblem(shop, 400, "PRODUCT_NAME_EXISTS", "POST", "/products", { name: one.name, price: 1 })
    await expectProblem(shop, 400, "PRODUCT_NAME_EXISTS", "PUT", `/products/${two.id}`, { name: one.name })
    assert.equal((await expectAnswer(shop, 200, "PUT", `/products/${one.id}`, { name: one.name })).name, one.name)
  })

  it("changes fields, counts versions, and writes a correction for a new count", async () => {
    const product = await makeProduct(shop, { stock_quantity: 10 })
    const path = `/products/${product.id}`
    shop.clock.advance(1_000)
    const priced = await expectAnswer(shop, 200, "PUT", path, { price: 0.1, description: "x" })
    assert.deepEqual(
      [priced.price, priced.description, priced.version, priced.updated_at],
      [0.1, "x", 1, shop.clock.now().toISOString()],
    )
    assert.deepEqual(await expectAnswer(shop, 200, "PUT", path, {}), priced)
    const counted = await expectAnswer(shop, 200, "PUT", path, { stock_quantity: 7 })
    assert.deepEqual([counted.stock_quantity, counted.version], [7, 2])
    await expectAnswer(shop, 200, "PUT", path, { stock_quantity: 7 })
    assert.deepEqual(await movements(product.id), [
      [-3, "correction", 7],
      [10, "initial", 10],
    ])
  })

  it("changes a product only at the version that If-Match names, and answers it as ETag", async () => {
    const product = await makeProduct(shop)
    const path = `/products/${product.id}`
    assert.equal((await shop.send("GET", path)).headers["etag"], '"0"')
    await expectAnswer(shop, 200, "PUT", path, { price: 1 }, { "if-match": '"0"' })
    await expectProblem(shop, 412, "VERSION_MISMATCH", "PUT", path, { price: 2 }, { "if-match": '"0"' })
    await expectProblem(shop, 412, "VERSION_MISMATCH", "PUT", path, {}, { "if-match": '"0"' })
    assert.equal((await expectAnswer(shop, 200, "GET", path)).price, 1)
    await expectAnswer(shop, 200, "PUT", path, { price: 3 }, { "if-match": '"1"' })
    const receipt = { delta: 1, reason: "receipt" }
    await expectProblem(shop, 412, "VERSION_MISMATCH", "POST", `${path}/stock`, receipt, { "if-match": '"1"' })
    await expectAnswer(shop, 200, "POST", `${path}/stock`, receipt, { "if-match": '"2"' })
    await expectProblem(shop, 412, "VERSION_MISMATCH", "DELETE", path, undefined, { "if-match": '"2"' })
    await expectAnswer(shop, 204, "DELETE", path, undefined, { "if-match": '"3"' })
  })

  it("adds to and takes from the stock, never below zero", async () => {
    const product = await makeProduct(shop, { stock_quantity: 5 })
    const path = `/products/${product.id}/stock`
    assert.equal((await expectAnswer(shop, 200, "POST", path, { delta: 3, reason: "receipt" })).stock_quantity, 8)
    const problem = await expectProblem(shop, 400, "INSUFFICIENT_STOCK", "POST", path, {
      delta: -9,
      reason: "correction",
    })
    assert.deepEqual(problem.details, [{ product_id: product.id, name: product.name, requested: 9, available: 8 }])
    assert.equal((await expectAnswer(shop, 200, "POST", path, { delta: -8, reason: "correction" })).stock_quantity, 0)
    for (const body of [{ delta: 0, reason: "receipt" }, { delta: 1, reason: "initial" }, { delta: 1 }]) {
      await expectProblem(shop, 422, "VALIDATION_FAILED", "POST", path, body)
    }
    assert.deepEqual(await movements(product.id), [
      [-8, "correction", 0],
      [3, "receipt", 8],
      [5, "initial", 5],
    ])
    await expectProblem(shop, 404, "NOT_FOUND", "POST", "/products/999999/stock", { delta: 1, reason: "receipt" })
  })

  it("warns when a change leaves nothing in stock", async () => {
    const product = await makeProduct(shop, { stock_quantity: 2 })
    const warnings = () =>
      shop.logged.filter(
        ({ level, message }) => level === "WARNING" && message === `Product ${product.id} is out of stock`,
      ).length
    await expectAnswer(shop, 200, "PUT", `/products/${product.id}`, { price: 5 })
    assert.equal(warnings(), 0)
    await expectAnswer(shop, 200, "PUT", `/products/${product.id}`, { stock_quantity: 0 })
    assert.equal(warnings(), 1)
    await expectAnswer(shop, 200, "PUT", `/products/${product.id}`, {})
    assert.equal(warnings(), 1)
    await expectAnswer(shop, 200, "PUT", `/products/${product.id}`, { price: 6 })
    assert.equal(warnings(), 2)
    await expectAnswer(shop, 200, "POST", `/products/${product.id}/stock`, { delta: 1, reason: "receipt" })
    const buyer = await makeBuyer(shop)
    await expectAnswer(shop, 201, "POST", "/orders", buyer.order([{ product_id: product.id, quantity: 1 }]))
    assert.equal(warnings(), 3)
  })

  it("deletes a product that was never ordered, with its movements", async () => {
    const product = await makeProduct(shop)
    await expectAnswer(shop, 204, "DELETE", `/products/${product.id}`)
    await expectProblem(shop, 404, "NOT_FOUND", "GET", `/products/${product.id}`)
    await expectProblem(shop, 404, "NOT_FOUND", "GET", `/products/${product.id}/movements`)
    assert.equal(await shop.stores.stockMovements.count({ productId: product.id }), 0)
    const sold = await makeProduct(shop)
    const buyer = await makeBuyer(shop)
    await expectAnswer(shop, 201, "POST", "/orders", buyer.order([{ product_id: sold.id, quantity: 1 }]))
    await expectProblem(shop, 409, "PRODUCT_IN_ORDERS", "DELETE", `/products/${sold.id}`)
  })

  it("refuses to change or delete movements while their product exists", async () => {
    const product = await makeProduct(shop)
    const [movement] = await shop.stores.stockMovements.list({ where: { productId: product.id } })
    await assert.rejects(shop.stores.stockMovements.update(movement!.id, { delta: 5 }))
    await assert.rejects(shop.stores.stockMovements.delete(movement!.id))
  })

  it("filters, sorts and counts with the same filters", async () => {
    const names = ["Ёлка зелёная", "ёлка малая", "Берёза", "100% cotton", "a_b"]
    for (const [at, name] of names.entries()) {
      await makeProduct(shop, { name, price: 500 + at, stock_quantity: at === 2 ? 0 : 3, is_active: at !== 3 })
      shop.clock.advance(1_000)
    }
    const search = async (query: string): Promise<string[]> => {
      const list = await expectAnswer(shop, 200, "GET", `/products?min_price=500&max_price=504&count=100&${query}`)
      assert.equal(list.total, list.products.length)
      return list.products.map((one: { name: string }) => one.name)
    }
    assert.deepEqual(await search(""), names)
    assert.deepEqual(await search(`q=${encodeURIComponent("ЁЛКА")}`), names.slice(0, 2))
    assert.deepEqual(await search("q=%25"), ["100% cotton"])
    assert.deepEqual(await search("q=_"), ["a_b"])
    assert.deepEqual(await search("in_stock=false"), ["Берёза"])
    assert.deepEqual((await search("in_stock=true")).length, 4)
    assert.deepEqual(await search("is_active=false"), ["100% cotton"])
    assert.deepEqual(await search("sort=-price"), [...names].reverse())
    assert.deepEqual(await search("sort=-created_at"), [...names].reverse())
    assert.deepEqual(await search("sort=name"), ["100% cotton", "a_b", "Ёлка зелёная", "Берёза", "ёлка малая"])
    const page = await expectAnswer(shop, 200, "GET", "/products?min_price=500&max_price=504&count=2&page=2&sort=price")
    assert.deepEqual([page.total, page.products.map((one: { price: number }) => one.price)], [5, [502, 503]])
    for (const query of ["sort=stock", "in_stock=1", "min_price=-1", "min_price=1.001", "q="]) {
      await expectProblem(shop, 422, "VALIDATION_FAILED", "GET", `/products?${query}`)
    }
  })
})
