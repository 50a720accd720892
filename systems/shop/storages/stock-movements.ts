import { Storage } from "rootstock"
import type { Row } from "rootstock/schema"
import { stockMovements } from "../schema.ts"

export type StockMovement = Row<typeof stockMovements>

export class StockMovementStorage extends Storage(stockMovements) {
  /** Movements of a product, the newest first. */
  listByProduct(
    productId: number,
    page: { count: number; page: number },
  ): Promise<{ rows: StockMovement[]; total: number }> {
    return this.page({ where: { productId }, orderBy: { id: "desc" }, ...page })
  }
}
