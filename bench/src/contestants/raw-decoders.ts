import type { Message, Order, OrderItem, OrderWithItems, Product, User } from "../schema/rows.ts"

/**
 * Hand-written decoders of rows that come as arrays in the order of the table's columns. On PostgreSQL `pg` has made
 * Dates, numbers, booleans and JSON already; on SQLite they are made here.
 */
export type Values = readonly (string | number | null)[]

const instant = (value: string | number | null | undefined): Date => new Date(value as string)
const instantOrNull = (value: string | number | null | undefined): Date | null =>
  value === null ? null : new Date(value as string)

export function decodeUser(row: Values): User {
  return {
    id: row[0] as number,
    username: row[1] as string,
    email: row[2] as string,
    description: row[3] as string | null,
    profile: JSON.parse(row[4] as string),
    isActive: row[5] === 1,
    loginCount: row[6] as number,
    createdAt: instant(row[7]),
    updatedAt: instantOrNull(row[8]),
  }
}

export function decodeMessage(row: Values): Message {
  return {
    id: row[0] as number,
    chatId: row[1] as number,
    senderId: row[2] as number | null,
    kind: row[3] as string,
    content: row[4] as string,
    isPinned: row[5] === 1,
    meta: row[6] === null ? null : JSON.parse(row[6] as string),
    createdAt: instant(row[7]),
    editedAt: instantOrNull(row[8]),
  }
}

export function decodeOrder(row: Values): Order {
  return {
    id: row[0] as number,
    userId: row[1] as number,
    status: row[2] as string,
    totalCents: row[3] as number,
    address: JSON.parse(row[4] as string),
    note: row[5] as string | null,
    isPaid: row[6] === 1,
    createdAt: instant(row[7]),
  }
}

export function decodeOrderWithItems(row: Values): OrderWithItems {
  return {
    id: row[0] as number,
    userId: row[1] as number,
    status: row[2] as string,
    totalCents: row[3] as number,
    address: JSON.parse(row[4] as string),
    note: row[5] as string | null,
    isPaid: row[6] === 1,
    createdAt: instant(row[7]),
    items: [],
  }
}

export function decodeItem(row: Values, product: Product): OrderItem & { product: Product } {
  return {
    id: row[0] as number,
    orderId: row[1] as number,
    productId: row[2] as number,
    quantity: row[3] as number,
    priceCents: row[4] as number,
    productName: row[5] as string,
    product,
  }
}

export function decodeProduct(row: Values): Product {
  return {
    id: row[0] as number,
    name: row[1] as string,
    description: row[2] as string | null,
    priceCents: row[3] as number,
    stockQuantity: row[4] as number,
    isActive: row[5] === 1,
    attributes: JSON.parse(row[6] as string),
    createdAt: instant(row[7]),
  }
}
