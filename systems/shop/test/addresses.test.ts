import assert from "node:assert/strict"
import { after, before, it } from "node:test"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { expectAnswer, expectProblem, makeAddress, makeBuyer, makeProduct, makeUser } from "./fixtures.ts"
import { openShop, type TestShop } from "./support.ts"

forEachEngine((engine) => {
  let shop: TestShop
  before(async () => {
    shop = await openShop(engine)
  })
  after(() => shop[Symbol.asyncDispose]())

  const primaries = async (userId: number): Promise<number[]> => {
    const { addresses } = await expectAnswer(shop, 200, "GET", `/users/${userId}/addresses`)
    return addresses.filter((one: { is_primary: boolean }) => one.is_primary).map((one: { id: number }) => one.id)
  }

  it("makes the first address primary and the later ones not, unless they ask", async () => {
    const user = await makeUser(shop)
    const first = await makeAddress(shop, user.id, { is_primary: false, postal_code: "170000" })
    assert.equal(first.is_primary, true)
    assert.equal(first.postal_code, "170000")
    assert.equal((await makeAddress(shop, user.id)).is_primary, false)
    const third = await makeAddress(shop, user.id, { is_primary: true })
    assert.deepEqual(await primaries(user.id), [third.id])
    const list = await expectAnswer(shop, 200, "GET", `/users/${user.id}/addresses?count=2&page=2`)
    assert.deepEqual([list.total, list.addresses.length], [3, 1])
  })

  it("moves the primary mark, and refuses to take it away", async () => {
    const user = await makeUser(shop)
    const [first, second] = [await makeAddress(shop, user.id), await makeAddress(shop, user.id)]
    await expectProblem(shop, 409, "PRIMARY_REQUIRED", "PUT", `/addresses/${first.id}`, { is_primary: false })
    await expectAnswer(shop, 200, "PUT", `/addresses/${second.id}`, { is_primary: false })
    const moved = await expectAnswer(shop, 200, "PUT", `/addresses/${second.id}`, { is_primary: true, city: "Omsk" })
    assert.deepEqual([moved.is_primary, moved.city, moved.street], [true, "Omsk", second.street])
    assert.deepEqual(await primaries(user.id), [second.id])
  })

  it("makes the newest remaining address primary when the primary one goes", async () => {
    const user = await makeUser(shop)
    const made = []
    for (let count = 0; count < 3; count++) {
      made.push(await makeAddress(shop, user.id))
      shop.clock.advance(1_000)
    }
    await expectAnswer(shop, 204, "DELETE", `/addresses/${made[0].id}`)
    assert.deepEqual(await primaries(user.id), [made[2].id])
    await expectAnswer(shop, 204, "DELETE", `/addresses/${made[1].id}`)
    assert.deepEqual(await primaries(user.id), [made[2].id])
    await expectAnswer(shop, 204, "DELETE", `/addresses/${made[2].id}`)
    assert.deepEqual(await primaries(user.id), [])
    assert.equal((await makeAddress(shop, user.id)).is_primary, true)
  })

  it("keeps an address that has orders, primary mark and all", async () => {
    const buyer = await makeBuyer(shop)
    await makeAddress(shop, buyer.user.id)
    const product = await makeProduct(shop)
    await expectAnswer(shop, 201, "POST", "/orders", buyer.order([{ product_id: product.id, quantity: 1 }]))
    await expectProblem(shop, 409, "ADDRESS_IN_USE", "DELETE", `/addresses/${buyer.address.id}`)
    assert.deepEqual(await primaries(buyer.user.id), [buyer.address.id])
  })

  it("answers 404 for an address or a user that does not exist", async () => {
    await expectProblem(shop, 404, "NOT_FOUND", "GET", "/users/999999/addresses")
    const place = { country: "a", city: "b", street: "c" }
    await expectProblem(shop, 404, "NOT_FOUND", "POST", "/users/999999/addresses", place)
    await expectProblem(shop, 404, "NOT_FOUND", "GET", "/addresses/999999")
    await expectProblem(shop, 404, "NOT_FOUND", "PUT", "/addresses/999999", { city: "x" })
    await expectProblem(shop, 404, "NOT_FOUND", "DELETE", "/addresses/999999")
    const user = await makeUser(shop)
    await expectProblem(shop, 422, "VALIDATION_FAILED", "POST", `/users/${user.id}/addresses`, { ...place, city: "" })
  })
})
