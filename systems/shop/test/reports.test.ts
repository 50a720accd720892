import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { expectAnswer, expectProblem, makeBuyer, makeProduct } from "./fixtures.ts"
import { openShop, type TestShop } from "./support.ts"

/** Places an order of two products, five pieces in all. */
async function placeOrder(shop: TestShop): Promise<number> {
  const { user, address } = await makeBuyer(shop)
  const [one, other] = [await makeProduct(shop), await makeProduct(shop)]
  const { id } = await expectAnswer(shop, 201, "POST", "/orders", {
    user_id: user.id,
    delivery_address_id: address.id,
    items: [
      { product_id: one.id, quantity: 2 },
      { product_id: other.id, quantity: 3 },
    ],
  })
  return id
}

const lines = (shop: TestShop) =>
  shop.logged.filter(({ name, level }) => name === "shop.reports" && level === "INFO").map(({ message }) => message)

const report = (shop: TestShop, day: string) => expectAnswer(shop, 200, "GET", `/report?report_date=${day}`)

/** The messages of reports that were published. */
const messages = async ({ jobs }: TestShop) =>
  (await jobs.store.jobs.list({ where: { kind: "report" }, orderBy: { createdAt: "asc" } })).map(
    ({ payload }) => payload as any,
  )

/** Lets the scheduler fire what is due and the worker do it. */
async function midnight(shop: TestShop): Promise<void> {
  await shop.scheduler.fireDue()
  await shop.work()
}

describe("order reports", () => {
  forEachEngine((engine) => {
    it("are made at midnight in the business zone for the day that has ended, with its log lines and its message", async () => {
      await using shop = await openShop(engine)
      await shop.scheduler.start()
      // 23:59:59.999 and 00:00 in Moscow.
      shop.clock.set("2026-03-11T20:59:59.999Z")
      const last = await placeOrder(shop)
      shop.clock.set("2026-03-11T21:00:00.000Z")
      const first = await placeOrder(shop)
      await midnight(shop)
      const rows = await report(shop, "2026-03-11")
      assert.deepEqual(
        rows.map(({ id, ...row }: { id: number }) => row),
        [{ report_at: "2026-03-11", order_id: last, count_product: 5, created_at: "2026-03-11T21:00:00.000Z" }],
      )
      assert.deepEqual(await report(shop, "2026-03-12"), [])
      assert.deepEqual(await expectAnswer(shop, 200, "GET", "/report"), [])
      assert.deepEqual(lines(shop), [
        "Starting report generation for date: 2026-03-11",
        "Created 1 reports for date 2026-03-11",
        "Sent report message to queue 'report' for date 2026-03-11",
      ])
      assert.deepEqual(await messages(shop), [
        {
          report_date: "2026-03-11",
          reports_count: 1,
          reports: [{ report_id: rows[0].id, order_id: last, count_product: 5, report_at: "2026-03-11" }],
          created_at: "2026-03-11T21:00:00.000Z",
        },
      ])
      const run = await shop.stores.reportRuns.getOrFail("2026-03-11")
      assert.deepEqual([run.reportsCount, run.messageSentAt?.toISOString()], [1, "2026-03-11T21:00:00.000Z"])
      shop.clock.set("2026-03-12T21:00:00.000Z")
      await midnight(shop)
      assert.deepEqual(
        (await report(shop, "2026-03-12")).map((row: { order_id: number }) => row.order_id),
        [first],
      )
    })

    it("count an order whatever its status, once", async () => {
      await using shop = await openShop(engine)
      await shop.scheduler.start()
      const id = await placeOrder(shop)
      await expectAnswer(shop, 200, "PUT", `/orders/${id}`, { status: "cancelled" })
      shop.clock.set("2026-03-11T21:00:00.000Z")
      await midnight(shop)
      await expectAnswer(shop, 202, "POST", "/report/run", { report_date: "2026-03-11" })
      await shop.work()
      assert.deepEqual((await report(shop, "2026-03-11")).length, 1)
      assert.equal((await messages(shop)).length, 1)
      assert.equal(lines(shop).at(-1), "Created 0 reports for date 2026-03-11")
    })

    it("can be asked for by hand today, and get what comes later at night", async () => {
      await using shop = await openShop(engine)
      await shop.scheduler.start()
      const early = await placeOrder(shop)
      const { report_date, job_id } = await expectAnswer(shop, 202, "POST", "/report/run", {
        report_date: "2026-03-11",
      })
      assert.equal(report_date, "2026-03-11")
      assert.match(job_id, /^[0-9a-f-]{36}$/)
      await shop.work()
      assert.equal((await expectAnswer(shop, 200, "GET", "/report")).length, 1)
      const late = await placeOrder(shop)
      shop.clock.set("2026-03-11T21:00:00.000Z")
      await midnight(shop)
      assert.deepEqual(
        (await report(shop, "2026-03-11")).map((row: { order_id: number }) => row.order_id),
        [early, late],
      )
      assert.deepEqual(
        (await messages(shop)).map(({ reports }) => reports.map((one: { order_id: number }) => one.order_id)),
        [[early], [late]],
      )
      assert.equal((await shop.stores.reportRuns.getOrFail("2026-03-11")).reportsCount, 2)
    })

    it("publish a message of an empty day once", async () => {
      await using shop = await openShop(engine)
      for (const _ of [1, 2]) {
        await expectAnswer(shop, 202, "POST", "/report/run", { report_date: "2026-03-01" })
        await shop.work()
      }
      assert.deepEqual(
        (await messages(shop)).map(({ report_date, reports_count }) => [report_date, reports_count]),
        [["2026-03-01", 0]],
      )
    })

    it("are refused for a day that has not begun, or that is none", async () => {
      await using shop = await openShop(engine)
      for (const report_date of ["2026-03-12", "2026-02-30", "today"]) {
        await expectProblem(shop, 422, "VALIDATION_FAILED", "POST", "/report/run", { report_date })
      }
    })

    it("of nights that were missed are made up for, each for its own day", async () => {
      await using shop = await openShop(engine)
      await shop.scheduler.start()
      const orders: number[] = []
      for (const day of ["2026-03-11", "2026-03-12", "2026-03-13"]) {
        shop.clock.set(`${day}T12:00:00.000Z`)
        orders.push(await placeOrder(shop))
      }
      shop.clock.set("2026-03-14T09:00:00.000Z")
      await midnight(shop)
      const days = await Promise.all(["2026-03-11", "2026-03-12", "2026-03-13"].map((day) => report(shop, day)))
      assert.deepEqual(
        days.map((rows) => rows.map((row: { order_id: number }) => row.order_id)),
        orders.map((id) => [id]),
      )
    })
  })
})
