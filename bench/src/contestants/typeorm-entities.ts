import { EntitySchema, type EntitySchemaColumnOptions, type ValueTransformer } from "typeorm"
import type { Message, Order, OrderItem, OrderWithItems, Product, User } from "../schema/rows.ts"

/** How an engine keeps what TypeORM must be told about. */
export interface ColumnForms {
  integer: EntitySchemaColumnOptions
  text: EntitySchemaColumnOptions
  boolean: EntitySchemaColumnOptions
  instant: EntitySchemaColumnOptions
  json: EntitySchemaColumnOptions
}

/** A transformer is TypeORM's documented way to keep an instant as ISO 8601 text on SQLite. */
const isoText: ValueTransformer = {
  from: (value: string | null) => (value === null ? null : new Date(value)),
  to: (value: Date | null | undefined) => (value === null || value === undefined ? value : value.toISOString()),
}

export const sqliteForms: ColumnForms = {
  integer: { type: "integer" },
  text: { type: "text" },
  boolean: { type: "boolean" },
  instant: { type: "text", transformer: isoText },
  json: { type: "simple-json" },
}

export const postgresForms: ColumnForms = {
  integer: { type: "bigint" },
  text: { type: "text" },
  boolean: { type: "boolean" },
  instant: { type: "timestamptz", precision: 3 },
  json: { type: "jsonb" },
}

const named = (form: EntitySchemaColumnOptions, name: string): EntitySchemaColumnOptions => ({ ...form, name })
const nullable = (form: EntitySchemaColumnOptions): EntitySchemaColumnOptions => ({ ...form, nullable: true })

/** The entities of one engine, without decorators. */
export function defineEntities({ integer, text, boolean, instant, json }: ColumnForms) {
  const id: EntitySchemaColumnOptions = { ...integer, primary: true, generated: true }
  const messageColumns = {
    id,
    chatId: named(integer, "chat_id"),
    senderId: nullable(named(integer, "sender_id")),
    kind: text,
    content: text,
    isPinned: named(boolean, "is_pinned"),
    meta: nullable(json),
    createdAt: named(instant, "created_at"),
    editedAt: nullable(named(instant, "edited_at")),
  }
  const users = new EntitySchema<User>({
    name: "User",
    tableName: "users",
    columns: {
      id,
      username: text,
      email: text,
      description: nullable(text),
      profile: json,
      isActive: named(boolean, "is_active"),
      loginCount: named(integer, "login_count"),
      createdAt: named(instant, "created_at"),
      updatedAt: nullable(named(instant, "updated_at")),
    },
  })
  const messages = new EntitySchema<Message>({ name: "Message", tableName: "messages", columns: messageColumns })
  const imports = new EntitySchema<Message>({ name: "Import", tableName: "imports", columns: messageColumns })
  const products = new EntitySchema<Product>({
    name: "Product",
    tableName: "products",
    columns: {
      id,
      name: text,
      description: nullable(text),
      priceCents: named(integer, "price_cents"),
      stockQuantity: named(integer, "stock_quantity"),
      isActive: named(boolean, "is_active"),
      attributes: json,
      createdAt: named(instant, "created_at"),
    },
  })
  const orders = new EntitySchema<OrderWithItems>({
    name: "Order",
    tableName: "orders",
    columns: {
      id,
      userId: named(integer, "user_id"),
      status: text,
      totalCents: named(integer, "total_cents"),
      address: json,
      note: nullable(text),
      isPaid: named(boolean, "is_paid"),
      createdAt: named(instant, "created_at"),
    },
    relations: { items: { type: "one-to-many", target: "OrderItem", inverseSide: "order" } },
  })
  const orderItems = new EntitySchema<OrderItem & { order: Order; product: Product }>({
    name: "OrderItem",
    tableName: "order_items",
    columns: {
      id,
      orderId: named(integer, "order_id"),
      productId: named(integer, "product_id"),
      quantity: integer,
      priceCents: named(integer, "price_cents"),
      productName: named(text, "product_name"),
    },
    relations: {
      order: { type: "many-to-one", target: "Order", joinColumn: { name: "order_id" }, inverseSide: "items" },
      product: { type: "many-to-one", target: "Product", joinColumn: { name: "product_id" } },
    },
  })
  return { users, messages, imports, products, orders, orderItems }
}

export type Entities = ReturnType<typeof defineEntities>
