import assert from "node:assert/strict"
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { it } from "node:test"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import type { Bought, Purchase } from "./buying-process.ts"
import { makeBuyer, makeProduct } from "./fixtures.ts"
import { checkInvariants } from "./invariants.ts"
import { openShop } from "./support.ts"

async function start(url: string): Promise<ChildProcess> {
  const child = fork(new URL("./buying-process.ts", import.meta.url), [url])
  await once(child, "message")
  return child
}

async function buy(child: ChildProcess, purchase: Purchase): Promise<Bought> {
  const answer = once(child, "message")
  child.send(purchase)
  return (await answer)[0]
}

forEachEngine((engine) => {
  it("sells each piece once where two processes sell the same product", async () => {
    await using shop = await openShop(engine)
    const { user, address } = await makeBuyer(shop)
    const children = await Promise.all([start(shop.url), start(shop.url)])
    try {
      for (const [stock, attempts] of [
        [1, 4],
        [25, 20],
        [30, 15],
      ] as const) {
        const product = await makeProduct(shop, { stock_quantity: stock })
        const purchase = { userId: user.id, addressId: address.id, productId: product.id, attempts }
        const bought = await Promise.all(children.map((child) => buy(child, purchase)))
        assert.deepEqual(
          bought.flatMap(({ failed }) => failed),
          [],
        )
        const sold = bought.reduce((sum, one) => sum + one.sold, 0)
        assert.equal(sold, Math.min(stock, 2 * attempts))
        assert.equal((await shop.stores.products.get(product.id))?.stockQuantity, stock - sold)
      }
      await checkInvariants(shop)
    } finally {
      const ended = Promise.all(children.map((child) => once(child, "exit")))
      for (const child of children) child.disconnect()
      await ended
    }
  })
})
