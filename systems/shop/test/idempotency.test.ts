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

  const key = (name: string) => ({ "idempotency-key": name })

  it("answers a repeated request as it answered the first, and does nothing more", async () => {
    const buyer = await makeBuyer(shop)
    const product = await makeProduct(shop, { price: 19.99 })
    const body = buyer.order([{ product_id: product.id, quantity: 1 }])
    const first = await shop.send("POST", "/orders", body, key("order-1"))
    assert.equal(first.status, 201)
    const reordered = Object.fromEntries(Object.entries(body).reverse())
    const second = await shop.send("POST", "/orders", reordered, key("order-1"))
    assert.deepEqual([second.status, second.body], [201, first.body])
    assert.deepEqual(Object.keys(second.body), Object.keys(first.body))
    assert.equal((await expectAnswer(shop, 200, "GET", `/orders?user_id=${buyer.user.id}`)).total, 1)
    assert.equal((await expectAnswer(shop, 200, "GET", `/products/${product.id}`)).stock_quantity, 99)
  })

  it("refuses the key with another body, but not on another path", async () => {
    const [one, two] = [await makeProduct(shop), await makeProduct(shop)]
    const body = { delta: 1, reason: "receipt" }
    await expectAnswer(shop, 200, "POST", `/products/${one.id}/stock`, body, key("stock-1"))
    const other = { delta: 2, reason: "receipt" }
    await expectProblem(shop, 409, "IDEMPOTENCY_KEY_REUSED", "POST", `/products/${one.id}/stock`, other, key("stock-1"))
    await expectAnswer(shop, 200, "POST", `/products/${two.id}/stock`, body, key("stock-1"))
    assert.equal((await expectAnswer(shop, 200, "GET", `/products/${two.id}`)).stock_quantity, 101)
  })

  it("keeps no answer of a request that failed", async () => {
    const product = await makeProduct(shop, { stock_quantity: 0 })
    const path = `/products/${product.id}/stock`
    const take = { delta: -1, reason: "correction" }
    await expectProblem(shop, 400, "INSUFFICIENT_STOCK", "POST", path, take, key("fail-1"))
    await expectAnswer(shop, 200, "POST", path, { delta: 1, reason: "receipt" })
    assert.equal((await expectAnswer(shop, 200, "POST", path, take, key("fail-1"))).stock_quantity, 0)
  })

  it("carries out one of many equal requests that come at once", async () => {
    const product = await makeProduct(shop, { stock_quantity: 0 })
    const path = `/products/${product.id}/stock`
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => shop.send("POST", path, { delta: 5, reason: "receipt" }, key("race-1"))),
    )
    for (const { status, body, headers } of answers) {
      if (status === 200) assert.equal(body.stock_quantity, 5)
      else assert.deepEqual([status, body.error_code, headers["retry-after"]], [409, "REQUEST_IN_PROGRESS", "1"])
    }
    assert.ok(answers.some(({ status }) => status === 200))
    assert.equal((await expectAnswer(shop, 200, "GET", `/products/${product.id}`)).stock_quantity, 5)
  })

  it("says that the first request is still running, and takes over what a killed process left", async () => {
    const product = await makeProduct(shop, { stock_quantity: 0 })
    const path = `/products/${product.id}/stock`
    const body = { delta: 1, reason: "receipt" }
    await expectAnswer(shop, 200, "POST", path, body, key("killed-1"))
    const route = `POST ${path}`
    const expiresAt = new Date(shop.clock.now().getTime() + 60_000)
    const answers = await shop.database
      .execute`UPDATE idempotency SET status = 0, expires_at = ${expiresAt} WHERE route = ${route}`
    assert.equal(answers, 1)
    await expectProblem(shop, 409, "REQUEST_IN_PROGRESS", "POST", path, body, key("killed-1"))
    shop.clock.advance(60_000)
    assert.equal((await expectAnswer(shop, 200, "POST", path, body, key("killed-1"))).stock_quantity, 2)
  })

  it("forgets an answer after 24 hours", async () => {
    const product = await makeProduct(shop, { stock_quantity: 0 })
    const path = `/products/${product.id}/stock`
    const body = { delta: 1, reason: "receipt" }
    await expectAnswer(shop, 200, "POST", path, body, key("day-1"))
    shop.clock.advance(24 * 3_600_000 - 1)
    assert.equal((await expectAnswer(shop, 200, "POST", path, body, key("day-1"))).stock_quantity, 1)
    shop.clock.advance(1)
    assert.equal((await expectAnswer(shop, 200, "POST", path, body, key("day-1"))).stock_quantity, 2)
    shop.clock.advance(48 * 3_600_000)
    await expectAnswer(shop, 200, "POST", path, body, key("day-2"))
    assert.equal(await shop.database.fetchValue`SELECT count(*) FROM idempotency`, 1)
  })

  it("refuses keys that are empty or too long", async () => {
    const product = await makeProduct(shop)
    for (const wrong of ["", "x".repeat(129), "two words"]) {
      const body = { delta: 1, reason: "receipt" }
      await expectProblem(shop, 422, "VALIDATION_FAILED", "POST", `/products/${product.id}/stock`, body, key(wrong))
    }
  })
})
