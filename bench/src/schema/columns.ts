/** Column names and kinds of each table, for filling the databases and for the hand-written SQL of the floor. */

export type Kind = "integer" | "text" | "boolean" | "timestamp" | "json"

export interface ColumnShape {
  /** The property of the row in TypeScript. */
  property: string
  /** The column's name in the database. */
  column: string
  kind: Kind
}

function shape(kinds: Record<string, Kind>): ColumnShape[] {
  return Object.entries(kinds).map(([property, kind]) => ({
    property,
    column: property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    kind,
  }))
}

const messageColumns: Record<string, Kind> = {
  id: "integer",
  chatId: "integer",
  senderId: "integer",
  kind: "text",
  content: "text",
  isPinned: "boolean",
  meta: "json",
  createdAt: "timestamp",
  editedAt: "timestamp",
}

export const tableColumns = {
  users: shape({
    id: "integer",
    username: "text",
    email: "text",
    description: "text",
    profile: "json",
    isActive: "boolean",
    loginCount: "integer",
    createdAt: "timestamp",
    updatedAt: "timestamp",
  }),
  chats: shape({ id: "integer", ownerId: "integer", title: "text", isArchived: "boolean", createdAt: "timestamp" }),
  messages: shape(messageColumns),
  imports: shape(messageColumns),
  products: shape({
    id: "integer",
    name: "text",
    description: "text",
    priceCents: "integer",
    stockQuantity: "integer",
    isActive: "boolean",
    attributes: "json",
    createdAt: "timestamp",
  }),
  orders: shape({
    id: "integer",
    userId: "integer",
    status: "text",
    totalCents: "integer",
    address: "json",
    note: "text",
    isPaid: "boolean",
    createdAt: "timestamp",
  }),
  orderItems: shape({
    id: "integer",
    orderId: "integer",
    productId: "integer",
    quantity: "integer",
    priceCents: "integer",
    productName: "text",
  }),
} as const satisfies Record<string, ColumnShape[]>

export type TableName = keyof typeof tableColumns

export const databaseName = (table: TableName): string => (table === "orderItems" ? "order_items" : table)

/** The columns as an SQL list, each after an optional alias of its table. */
export function columnList(table: TableName, options: { alias?: string; withoutId?: boolean } = {}): string {
  const prefix = options.alias === undefined ? "" : `${options.alias}.`
  return tableColumns[table]
    .filter(({ column }) => !(options.withoutId === true && column === "id"))
    .map(({ column }) => prefix + column)
    .join(", ")
}
