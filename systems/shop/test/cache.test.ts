import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { elapsed } from "rootstock/clock"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { expectAnswer, makeBuyer, makeProduct, makeUser } from "./fixtures.ts"
import { cachePlaces, openShop, type TestShop } from "./support.ts"

/** What happened to a key, in its order. */
function eventsOf(shop: TestShop, key: string): string[] {
  const lines = shop.logged.filter(({ name, message }) => name === "shop.cache" && message.endsWith(` ${key}`))
  return lines.map(({ message }) => message.split(" ")[0] as string)
}

/** Waits until a value is kept under a key. */
async function kept(shop: TestShop, key: string): Promise<{ text: string; ttlMs: number }> {
  const end = elapsed() + 10_000
  for (;;) {
    const found = await shop.cache.inspect(key)
    if (found !== undefined) return found
    assert.ok(elapsed() < end, `nothing is kept under ${key}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = elapsed()
  await work()
  return elapsed() - start
}

forEachEngine((engine) => {
  for (const cachePlace of cachePlaces.filter((place) => place !== "off")) {
    describe(`with a cache in ${cachePlace}`, () => {
      it("misses a user and a product at the first read and finds them at the second", async () => {
        await using shop = await openShop(engine, { cachePlace })
        const [user, product] = [await makeUser(shop), await makeProduct(shop)]
        for (const [path, key, row] of [
          [`/users/${user.id}`, `user:${user.id}`, user],
          [`/products/${product.id}`, `product:${product.id}`, product],
        ] as const) {
          const without = await timed(async () => assert.deepEqual(await expectAnswer(shop, 200, "GET", path), row))
          await kept(shop, key)
          const within = await timed(async () => assert.deepEqual(await expectAnswer(shop, 200, "GET", path), row))
          assert.deepEqual(eventsOf(shop, key), ["miss", "fill", "hit"])
          shop.context.log.info(
            `${path} took ${without.toFixed(2)} ms without the cache and ${within.toFixed(2)} ms with it`,
          )
        }
      })

      it("keeps a user for an hour and a product for ten minutes, as JSON with ISO 8601 times", async () => {
        await using shop = await openShop(engine, { cachePlace })
        const [user, product] = [await makeUser(shop), await makeProduct(shop)]
        await expectAnswer(shop, 200, "GET", `/users/${user.id}`)
        await expectAnswer(shop, 200, "GET", `/products/${product.id}`)
        const [keptUser, keptProduct] = [await kept(shop, `user:${user.id}`), await kept(shop, `product:${product.id}`)]
        assert.ok(keptUser.ttlMs <= 3_600_000 && keptUser.ttlMs > 3_400_000, `${keptUser.ttlMs}`)
        assert.ok(keptProduct.ttlMs <= 600_000 && keptProduct.ttlMs > 560_000, `${keptProduct.ttlMs}`)
        assert.deepEqual(JSON.parse(keptUser.text), user)
      })

      it("forgets a user that is changed or deleted", async () => {
        await using shop = await openShop(engine, { cachePlace })
        const user = await makeUser(shop)
        await expectAnswer(shop, 200, "GET", `/users/${user.id}`)
        await kept(shop, `user:${user.id}`)
        await expectAnswer(shop, 200, "PUT", `/users/${user.id}`, { description: "changed" })
        assert.equal(await shop.cache.inspect(`user:${user.id}`), undefined)
        assert.equal((await expectAnswer(shop, 200, "GET", `/users/${user.id}`)).description, "changed")
        await kept(shop, `user:${user.id}`)
        await expectAnswer(shop, 204, "DELETE", `/users/${user.id}`)
        assert.equal(await shop.cache.inspect(`user:${user.id}`), undefined)
        await expectAnswer(shop, 404, "GET", `/users/${user.id}`)
      })

      it("replaces a product that is changed by its new value, and forgets one that is deleted", async () => {
        await using shop = await openShop(engine, { cachePlace })
        const product = await makeProduct(shop)
        await expectAnswer(shop, 200, "GET", `/products/${product.id}`)
        await kept(shop, `product:${product.id}`)
        await expectAnswer(shop, 200, "PUT", `/products/${product.id}`, { price: 77.7 })
        const { text, ttlMs } = await kept(shop, `product:${product.id}`)
        assert.equal(JSON.parse(text).price_cents, 7_770)
        assert.ok(ttlMs <= 600_000 && ttlMs > 560_000, `${ttlMs}`)
        assert.equal((await expectAnswer(shop, 200, "GET", `/products/${product.id}`)).price, 77.7)
        await expectAnswer(shop, 204, "DELETE", `/products/${product.id}`)
        assert.equal(await shop.cache.inspect(`product:${product.id}`), undefined)
        await expectAnswer(shop, 404, "GET", `/products/${product.id}`)
      })

      it("replaces products whose stock an order takes, a cancellation or a return gives back", async () => {
        await using shop = await openShop(engine, { cachePlace })
        const { user, address } = await makeBuyer(shop)
        const product = await makeProduct(shop, { stock_quantity: 10 })
        const stock = async () => (await expectAnswer(shop, 200, "GET", `/products/${product.id}`)).stock_quantity
        const keptStock = async () => JSON.parse((await kept(shop, `product:${product.id}`)).text).stock_quantity
        const place = () =>
          expectAnswer(shop, 201, "POST", "/orders", {
            user_id: user.id,
            delivery_address_id: address.id,
            items: [{ product_id: product.id, quantity: 4 }],
          })
        const move = (id: number, status: string) => expectAnswer(shop, 200, "PUT", `/orders/${id}`, { status })
        assert.equal(await stock(), 10)
        const first = await place()
        assert.deepEqual([await stock(), await keptStock()], [6, 6])
        assert.equal((await expectAnswer(shop, 200, "GET", `/orders/${first.id}`)).status, "pending")
        await move(first.id, "cancelled")
        assert.deepEqual([await stock(), await keptStock()], [10, 10])
        assert.equal((await expectAnswer(shop, 200, "GET", `/orders/${first.id}`)).status, "cancelled")
        const second = await place()
        for (const status of ["confirmed", "processing", "shipped", "delivered"]) await move(second.id, status)
        assert.equal(await stock(), 6)
        await move(second.id, "returned")
        assert.deepEqual([await stock(), await keptStock()], [10, 10])
      })

      it("leaves the cache as it is where an order is refused", async () => {
        await using shop = await openShop(engine, { cachePlace })
        const { user, address } = await makeBuyer(shop)
        const [plenty, scarce] = [await makeProduct(shop), await makeProduct(shop, { stock_quantity: 1 })]
        await expectAnswer(shop, 200, "GET", `/products/${plenty.id}`)
        await kept(shop, `product:${plenty.id}`)
        const before = eventsOf(shop, `product:${plenty.id}`)
        await expectAnswer(shop, 400, "POST", "/orders", {
          user_id: user.id,
          delivery_address_id: address.id,
          items: [
            { product_id: plenty.id, quantity: 1 },
            { product_id: scarce.id, quantity: 2 },
          ],
        })
        assert.deepEqual(eventsOf(shop, `product:${plenty.id}`), before)
      })

      it("shows its state and its counts in /health and at /metrics", async () => {
        await using shop = await openShop(engine, { cachePlace })
        const user = await makeUser(shop)
        await expectAnswer(shop, 200, "GET", `/users/${user.id}`)
        await kept(shop, `user:${user.id}`)
        await expectAnswer(shop, 200, "GET", `/users/${user.id}`)
        assert.equal((await expectAnswer(shop, 200, "GET", "/health")).cache, "connected")
        const { body } = await shop.server.fastify.inject({ url: "/metrics" })
        assert.match(body, /^cache_misses_total\{key="user:\{id\}"\} 1$/m)
        assert.match(body, /^cache_hits_(local|remote)_total\{key="user:\{id\}"\} 1$/m)
      })
    })
  }
})
