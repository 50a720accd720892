import { Storage } from "rootstock"
import type { Row } from "rootstock/schema"
import { rejectedOrders } from "../schema.ts"

export type RejectedOrder = Row<typeof rejectedOrders>

export class RejectedOrderStorage extends Storage(rejectedOrders) {
  byMessageId(messageId: string): Promise<RejectedOrder | undefined> {
    return this.find({ messageId })
  }
}
