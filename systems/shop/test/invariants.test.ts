import assert from "node:assert/strict"
import { after, before, it } from "node:test"
import fc from "fast-check"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { expectAnswer, makeBuyer, makeProduct } from "./fixtures.ts"
import { checkInvariants } from "./invariants.ts"
import { openShop, type TestShop } from "./support.ts"

type Call = Parameters<TestShop["send"]>
const callers = 4

/** A call with small numbers, so that calls meet each other: ids are positions among the first few rows. */
const calls: fc.Arbitrary<(ids: Ids) => Call> = fc.oneof(
  fc
    .tuple(
      fc.nat(2),
      fc.nat(5),
      fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 6 })), { minLength: 1, maxLength: 4 }),
    )
    .map(
      ([user, address, lines]) =>
        ({ users, addresses, products }: Ids): Call => [
          "POST",
          "/orders",
          {
            user_id: users[user],
            delivery_address_id: addresses[address % addresses.length],
            items: lines.map(([product, quantity]) => ({ product_id: products[product], quantity })),
          },
        ],
    ),
  fc
    .tuple(
      fc.nat(11),
      fc.constantFrom("confirmed", "processing", "shipped", "delivered", "cancelled", "cancelled", "returned"),
    )
    .map(
      ([order, status]) =>
        ({ orders }: Ids): Call => [
          "PUT",
          `/orders/${orders[order % Math.max(orders.length, 1)] ?? 999_999}`,
          { status },
        ],
    ),
  fc
    .tuple(
      fc.nat(2),
      fc.integer({ min: -5, max: 5 }).filter((delta) => delta !== 0),
    )
    .map(
      ([product, delta]) =>
        ({ products }: Ids): Call => ["POST", `/products/${products[product]}/stock`, { delta, reason: "correction" }],
    ),
  fc
    .tuple(
      fc.nat(2),
      fc.record({ stock_quantity: fc.nat(12), price: fc.nat(9_999).map((cents) => cents / 100) }, { requiredKeys: [] }),
    )
    .map(
      ([product, changes]) =>
        ({ products }: Ids): Call => ["PUT", `/products/${products[product]}`, changes],
    ),
  fc.tuple(fc.nat(2), fc.boolean()).map(
    ([user, isPrimary]) =>
      ({ users }: Ids): Call => [
        "POST",
        `/users/${users[user]}/addresses`,
        { country: "a", city: "b", street: "c", is_primary: isPrimary },
      ],
  ),
  fc.tuple(fc.nat(5), fc.boolean()).map(
    ([address, isPrimary]) =>
      ({ addresses }: Ids): Call => [
        "PUT",
        `/addresses/${addresses[address % addresses.length]}`,
        { is_primary: isPrimary },
      ],
  ),
  fc.nat(5).map(
    (address) =>
      ({ addresses }: Ids): Call => ["DELETE", `/addresses/${addresses[address % addresses.length]}`],
  ),
)

type Ids = { users: number[]; addresses: number[]; products: number[]; orders: number[] }

async function seed(shop: TestShop): Promise<Ids> {
  const buyers = [await makeBuyer(shop), await makeBuyer(shop), await makeBuyer(shop)]
  const products = []
  for (let count = 0; count < 3; count++) products.push(await makeProduct(shop, { stock_quantity: 6, price: 19.99 }))
  return {
    users: buyers.map(({ user }) => user.id),
    addresses: buyers.map(({ address }) => address.id),
    products: products.map(({ id }) => id),
    orders: [],
  }
}

forEachEngine((engine) => {
  let shop: TestShop
  before(async () => {
    shop = await openShop(engine)
  })
  after(() => shop[Symbol.asyncDispose]())

  it("keeps S1, S2, S3, S6 and S10 under random calls of four callers, and never answers 500", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(calls, { maxLength: 12 }), { minLength: callers, maxLength: callers }),
        async (scripts) => {
          const ids = await seed(shop)
          await Promise.all(
            scripts.map(async (script) => {
              for (const make of script) {
                const call = make(ids)
                const { status, body } = await shop.send(...call)
                assert.ok(status < 500, JSON.stringify([call, body]))
                if (status === 201 && call[1] === "/orders") ids.orders.push(body.id)
                if (status === 201 && call[1].endsWith("/addresses")) ids.addresses.push(body.id)
              }
            }),
          )
          await checkInvariants(shop)
        },
      ),
      { numRuns: 12 },
    )
  })

  it("has the stock as before when an order is placed and then cancelled (S7)", async () => {
    const buyer = await makeBuyer(shop)
    const quantities = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(quantities, async (wanted) => {
        const products = await Promise.all(
          wanted.map((quantity) => makeProduct(shop, { stock_quantity: quantity + 3 })),
        )
        const items = products.map(({ id }, at) => ({ product_id: id, quantity: wanted[at]! }))
        const order = await expectAnswer(shop, 201, "POST", "/orders", buyer.order(items))
        const during = await shop.stores.products.getMany(products.map(({ id }) => id))
        assert.deepEqual(
          during.map(({ stockQuantity }) => stockQuantity),
          wanted.map(() => 3),
        )
        await expectAnswer(shop, 200, "PUT", `/orders/${order.id}`, { status: "cancelled" })
        const present = await shop.stores.products.getMany(products.map(({ id }) => id))
        assert.deepEqual(
          present.map(({ stockQuantity }) => stockQuantity),
          wanted.map((quantity) => quantity + 3),
        )
      }),
      { numRuns: 10 },
    )
  })

  it("never changes a past order with its product or address (S9)", async () => {
    const change = fc.record({
      price: fc.nat(1_000_000).map((cents) => cents / 100),
      city: fc.string({ minLength: 1, maxLength: 20 }),
    })
    const buyer = await makeBuyer(shop)
    const product = await makeProduct(shop, { stock_quantity: 1_000 })
    const order = await expectAnswer(
      shop,
      201,
      "POST",
      "/orders",
      buyer.order([{ product_id: product.id, quantity: 1 }]),
    )
    let run = 0
    await fc.assert(
      fc.asyncProperty(change, async ({ price, city }) => {
        const name = `${product.name} ${run++}`
        const changed = await expectAnswer(shop, 200, "PUT", `/products/${product.id}`, { price, name })
        assert.equal(changed.price, price)
        await expectAnswer(shop, 200, "PUT", `/addresses/${buyer.address.id}`, { city })
        assert.deepEqual(await expectAnswer(shop, 200, "GET", `/orders/${order.id}`), order)
      }),
      { numRuns: 10 },
    )
  })

  it("sells exactly min(K, N) pieces to N concurrent buyers of one piece (S11)", async () => {
    const buyers = await Promise.all(Array.from({ length: 4 }, () => makeBuyer(shop)))
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 24 }), async (stock, demand) => {
        const product = await makeProduct(shop, { stock_quantity: stock })
        const answers = await Promise.all(
          Array.from({ length: demand }, (_, at) =>
            shop.send("POST", "/orders", buyers[at % buyers.length]!.order([{ product_id: product.id, quantity: 1 }])),
          ),
        )
        const sold = answers.filter(({ status }) => status === 201).length
        assert.equal(sold, Math.min(stock, demand))
        for (const { status, body } of answers) {
          if (status !== 201) assert.match(`${status} ${body.error_code}`, /^400 (OUT_OF_STOCK|INSUFFICIENT_STOCK)$/)
        }
        assert.equal((await shop.stores.products.get(product.id))?.stockQuantity, stock - sold)
      }),
      { numRuns: 8 },
    )
    await checkInvariants(shop)
  })

  it("takes orders of many products in opposite orders without deadlock", async () => {
    const buyer = await makeBuyer(shop)
    const products = await Promise.all(Array.from({ length: 5 }, () => makeProduct(shop, { stock_quantity: 50 })))
    const items = products.map(({ id }) => ({ product_id: id, quantity: 1 }))
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, at) =>
        shop.send("POST", "/orders", buyer.order(at % 2 === 0 ? items : [...items].reverse())),
      ),
    )
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]))
  })
})
