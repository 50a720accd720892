import { Storage } from "rootstock"
import { orderItems } from "../schema.ts"

export class OrderItemStorage extends Storage(orderItems) {}
