import assert from "node:assert/strict"
import type { TestShop } from "./support.ts"

/** Checks S1, S2, S3, S6 and S10 over all rows. */
export async function checkInvariants({ stores }: TestShop): Promise<void> {
  const movements = await stores.stockMovements.list()
  const sums = new Map<number, number>()
  for (const { productId, delta, balanceAfter } of movements) {
    const sum = (sums.get(productId) ?? 0) + delta
    sums.set(productId, sum)
    assert.ok(balanceAfter >= 0, "a movement left less than nothing")
  }
  for (const { id, stockQuantity } of await stores.products.list()) {
    assert.ok(stockQuantity >= 0, `S1: product ${id} has ${stockQuantity}`)
    assert.equal(stockQuantity, sums.get(id) ?? 0, `S2: product ${id}`)
  }
  for (const order of await stores.orders.list({ with: { items: true } })) {
    const total = order.items.reduce((sum, { priceCents, quantity }) => sum + priceCents * quantity, 0)
    assert.equal(order.totalCents, total, `S3: order ${order.id}`)
    assert.ok(order.items.length > 0)
  }
  const addresses = new Map((await stores.addresses.list()).map((one) => [one.id, one]))
  for (const { id, userId, deliveryAddressId } of await stores.orders.list()) {
    assert.equal(addresses.get(deliveryAddressId)?.userId, userId, `S6: order ${id}`)
  }
  for (const [userId, own] of Map.groupBy(addresses.values(), (one) => one.userId)) {
    assert.equal(own.filter(({ isPrimary }) => isPrimary).length, 1, `S10: user ${userId}`)
  }
}
