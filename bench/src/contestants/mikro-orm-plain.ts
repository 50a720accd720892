import { type Collection, Utils } from "@mikro-orm/core"

type Item = object & { order: { id: number }; product: object & { id: number } }

/** Entities as plain rows: collections as arrays, references with their keys beside them. */
export function plainEntities(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainEntities)
  if (!Utils.isEntity(value)) return value
  const { items, ...row } = value as object & { items?: Collection<Item> }
  if (items === undefined) return row
  return { ...row, items: items.getItems().map(plainItem) }
}

function plainItem({ order, product, ...item }: Item): object {
  return { ...item, orderId: order.id, productId: product.id, product: { ...product } }
}
