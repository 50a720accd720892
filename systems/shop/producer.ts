import { randomUUID } from "node:crypto"
import { elapsed } from "rootstock/clock"
import { NotFoundError, TimeoutError } from "rootstock/errors"
import type { Jobs } from "rootstock/jobs"
import type { Logger } from "rootstock/log"
import { orderMessage, productMessage } from "./jobs/definitions.ts"
import type { Product } from "./schema.ts"
import type { Stores } from "./storages/index.ts"

/** How long products may take to be made, in milliseconds. */
const patience = 30_000
const betweenLooks = 100

const wares = [
  { name: "Kettle", priceCents: 249_900, stockQuantity: 20 },
  { name: "Teapot", priceCents: 149_950, stockQuantity: 15 },
  { name: "Cup", priceCents: 39_900, stockQuantity: 60 },
  { name: "Saucer", priceCents: 19_900, stockQuantity: 60 },
  { name: "Tea, 100 g", priceCents: 54_990, stockQuantity: 40 },
] as const

/** Lines of the orders: which ware, and how many. They fit the stock together. */
const baskets: readonly (readonly [ware: number, quantity: number][])[] = [
  [
    [0, 1],
    [4, 2],
  ],
  [
    [1, 1],
    [2, 6],
    [3, 6],
  ],
  [[4, 5]],
]

export type Produced = { products: Product[]; orderJobs: string[] }

/**
 * Publishes five products, waits until they were made, and publishes three orders of them.
 *
 * @param buyer who orders and where to; both must exist
 * @throws NotFoundError where the user or the address does not exist, TimeoutError where no worker makes the products
 */
export async function produce(
  { stores, jobs, log }: { stores: Stores; jobs: Jobs; log: Logger },
  { userId, addressId }: { userId: number; addressId: number },
): Promise<Produced> {
  await checkBuyer(stores, userId, addressId)
  const run = randomUUID().slice(0, 8)
  const sent = wares.map((ware) => ({
    ...ware,
    name: `${ware.name} ${run}`,
    description: `Made by producer run ${run}`,
  }))
  await jobs.sendMany(productMessage, sent)
  log.info(`Published ${sent.length} products of run ${run}`)
  const products = await made(
    stores,
    sent.map(({ name }) => name),
  )
  const orders = baskets.map((basket) => ({
    userId,
    deliveryAddressId: addressId,
    items: basket.map(([ware, quantity]) => ({ productId: products[ware]!.id, quantity })),
  }))
  const orderJobs = await jobs.sendMany(orderMessage, orders)
  log.info(`Published ${orders.length} orders of run ${run}`)
  return { products, orderJobs }
}

async function checkBuyer({ users, addresses }: Stores, userId: number, addressId: number): Promise<void> {
  if (!(await users.exists({ id: userId }))) {
    throw new NotFoundError(`There is no user ${userId}.`, { cure: "Make it, or set TEST_USER_ID to one that exists." })
  }
  if (await addresses.exists({ id: addressId, userId })) return
  throw new NotFoundError(`User ${userId} has no address ${addressId}.`, {
    cure: "Make it, or set TEST_DELIVERY_ADDRESS_ID to one of this user.",
  })
}

/** The products of these names, in their order, once a worker has made all of them. */
async function made({ products }: Stores, names: readonly string[]): Promise<Product[]> {
  const end = elapsed() + patience
  for (;;) {
    const found = new Map((await products.list({ where: { name: [...names] } })).map((one) => [one.name, one]))
    if (found.size === names.length) return names.map((name) => found.get(name)!)
    if (elapsed() > end) {
      throw new TimeoutError(`Only ${found.size} of ${names.length} products were made within ${patience / 1_000} s.`, {
        cure: "See that a worker runs: npm start, or rootstock work shop.",
      })
    }
    await new Promise((resolve) => setTimeout(resolve, betweenLooks))
  }
}
