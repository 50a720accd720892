import { afterCommit, transaction } from "rootstock"
import { ForeignKeyError, UniqueError } from "rootstock/errors"
import type { Logger } from "rootstock/log"
import { absent, actorName, fail, otherVersion } from "rootstock/shared"
import { rules } from "../rules.ts"
import type { MovementReason, Product } from "../schema.ts"
import type { ProductFilters, ProductSort, StockMovement, Stores } from "../storages/index.ts"
import type { Context, PageRequest } from "./context.ts"

export type NewProduct = {
  name: string
  priceCents: number
  description?: string | null | undefined
  currency?: string | undefined
  stockQuantity?: number | undefined
  isActive?: boolean | undefined
  lowStockThreshold?: number | undefined
}
export type ProductChanges = { [K in keyof NewProduct]?: NewProduct[K] | undefined }

/** Products and their stock. Every change of stock leaves a movement, so that the count is the sum of the movements. */
export class ProductService {
  readonly #stores: Stores
  readonly #log: Logger

  constructor({ stores, log }: Context) {
    this.#stores = stores
    this.#log = log.named("shop.products")
  }

  search(filters: ProductFilters, sort: ProductSort | undefined, page: PageRequest) {
    return this.#stores.products.search(filters, sort, page)
  }

  /** @throws RuleError `NOT_FOUND` */
  async get(id: number): Promise<Product> {
    return (await this.#stores.products.get(id)) ?? fail(absent("product", id))
  }

  /** @throws RuleError `PRODUCT_NAME_EXISTS` */
  async create(input: NewProduct): Promise<Product> {
    this.#log.info("Creating a product")
    const product = await whileNameIsFree(input.name, async () => {
      const row = await this.#stores.products.create(input)
      await this.#move(row, row.stockQuantity, "initial")
      await this.#stores.audit.record({ action: "products.create", entity: "products", entityId: row.id, after: row })
      return row
    })
    this.#log.info(`Created product ${product.id}`, { product_id: product.id })
    this.warnIfEmpty(product)
    return product
  }

  /** @throws RuleError `NOT_FOUND`, `PRODUCT_NAME_EXISTS`, `VERSION_MISMATCH` */
  async update(id: number, changes: ProductChanges, ifVersion?: number): Promise<Product> {
    this.#log.info(`Changing product ${id}`, { product_id: id })
    const changed = Object.values(changes).some((value) => value !== undefined)
    const product = await whileNameIsFree(changes.name, async () => {
      const before = await this.#lock(id, ifVersion)
      if (!changed) return before
      const after = await this.#stores.products.update(id, changes)
      await this.#move(after, after.stockQuantity - before.stockQuantity, "correction")
      await this.#stores.audit.record({ action: "products.update", entity: "products", entityId: id, before, after })
      return after
    })
    this.#log.info(`Changed product ${id}`, { product_id: id })
    if (changed) this.warnIfEmpty(product)
    return product
  }

  /**
   * Deletes a product with its movements; gives what it was.
   *
   * @throws RuleError `NOT_FOUND`, `PRODUCT_IN_ORDERS`, `VERSION_MISMATCH`
   */
  async delete(id: number, ifVersion?: number): Promise<Product> {
    this.#log.info(`Deleting product ${id}`, { product_id: id })
    try {
      const product = await transaction(async () => {
        const before = await this.#lock(id, ifVersion)
        await this.#stores.products.delete(id)
        await this.#stores.audit.record({ action: "products.delete", entity: "products", entityId: id, before })
        return before
      })
      this.#log.info(`Deleted product ${id}`, { product_id: id })
      return product
    } catch (error) {
      if (!(error instanceof ForeignKeyError)) throw error
      throw rules.broken("PRODUCT_IN_ORDERS", `Product ${id} is in orders.`, { cause: error })
    }
  }

  /**
   * Adds `delta` pieces to the stock, or takes them from it where it is negative.
   *
   * @throws RuleError `NOT_FOUND`, `INSUFFICIENT_STOCK`, `VERSION_MISMATCH`
   */
  async changeStock(id: number, delta: number, reason: "receipt" | "correction", ifVersion?: number): Promise<Product> {
    this.#log.info(`Changing the stock of product ${id} by ${delta}`, { product_id: id, delta })
    const product = await transaction(async () => {
      const before = await this.#lock(id, ifVersion)
      const stockQuantity = before.stockQuantity + delta
      if (stockQuantity < 0) {
        throw rules.broken("INSUFFICIENT_STOCK", `Product ${id} has ${before.stockQuantity} in stock.`, {
          members: {
            details: [{ product_id: id, name: before.name, requested: -delta, available: before.stockQuantity }],
          },
        })
      }
      const after = await this.#stores.products.update(id, { stockQuantity })
      await this.#move(after, delta, reason)
      await this.#stores.audit.record({ action: "products.stock", entity: "products", entityId: id, before, after })
      return after
    })
    this.#log.info(`Product ${id} has ${product.stockQuantity} in stock`, { product_id: id })
    this.warnIfEmpty(product)
    return product
  }

  /** @throws RuleError `NOT_FOUND` */
  async movements(id: number, page: PageRequest): Promise<{ rows: StockMovement[]; total: number }> {
    if (!(await this.#stores.products.exists({ id }))) throw absent("product", id)
    return this.#stores.stockMovements.listByProduct(id, page)
  }

  /** Warns of a product that is out of stock. */
  warnIfEmpty({ id, stockQuantity }: Pick<Product, "id" | "stockQuantity">): void {
    if (stockQuantity !== 0) return
    afterCommit(() => this.#log.warning(`Product ${id} is out of stock`, { product_id: id }))
  }

  /** The product as it is once its row is locked. */
  async #lock(id: number, ifVersion: number | undefined): Promise<Product> {
    const product = (await this.#stores.products.lock(id)) ?? fail(absent("product", id))
    if (ifVersion !== undefined && ifVersion !== product.version)
      throw otherVersion("product", id, ifVersion, product.version)
    return product
  }

  async #move(product: Product, delta: number, reason: MovementReason): Promise<void> {
    if (delta === 0) return
    const balanceAfter = product.stockQuantity
    await this.#stores.stockMovements.create({ productId: product.id, delta, reason, actor: actorName(), balanceAfter })
  }
}

async function whileNameIsFree(name: string | undefined, work: () => Promise<Product>): Promise<Product> {
  try {
    return await transaction(work)
  } catch (error) {
    if (!(error instanceof UniqueError)) throw error
    throw rules.broken("PRODUCT_NAME_EXISTS", `Another product is named ${JSON.stringify(name)}.`, {
      errors: [{ path: "body/name", message: "is taken" }],
      cause: error,
    })
  }
}
