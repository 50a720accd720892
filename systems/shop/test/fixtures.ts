import assert from "node:assert/strict"
import type { Answered, TestShop } from "./support.ts"

let made = 0

/** Sends a request that must be answered with `status`, and gives the body of the answer. */
export async function expectAnswer(
  shop: TestShop,
  status: number,
  ...request: Parameters<TestShop["send"]>
): Promise<Answered["body"]> {
  const answer = await shop.send(...request)
  assert.equal(answer.status, status, `${request[0]} ${request[1]}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

/** Sends a request that must be refused with this status and code, and gives the problem document. */
export async function expectProblem(
  shop: TestShop,
  status: number,
  code: string,
  ...request: Parameters<TestShop["send"]>
): Promise<Answered["body"]> {
  const answer = await shop.send(...request)
  assert.deepEqual([answer.status, answer.body?.error_code], [status, code], JSON.stringify(answer.body))
  assert.equal(answer.headers["content-type"], "application/problem+json")
  assert.equal(answer.body.status, status)
  return answer.body
}

export async function makeUser(shop: TestShop) {
  const name = `user${++made}`
  return expectAnswer(shop, 201, "POST", "/users", { username: name, email: `${name}@example.com` })
}

export async function makeAddress(shop: TestShop, userId: number, more: object = {}) {
  const place = { country: "Russia", city: "Tver", street: `Sovetskaya ${++made}` }
  return expectAnswer(shop, 201, "POST", `/users/${userId}/addresses`, { ...place, ...more })
}

export async function makeProduct(shop: TestShop, more: object = {}) {
  return expectAnswer(shop, 201, "POST", "/products", {
    name: `Product ${++made}`,
    price: 10,
    stock_quantity: 100,
    ...more,
  })
}

/** A user with an address, ready to order. */
export async function makeBuyer(shop: TestShop) {
  const user = await makeUser(shop)
  const address = await makeAddress(shop, user.id)
  return {
    user,
    address,
    order: (items: { product_id: number; quantity: number }[]) => ({
      user_id: user.id,
      delivery_address_id: address.id,
      items,
    }),
  }
}
