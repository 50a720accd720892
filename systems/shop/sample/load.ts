import { transaction } from "rootstock"
import { ConflictError } from "rootstock/errors"
import { addDays, dayOf, rangeOfDay } from "rootstock/shared"
import type { Address, Order, Product, User } from "../schema.ts"
import type { Context } from "../services/index.ts"
import type { Stores } from "../storages/index.ts"
import { readSampleData, type SampleData } from "./data.ts"

/** How many days of orders get their reports. */
const reportedDays = 2
/** When the users, addresses and products were made, unless the first order is earlier. It is the same at every loading. */
const openedAt = new Date("2024-01-01T12:00:00.000Z")
/** Local time of a day's first order, and the time between orders, in minutes. */
const opening = 9 * 60
const pause = 7

/** How many rows were loaded, by table. */
export type SampleCounts = Record<"users" | "addresses" | "products" | "orders" | "order_items" | "reports", number>

type PlacedOrder = SampleData["orders"][number] & { placedAt: Date; placedOn: string }

/**
 * Loads the sample data: the same rows every time, but for the dates of orders, which are moved so that the last ones are
 * of the day of loading.
 *
 * @throws ConflictError where the database has rows
 */
export async function loadSample({
  stores,
  clock,
  timeZone,
}: Pick<Context, "stores" | "clock" | "timeZone">): Promise<SampleCounts> {
  const data = await readSampleData()
  const present = clock.now()
  const placed = placeInTime(data.orders, present, timeZone)
  const dayBefore = rangeOfDay(addDays(placed[0]!.placedOn, -1), timeZone).start
  const opened = dayBefore < openedAt ? dayBefore : openedAt
  return transaction(async () => {
    await refuseRows(stores)
    const users = await loadUsers(stores, data, opened)
    const addresses = await loadAddresses(stores, data, users, opened)
    const products = await loadProducts(stores, data, opened)
    const { orders, orderItems } = await loadOrders(stores, placed, users, addresses, products, opened)
    const reports = await loadReports(stores, placed, orders, dayOf(present, timeZone), timeZone)
    return {
      users: users.length,
      addresses: addresses.size,
      products: products.length,
      orders: orders.length,
      order_items: orderItems,
      reports,
    }
  })
}

async function refuseRows({ users, products, orders }: Stores): Promise<void> {
  for (const [name, count] of [
    ["users", await users.count()],
    ["products", await products.count()],
    ["orders", await orders.count()],
  ] as const) {
    if (count === 0) continue
    throw new ConflictError(`The database has ${count} ${name} already.`, {
      cure: "Load sample data into an empty database: another directory, or another schema.",
    })
  }
}

/** Gives every order its day and instant; none lies after `present`. */
function placeInTime(orders: SampleData["orders"], present: Date, timeZone: string): PlacedOrder[] {
  const today = dayOf(present, timeZone)
  const counts = new Map<number, number>()
  return orders.map((order) => {
    const earlier = counts.get(order.day) ?? 0
    counts.set(order.day, earlier + 1)
    const placedOn = addDays(today, order.day)
    const start = rangeOfDay(placedOn, timeZone).start.getTime()
    const placedAt = new Date(Math.min(start + (opening + pause * earlier) * 60_000, present.getTime()))
    return { ...order, placedAt, placedOn }
  })
}

function loadUsers({ users }: Stores, data: SampleData, createdAt: Date): Promise<User[]> {
  return users.createMany(
    data.users.map(({ username, email, description }) => ({ username, email, description, createdAt })),
  )
}

/** The addresses by the numbers of their users. */
async function loadAddresses(
  { addresses }: Stores,
  data: SampleData,
  users: readonly User[],
  createdAt: Date,
): Promise<Map<number, Address>> {
  const numbers = data.users.flatMap(({ address }, at) => (address === null ? [] : [at + 1]))
  const rows = await addresses.createMany(
    numbers.map((number) => ({
      ...data.users[number - 1]!.address!,
      userId: users[number - 1]!.id,
      isPrimary: true,
      createdAt,
      updatedAt: createdAt,
    })),
  )
  return new Map(rows.map((row, at) => [numbers[at]!, row]))
}

function loadProducts({ products }: Stores, data: SampleData, createdAt: Date): Promise<Product[]> {
  return products.createMany(
    data.products.map(({ name, description, priceCents, stock, lowStockThreshold, isActive }) => ({
      name,
      description,
      priceCents,
      stockQuantity: stock,
      lowStockThreshold,
      isActive,
      createdAt,
      updatedAt: createdAt,
    })),
  )
}

/** Loads orders with their lines, and the movements that lead from the first stock to the present one. */
async function loadOrders(
  stores: Stores,
  placed: readonly PlacedOrder[],
  users: readonly User[],
  addresses: ReadonlyMap<number, Address>,
  products: readonly Product[],
  opened: Date,
): Promise<{ orders: Order[]; orderItems: number }> {
  const orders = await stores.orders.createMany(
    placed.map(({ user, status, items, placedAt }) => {
      const { id, country, city, street, postalCode } = addresses.get(user)!
      return {
        userId: users[user - 1]!.id,
        deliveryAddressId: id,
        addressSnapshot: { country, city, street, postalCode },
        status,
        totalCents: items.reduce((sum, [, quantity, priceCents]) => sum + quantity * priceCents, 0),
        currency: "RUB",
        createdAt: placedAt,
        updatedAt: placedAt,
      }
    }),
  )
  const lines = placed.flatMap(({ items, placedAt }, at) =>
    items.map(([product, quantity, priceCents]) => ({
      orderId: orders[at]!.id,
      product: products[product - 1]!,
      quantity,
      priceCents,
      createdAt: placedAt,
    })),
  )
  await stores.orderItems.createMany(
    lines.map(({ product, ...line }) => ({ ...line, productId: product.id, productName: product.name })),
  )
  const balances = new Map(products.map(({ id, stockQuantity }) => [id, stockQuantity]))
  for (const { product, quantity } of lines) balances.set(product.id, balances.get(product.id)! + quantity)
  const initial = products
    .filter(({ id }) => balances.get(id)! > 0)
    .map(({ id }) => {
      const delta = balances.get(id)!
      return {
        productId: id,
        delta,
        reason: "initial" as const,
        actor: "system",
        balanceAfter: delta,
        createdAt: opened,
      }
    })
  const sold = lines.map(({ product: { id }, orderId, quantity, createdAt }) => {
    const balanceAfter = balances.get(id)! - quantity
    balances.set(id, balanceAfter)
    return {
      productId: id,
      delta: -quantity,
      reason: "order" as const,
      orderId,
      actor: "system",
      balanceAfter,
      createdAt,
    }
  })
  await stores.stockMovements.createMany([...initial, ...sold])
  return { orders, orderItems: lines.length }
}

/** Makes the reports of the last days with orders that have ended, as a run in the night after each would have. */
async function loadReports(
  stores: Stores,
  placed: readonly PlacedOrder[],
  orders: readonly Order[],
  today: string,
  timeZone: string,
): Promise<number> {
  const ended = [...new Set(placed.map(({ placedOn }) => placedOn))].filter((day) => day < today).slice(-reportedDays)
  const runs = ended.map((reportDate) => {
    const createdAt = rangeOfDay(reportDate, timeZone).end
    const rows = placed.flatMap(({ placedOn, items }, at) => {
      const countProduct = items.reduce((sum, [, quantity]) => sum + quantity, 0)
      return placedOn === reportDate ? [{ reportAt: reportDate, orderId: orders[at]!.id, countProduct, createdAt }] : []
    })
    return { reportDate, createdAt, rows }
  })
  await stores.reportRuns.createMany(
    runs.map(({ reportDate, createdAt, rows }) => ({
      reportDate,
      reportsCount: rows.length,
      startedAt: createdAt,
      finishedAt: createdAt,
      createdAt,
      updatedAt: createdAt,
    })),
  )
  return (await stores.reports.createMany(runs.flatMap(({ rows }) => rows))).length
}
