import { Storage } from "rootstock"
import { type Product, products, tables } from "../schema.ts"

export type ProductFilters = {
  /** Part of the name, in any case. */
  q?: string | undefined
  inStock?: boolean | undefined
  minPriceCents?: number | undefined
  maxPriceCents?: number | undefined
  isActive?: boolean | undefined
}

export type ProductSort = "name" | "-name" | "price" | "-price" | "created_at" | "-created_at"

const sortColumns = { name: "name", price: "priceCents", created_at: "createdAt" } as const

export class ProductStorage extends Storage(products, tables) {
  /** Products that fit the filters, sorted as asked and by id unless said. */
  search(
    { q, inStock, minPriceCents, maxPriceCents, isActive }: ProductFilters,
    sort: ProductSort | undefined,
    page: { count: number; page: number },
  ): Promise<{ rows: Product[]; total: number }> {
    const price = {
      ...(minPriceCents === undefined ? {} : { gte: minPriceCents }),
      ...(maxPriceCents === undefined ? {} : { lte: maxPriceCents }),
    }
    return this.page({
      where: {
        ...(q === undefined ? {} : { name: { contains: q } }),
        ...(inStock === undefined ? {} : { stockQuantity: inStock ? { gt: 0 } : 0 }),
        ...(Object.keys(price).length === 0 ? {} : { priceCents: price }),
        ...(isActive === undefined ? {} : { isActive }),
      },
      orderBy: orderOf(sort),
      ...page,
    })
  }

  /** Takes pieces from the stock if there are as many; gives what is left, or undefined where there are not. */
  async takeStock(id: number, quantity: number): Promise<number | undefined> {
    const amounts = { stockQuantity: -quantity }
    return (await this.increment(id, amounts, { where: { stockQuantity: { gte: quantity } } }))?.stockQuantity
  }

  /** Products on sale of which no more than their threshold are left, the scarcest first; at most `limit`. */
  lowStock(limit = 100): Promise<Product[]> {
    return this.sql
      .selectFrom("products")
      .selectAll()
      .whereRef("stockQuantity", "<=", "lowStockThreshold")
      .where("isActive", "=", true)
      .orderBy("stockQuantity")
      .orderBy("id")
      .limit(limit)
      .execute()
  }

  /** Puts pieces back into the stock; gives how many there are. */
  async putBack(id: number, quantity: number): Promise<number> {
    const product = await this.increment(id, { stockQuantity: quantity })
    return (product ?? (await this.getOrFail(id))).stockQuantity
  }
}

function orderOf(sort: ProductSort | undefined) {
  if (sort === undefined) return { id: "asc" } as const
  const descending = sort.startsWith("-")
  const column = sortColumns[(descending ? sort.slice(1) : sort) as keyof typeof sortColumns]
  return { [column]: descending ? "desc" : "asc" } as { [K in typeof column]?: "asc" | "desc" }
}
