import { openStores, produce, shop, jobs as shopJobs } from "@rootstock/shop"
import { integerVariable, readEnvironment } from "rootstock/config"
import { openJobs } from "rootstock/jobs"
import type { Command } from "../command/index.ts"
import { openUnit, urlOf } from "../databases.ts"
import { refusePending } from "../migrations.ts"
import { workplaceOf } from "./surroundings.ts"

/** Variables of this command alone. */
export const producerVariables = {
  TEST_USER_ID: integerVariable({
    sentence: "User that the producer orders for; it must exist.",
    example: "1",
    default: 1,
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
  }),
  TEST_DELIVERY_ADDRESS_ID: integerVariable({
    sentence: "Address that the producer orders to; it must be one of that user.",
    example: "1",
    default: 1,
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
  }),
} as const

export const producer: Command = {
  name: "producer",
  summary: "Publishes 5 products and 3 orders to the queues of the shop, whose worker must run.",
  async run(_call, surroundings) {
    const { TEST_USER_ID: userId, TEST_DELIVERY_ADDRESS_ID: addressId } = readEnvironment(
      surroundings.env,
      producerVariables,
    )
    const workplace = workplaceOf(surroundings, { write: (line) => surroundings.complain(line.trimEnd()) })
    const url = urlOf(shop, workplace.settings, true)
    await refusePending(shop, url)
    await using database = await openUnit(shop, url, workplace)
    const log = workplace.log.named("shop.producer")
    const jobs = openJobs(database, { jobs: shopJobs, log })
    const { products, orderJobs } = await produce({ stores: openStores(database), jobs, log }, { userId, addressId })
    const lines = [
      `Published ${products.length} products: ${products.map(({ id, name }) => `${id} ${name}`).join(", ")}`,
      `Published ${orderJobs.length} orders of user ${userId}: jobs ${orderJobs.join(", ")}`,
    ]
    return { lines, data: { products: products.map(({ id, name }) => ({ id, name })), order_jobs: orderJobs } }
  },
}
