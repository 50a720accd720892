/** A process that buys one piece of a product many times at once, for the tests of races between processes. */
import { openDatabase, systemClock } from "rootstock"
import { openJobs } from "rootstock/jobs"
import { createLogger } from "rootstock/log"
import { RuleError } from "rootstock/shared"
import { makeCaches } from "../caches.ts"
import { jobs } from "../jobs/definitions.ts"
import { tables } from "../schema.ts"
import { makeServices } from "../services/index.ts"
import { openStores } from "../storages/index.ts"

/** What the process is asked to buy. */
export type Purchase = { userId: number; addressId: number; productId: number; attempts: number }

/** How many attempts were sold, refused for the stock, or ended otherwise. */
export type Bought = { sold: number; refused: number; failed: string[] }

const [url] = process.argv.slice(2)
const database = await openDatabase(url!, { tables })
const log = createLogger({ name: "shop", level: "error", format: "text", destination: process.stderr })
const stores = openStores(database)
const { orders } = makeServices({
  stores,
  caches: makeCaches(stores),
  jobs: openJobs(database, { jobs, log }),
  broker: false,
  log,
  clock: systemClock,
  timeZone: "UTC",
})

process.on("message", async ({ userId, addressId, productId, attempts }: Purchase) => {
  const order = { userId, deliveryAddressId: addressId, items: [{ productId, quantity: 1 }] }
  const outcomes = await Promise.allSettled(Array.from({ length: attempts }, () => orders.place(order, "rest")))
  const bought: Bought = { sold: 0, refused: 0, failed: [] }
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") bought.sold++
    else if (outcome.reason instanceof RuleError && /STOCK$/.test(outcome.reason.code)) bought.refused++
    else bought.failed.push(String(outcome.reason))
  }
  process.send!(bought)
})
process.on("disconnect", () => void database.close())
process.send!("ready")
