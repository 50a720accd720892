import type { Chat, Message, NewMessage, NewOrder, Order, OrderItem, Product, User } from "../schema/rows.ts"
import { Random } from "./random.ts"

/** How many rows of each kind the database is filled with. */
export const sizes = {
  users: 10_000,
  chats: 2_000,
  messages: 200_000,
  products: 1_000,
  orders: 10_000,
  itemsOfOrder: 4,
} as const

export const firstInstant = Date.UTC(2024, 0, 1)
/** Two messages in three share their millisecond with a neighbour, so that a keyset page has ties to break. */
const messageInstant = (index: number): Date => new Date(firstInstant + Math.floor(index / 3) * 1_000)

const words = ["river", "stone", "garden", "copper", "window", "paper", "signal", "morning", "harbour", "thread"]
const cities = ["Kazan", "Tver", "Perm", "Omsk", "Tula"]

function sentence(random: Random, length: number): string {
  let text = random.pick(words)
  for (let word = 1; word < length; word += 1) text += ` ${random.pick(words)}`
  return text
}

export function* users(): Generator<User> {
  const random = new Random(1)
  for (let id = 1; id <= sizes.users; id += 1) {
    yield {
      id,
      username: `user_${id}`,
      email: `user${id}@example.com`,
      description: random.next() < 0.3 ? null : sentence(random, 8),
      profile: { city: random.pick(cities), tags: [random.pick(words), random.pick(words)] },
      isActive: random.next() < 0.9,
      loginCount: random.between(0, 500),
      createdAt: new Date(firstInstant + id * 60_000),
      updatedAt: random.next() < 0.5 ? null : new Date(firstInstant + id * 61_000 + 7),
    }
  }
}

export function* chats(): Generator<Chat> {
  const random = new Random(2)
  for (let id = 1; id <= sizes.chats; id += 1) {
    yield {
      id,
      ownerId: random.between(1, sizes.users),
      title: sentence(random, 3),
      isArchived: random.next() < 0.1,
      createdAt: new Date(firstInstant + id * 1_000),
    }
  }
}

export function* messages(count: number = sizes.messages): Generator<Message> {
  const random = new Random(3)
  const chatCount = chatsFor(count)
  for (let id = 1; id <= count; id += 1) {
    // Neighbours belong to different chats, so that no two messages of a chat share their instant.
    yield { id, ...message(random, messageInstant(id)), chatId: 1 + ((id * 7_919) % chatCount) }
  }
}

/** How many chats share so many messages: at least a hundred messages each. */
export function chatsFor(messageCount: number): number {
  return Math.min(sizes.chats, Math.floor(messageCount / 100))
}

/** The keyset position of a message by its place in the table. */
export function messageCursor(id: number): { createdAt: Date; id: number } {
  return { createdAt: messageInstant(id), id }
}

export function message(random: Random, createdAt: Date): NewMessage {
  return {
    chatId: random.between(1, sizes.chats),
    senderId: random.next() < 0.1 ? null : random.between(1, sizes.users),
    kind: random.pick(["text", "photo", "voice"]),
    content: sentence(random, random.between(4, 16)),
    isPinned: random.next() < 0.02,
    meta: random.next() < 0.4 ? null : { device: random.pick(["phone", "desktop"]), words: random.between(1, 20) },
    createdAt,
    editedAt: random.next() < 0.9 ? null : new Date(createdAt.getTime() + 5_001),
  }
}

export function* products(): Generator<Product> {
  const random = new Random(4)
  for (let id = 1; id <= sizes.products; id += 1) {
    yield {
      id,
      name: `product ${id}`,
      description: random.next() < 0.2 ? null : sentence(random, 12),
      priceCents: random.between(100, 99_999),
      stockQuantity: 1_000_000_000,
      isActive: random.next() < 0.95,
      attributes: {
        color: random.pick(["red", "green", "blue"]),
        sizes: [random.between(1, 9), random.between(10, 20)],
      },
      createdAt: new Date(firstInstant + id * 3_600_000),
    }
  }
}

export function* orders(): Generator<Order> {
  const random = new Random(5)
  for (let id = 1; id <= sizes.orders; id += 1) yield { id, ...order(random) }
}

export function* orderItems(): Generator<OrderItem> {
  const random = new Random(6)
  let id = 0
  for (let orderId = 1; orderId <= sizes.orders; orderId += 1) {
    for (const item of itemsOfOrder(random)) {
      id += 1
      yield { id, orderId, ...item }
    }
  }
}

export function newOrder(random: Random): NewOrder {
  return { order: order(random), items: itemsOfOrder(random) }
}

function order(random: Random): Omit<Order, "id"> {
  return {
    userId: random.between(1, sizes.users),
    status: random.pick(["pending", "confirmed", "shipped", "delivered"]),
    totalCents: random.between(1_000, 900_000),
    address: { city: random.pick(cities), street: sentence(random, 2) },
    note: random.next() < 0.7 ? null : sentence(random, 5),
    isPaid: random.next() < 0.5,
    createdAt: new Date(firstInstant + random.between(0, 31_536_000) * 1_000 + random.between(0, 999)),
  }
}

function itemsOfOrder(random: Random): Omit<OrderItem, "id" | "orderId">[] {
  const productIds = new Set<number>()
  while (productIds.size < sizes.itemsOfOrder) productIds.add(random.between(1, sizes.products))
  return [...productIds]
    .sort((left, right) => left - right)
    .map((productId) => ({
      productId,
      quantity: random.between(1, 5),
      priceCents: random.between(100, 99_999),
      productName: `product ${productId}`,
    }))
}
