/** The plain values that every contestant must hand out: the form of a row, whatever the engine. */

export interface Profile {
  city: string
  tags: string[]
}

export interface User {
  id: number
  username: string
  email: string
  description: string | null
  profile: Profile
  isActive: boolean
  loginCount: number
  createdAt: Date
  updatedAt: Date | null
}

export interface Chat {
  id: number
  ownerId: number
  title: string
  isArchived: boolean
  createdAt: Date
}

export interface Message {
  id: number
  chatId: number
  senderId: number | null
  kind: string
  content: string
  isPinned: boolean
  meta: { device: string; words: number } | null
  createdAt: Date
  editedAt: Date | null
}

export type NewMessage = Omit<Message, "id">

export interface Product {
  id: number
  name: string
  description: string | null
  priceCents: number
  stockQuantity: number
  isActive: boolean
  attributes: { color: string; sizes: number[] }
  createdAt: Date
}

export interface Order {
  id: number
  userId: number
  status: string
  totalCents: number
  address: { city: string; street: string }
  note: string | null
  isPaid: boolean
  createdAt: Date
}

export interface OrderItem {
  id: number
  orderId: number
  productId: number
  quantity: number
  priceCents: number
  productName: string
}

export interface OrderWithItems extends Order {
  items: (OrderItem & { product: Product })[]
}

export interface UserChanges {
  description: string | null
  loginCount: number
  updatedAt: Date
}

export interface NewOrder {
  order: Omit<Order, "id">
  /** Four lines, by ascending product, so that concurrent orders cannot deadlock. */
  items: Omit<OrderItem, "id" | "orderId">[]
}

export interface Cursor {
  createdAt: Date
  id: number
}
