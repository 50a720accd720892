import { ForeignKeyError } from "rootstock/errors"
import { actorName, fail, type RuleError } from "rootstock/shared"
import { rules } from "../rules.ts"
import type { Address, Order, Product } from "../schema.ts"
import type { OrderWithItems, Stores } from "../storages/index.ts"

export type OrderLine = { productId: number; quantity: number }
export type NewOrder = { userId: number; deliveryAddressId: number; items: OrderLine[] }
type Line = { product: Product; quantity: number }

/** Adds up lines of the same product, and puts them in ascending order of the products' ids. */
export function mergeLines(items: readonly OrderLine[]): OrderLine[] {
  const quantities = new Map<number, number>()
  for (const { productId, quantity } of items) quantities.set(productId, (quantities.get(productId) ?? 0) + quantity)
  return [...quantities]
    .map(([productId, quantity]) => ({ productId, quantity }))
    .sort((a, b) => a.productId - b.productId)
}

/**
 * Places an order in the transaction that is open: takes the stock, copies prices, names and the address.
 *
 * @returns the order, and the ids of products that it left without stock
 * @throws RuleError for each rule of placing an order
 */
export async function placeOrder(
  stores: Stores,
  input: NewOrder,
  source: Order["source"],
): Promise<{ order: OrderWithItems; emptied: number[] }> {
  const address = await addressFor(stores, input)
  const lines = await linesFor(stores, mergeLines(input.items))
  refuseShortages(lines)
  const balances = await takeStock(stores, lines)
  const order = await createOrder(stores, input, address, lines, source)
  const items = await stores.orderItems.createMany(
    lines.map(({ product, quantity }) => ({
      orderId: order.id,
      productId: product.id,
      quantity,
      priceCents: product.priceCents,
      productName: product.name,
    })),
  )
  await stores.stockMovements.createMany(
    lines.map(({ product, quantity }, at) => ({
      productId: product.id,
      delta: -quantity,
      reason: "order" as const,
      orderId: order.id,
      actor: actorName(),
      balanceAfter: balances[at]!,
    })),
  )
  await stores.audit.record({
    action: "orders.place",
    entity: "orders",
    entityId: order.id,
    after: { ...order, items },
  })
  const emptied = lines.filter((_, at) => balances[at] === 0).map(({ product }) => product.id)
  return { order: { ...order, items }, emptied }
}

async function addressFor(stores: Stores, { userId, deliveryAddressId }: NewOrder): Promise<Address> {
  if (!(await stores.users.exists({ id: userId }))) throw rules.broken("USER_NOT_FOUND", `There is no user ${userId}.`)
  const address =
    (await stores.addresses.get(deliveryAddressId)) ??
    fail(rules.broken("ADDRESS_NOT_FOUND", `There is no address ${deliveryAddressId}.`))
  if (address.userId !== userId) {
    throw rules.broken("ADDRESS_NOT_OWNED", `Address ${deliveryAddressId} does not belong to user ${userId}.`)
  }
  return address
}

async function linesFor(stores: Stores, wanted: readonly OrderLine[]): Promise<Line[]> {
  const found = await stores.products.list({ where: { id: wanted.map((line) => line.productId) } })
  const products = new Map(found.map((product) => [product.id, product]))
  const unknown = wanted.filter((line) => !products.has(line.productId))
  if (unknown.length > 0) {
    const ids = unknown.map((line) => line.productId)
    throw rules.broken("PRODUCT_NOT_FOUND", `There is no product ${ids.join(", ")}.`, {
      members: { details: ids.map((id) => ({ product_id: id })) },
    })
  }
  const lines = wanted.map(({ productId, quantity }) => ({ product: products.get(productId)!, quantity }))
  const inactive = lines.filter(({ product }) => !product.isActive)
  if (inactive.length > 0) {
    throw rules.broken("PRODUCT_INACTIVE", `${namesOf(inactive)} is not sold.`, {
      members: { details: named(inactive) },
    })
  }
  const currencies = new Set(lines.map(({ product }) => product.currency))
  if (currencies.size > 1) {
    throw rules.broken("MIXED_CURRENCY", `The products are priced in ${[...currencies].sort().join(", ")}.`, {
      members: {
        details: lines.map(({ product }) => ({
          product_id: product.id,
          name: product.name,
          currency: product.currency,
        })),
      },
    })
  }
  return lines
}

function refuseShortages(lines: readonly Line[]): void {
  const empty = lines.filter(({ product }) => product.stockQuantity === 0)
  if (empty.length > 0) throw outOfStock(empty)
  const short = lines.filter(({ product, quantity }) => product.stockQuantity < quantity)
  if (short.length > 0) throw shortOf(short)
}

function outOfStock(lines: readonly Line[]): RuleError {
  return rules.broken("OUT_OF_STOCK", `${namesOf(lines)} is out of stock.`, { members: { details: shortages(lines) } })
}

function shortOf(lines: readonly Line[]): RuleError {
  return rules.broken("INSUFFICIENT_STOCK", `There is not enough of ${namesOf(lines)}.`, {
    members: { details: shortages(lines) },
  })
}

/** Takes the pieces of each line; gives the counts that are left. */
async function takeStock(stores: Stores, lines: readonly Line[]): Promise<number[]> {
  const balances: number[] = []
  for (const { product, quantity } of lines) {
    const left = await stores.products.takeStock(product.id, quantity)
    if (left === undefined) {
      const present = (await stores.products.get(product.id)) ?? product
      throw shortOf([{ product: present, quantity }])
    }
    balances.push(left)
  }
  return balances
}

async function createOrder(
  stores: Stores,
  { userId, deliveryAddressId }: NewOrder,
  { country, city, street, postalCode }: Address,
  lines: readonly Line[],
  source: Order["source"],
): Promise<Order> {
  try {
    return await stores.orders.create({
      userId,
      deliveryAddressId,
      addressSnapshot: { country, city, street, postalCode },
      totalCents: lines.reduce((sum, { product, quantity }) => sum + product.priceCents * quantity, 0),
      currency: lines[0]!.product.currency,
      source,
    })
  } catch (error) {
    // The user or the address was deleted since it was looked up.
    if (!(error instanceof ForeignKeyError)) throw error
    if (error.columns.includes("userId"))
      throw rules.broken("USER_NOT_FOUND", `There is no user ${userId}.`, { cause: error })
    throw rules.broken("ADDRESS_NOT_FOUND", `There is no address ${deliveryAddressId}.`, { cause: error })
  }
}

function namesOf(lines: readonly Line[]): string {
  return lines.map(({ product }) => product.name).join(", ")
}

function named(lines: readonly Line[]) {
  return lines.map(({ product }) => ({ product_id: product.id, name: product.name }))
}

function shortages(lines: readonly Line[]) {
  return lines.map(({ product, quantity }) => ({
    product_id: product.id,
    name: product.name,
    requested: quantity,
    available: product.stockQuantity,
  }))
}
