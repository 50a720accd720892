import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { describe, it } from "node:test"
import { promisify } from "node:util"
import amqp from "amqplib"
import { openBroker } from "rootstock/jobs/rabbitmq"
import { engines, requireService, temporaryVhost } from "../../../packages/rootstock/test/support/index.ts"
import { orderMessage } from "../jobs/definitions.ts"
import { expectAnswer, makeBuyer, makeProduct } from "./fixtures.ts"
import { checkInvariants } from "./invariants.ts"
import { openShop, type TestShop } from "./support.ts"

const run = promisify(execFile)

/** Waits until something holds; the test's own time limit ends it. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10))
}

const total = async (shop: TestShop) => (await expectAnswer(shop, 200, "GET", "/orders?count=1")).total as number

/** A shop whose worker takes its queues from a virtual host of its own. */
async function openBrokered(url: string, engine: (typeof engines)[number]) {
  const shop = await openShop(engine, { broker: true })
  const broker = openBroker(shop.jobs, { url, name: "shop" })
  broker.start()
  const worker = shop.jobs.worker({ handlers: shop.handlers, broker, pollMs: 50 })
  await worker.start()
  await until(async () => broker.state === "connected")
  return {
    shop,
    async [Symbol.asyncDispose]() {
      await worker.stop()
      await broker.stop()
      await shop[Symbol.asyncDispose]()
    },
  }
}

requireService("TEST_AMQP_URL", "the shop's queues at RabbitMQ", (server) => {
  for (const engine of engines) {
    describe(`on ${engine.name}`, () => {
      it("take an order from any client once, whatever else is in the queue", async () => {
        await using vhost = await temporaryVhost(server)
        await using opened = await openBrokered(vhost.url, engine)
        const { shop } = opened
        const { user, address } = await makeBuyer(shop)
        const product = await makeProduct(shop, { stock_quantity: 50 })
        const order = {
          user_id: user.id,
          delivery_address_id: address.id,
          items: [{ product_id: product.id, quantity: 2 }],
        }
        const connection = await amqp.connect(vhost.url)
        const channel = await connection.createConfirmChannel()
        const publish = (queue: string, body: string | object, messageId?: string) =>
          channel.sendToQueue(queue, Buffer.from(typeof body === "string" ? body : JSON.stringify(body)), {
            ...(messageId === undefined ? {} : { messageId }),
          })
        publish("order", "no JSON")
        publish("order", { ...order, user_id: "one" })
        publish("order", "x".repeat(2_000_000))
        publish("order_update", { id: 999_999, status: "confirmed" })
        publish("order", order, "message-1")
        publish("order", order, "message-1")
        const unknown = { ...order, items: [{ product_id: 999_999, quantity: 1 }] }
        publish("order", unknown)
        for (const id of ["rejected-1", "x".repeat(200), `${"x".repeat(199)}y`]) publish("order", unknown, id)
        publish("order", order)
        await channel.waitForConfirms()
        await until(async () => (await total(shop)) === 2)
        await until(async () => (await shop.jobs.store.dead.count()) === 4)
        await until(async () => (await expectAnswer(shop, 200, "GET", "/orders/rejected")).total === 4)
        const ids = (await shop.stores.rejectedOrders.list()).map(({ messageId }) => String(messageId))
        assert.ok(ids.includes("rejected-1"))
        assert.deepEqual(ids.map(({ length }) => length).sort(), [10, 128, 128, 36].sort())
        const reasons = (await shop.jobs.store.dead.list()).map(({ lastError }) => String(lastError))
        for (const reason of [/no JSON/, /does not fit/, /2000000 bytes/, /NOT_FOUND/]) {
          assert.ok(
            reasons.some((one) => reason.test(one)),
            `${reason} is not among ${reasons.join("; ")}`,
          )
        }
        assert.equal(await total(shop), 2)
        assert.equal((await expectAnswer(shop, 200, "GET", `/products/${product.id}`)).stock_quantity, 46)
        await checkInvariants(shop)
        await connection.close()
      })

      it("take an order from amqp-publish", async (context) => {
        const missing = await run("amqp-publish", ["--help"]).then(
          () => false,
          (error: { code?: unknown }) => error.code === "ENOENT",
        )
        if (missing) {
          context.skip("needs amqp-publish, of Debian's package amqp-tools")
          return
        }
        await using vhost = await temporaryVhost(server)
        await using opened = await openBrokered(vhost.url, engine)
        const { shop } = opened
        const { user, address } = await makeBuyer(shop)
        const product = await makeProduct(shop)
        const items = [{ product_id: product.id, quantity: 1 }]
        const body = JSON.stringify({ user_id: user.id, delivery_address_id: address.id, items })
        await run("amqp-publish", ["--url", vhost.url, "--routing-key", "order", "--body", body])
        await until(async () => (await total(shop)) === 1)
      })

      it("get the shop's own orders through the broker, and give a day's report to who listens", async () => {
        await using vhost = await temporaryVhost(server)
        await using opened = await openBrokered(vhost.url, engine)
        const { shop } = opened
        const { user, address } = await makeBuyer(shop)
        const product = await makeProduct(shop)
        await shop.jobs.send(orderMessage, {
          userId: user.id,
          deliveryAddressId: address.id,
          items: [{ productId: product.id, quantity: 3 }],
        })
        await until(async () => (await total(shop)) === 1)
        await expectAnswer(shop, 202, "POST", "/report/run", { report_date: "2026-03-11" })
        const connection = await amqp.connect(vhost.url)
        const channel = await connection.createChannel()
        let message: amqp.GetMessage | false = false
        await until(async () => {
          message = await channel.get("report", { noAck: true })
          return message !== false
        })
        const { content, properties } = message as unknown as amqp.GetMessage
        const report = JSON.parse(content.toString())
        assert.deepEqual(Object.keys(report).sort(), ["created_at", "report_date", "reports", "reports_count"])
        assert.deepEqual(
          [report.report_date, report.reports_count, report.reports[0].count_product],
          ["2026-03-11", 1, 3],
        )
        assert.equal(typeof properties.messageId, "string")
        const sent = "Sent report message to RabbitMQ queue 'report' for date 2026-03-11"
        await until(async () => shop.logged.some((line) => line.message === sent))
        const { messageSentAt } = await shop.stores.reportRuns.getOrFail("2026-03-11")
        assert.deepEqual(messageSentAt, shop.clock.now())
        await connection.close()
      })
    })
  }
})
