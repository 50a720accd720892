import type { Generated } from "kysely"

/**
 * The tables as Kysely sees them. It converts no values, so that an instant, a boolean and a JSON value have the form
 * that the driver reads and writes: `Driver` names it for each engine.
 */
export interface Driver {
  boolean: unknown
  instant: unknown
  json: unknown
}

export interface Tables<D extends Driver> {
  users: {
    id: Generated<number>
    username: string
    email: string
    description: string | null
    profile: D["json"]
    is_active: D["boolean"]
    login_count: number
    created_at: D["instant"]
    updated_at: D["instant"] | null
  }
  messages: MessageTable<D>
  imports: MessageTable<D>
  products: {
    id: Generated<number>
    name: string
    description: string | null
    price_cents: number
    stock_quantity: number
    is_active: D["boolean"]
    attributes: D["json"]
    created_at: D["instant"]
  }
  orders: {
    id: Generated<number>
    user_id: number
    status: string
    total_cents: number
    address: D["json"]
    note: string | null
    is_paid: D["boolean"]
    created_at: D["instant"]
  }
  order_items: {
    id: Generated<number>
    order_id: number
    product_id: number
    quantity: number
    price_cents: number
    product_name: string
  }
}

interface MessageTable<D extends Driver> {
  id: Generated<number>
  chat_id: number
  sender_id: number | null
  kind: string
  content: string
  is_pinned: D["boolean"]
  meta: D["json"] | null
  created_at: D["instant"]
  edited_at: D["instant"] | null
}

/** Selections with aliases: cheaper than `CamelCasePlugin`, which renames every key of every row. */
export const userColumns = [
  "id",
  "username",
  "email",
  "description",
  "profile",
  "is_active as isActive",
  "login_count as loginCount",
  "created_at as createdAt",
  "updated_at as updatedAt",
] as const

export const messageColumns = [
  "id",
  "chat_id as chatId",
  "sender_id as senderId",
  "kind",
  "content",
  "is_pinned as isPinned",
  "meta",
  "created_at as createdAt",
  "edited_at as editedAt",
] as const

export const orderColumns = [
  "orders.id",
  "orders.user_id as userId",
  "orders.status",
  "orders.total_cents as totalCents",
  "orders.address",
  "orders.note",
  "orders.is_paid as isPaid",
  "orders.created_at as createdAt",
] as const

export const itemColumns = [
  "order_items.id",
  "order_items.order_id as orderId",
  "order_items.product_id as productId",
  "order_items.quantity",
  "order_items.price_cents as priceCents",
  "order_items.product_name as productName",
] as const

export const productColumns = [
  "products.id",
  "products.name",
  "products.description",
  "products.price_cents as priceCents",
  "products.stock_quantity as stockQuantity",
  "products.is_active as isActive",
  "products.attributes",
  "products.created_at as createdAt",
] as const
