import type { Message, Order, Product, User } from "../schema/rows.ts"

/** A row as SQLite holds it: instants and JSON as text, booleans as 0 and 1 (or made already). */
export type Stored<T> = {
  [K in keyof T]: T[K] extends number | string | null
    ? T[K]
    : T[K] extends boolean
      ? number | boolean
      : null extends T[K]
        ? string | null
        : string
}

export function decodeUser(row: Stored<User>): User {
  return {
    ...row,
    profile: JSON.parse(row.profile),
    isActive: Boolean(row.isActive),
    createdAt: new Date(row.createdAt),
    updatedAt: row.updatedAt === null ? null : new Date(row.updatedAt),
  }
}

export function decodeMessage(row: Stored<Message>): Message {
  return {
    ...row,
    isPinned: Boolean(row.isPinned),
    meta: row.meta === null ? null : JSON.parse(row.meta),
    createdAt: new Date(row.createdAt),
    editedAt: row.editedAt === null ? null : new Date(row.editedAt),
  }
}

export function decodeOrder(row: Stored<Order>): Order {
  return {
    id: row.id,
    userId: row.userId,
    status: row.status,
    totalCents: row.totalCents,
    address: JSON.parse(row.address),
    note: row.note,
    isPaid: Boolean(row.isPaid),
    createdAt: new Date(row.createdAt),
  }
}

export function decodeProduct(row: Stored<Product>): Product {
  return {
    ...row,
    isActive: Boolean(row.isActive),
    attributes: JSON.parse(row.attributes),
    createdAt: new Date(row.createdAt),
  }
}
