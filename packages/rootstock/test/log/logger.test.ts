import assert from "node:assert/strict"
import { test } from "node:test"
import { manualClock } from "../../src/clock/index.ts"
import { createLogger, type LoggerOptions, withRequestId } from "../../src/log/index.ts"

const clock = manualClock("2026-01-31T21:05:09.250Z")

function capture(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = []
  const log = createLogger({ name: "shop", clock, destination: { write: (line) => lines.push(line) }, ...options })
  return { log, lines }
}

test("writes text lines in the wall-clock time of the zone", () => {
  const { log, lines } = capture({ format: "text", timeZone: "Europe/Moscow" })
  log.info("started")
  log.named("shop.orders").warning("stock of product 7 is 0", { product_id: 7 })
  log.error("Health check failed: timeout")
  assert.deepEqual(lines, [
    "2026-02-01 00:05:09 [INFO] shop: started\n",
    "2026-02-01 00:05:09 [WARNING] shop.orders: stock of product 7 is 0\n",
    "2026-02-01 00:05:09 [ERROR] shop: Health check failed: timeout\n",
  ])
})

test("writes the stack of an error under its text line", () => {
  const { log, lines } = capture({ format: "text" })
  log.error("failed", { error: new Error("broken pipe") })
  assert.match(lines.join(""), /^2026-01-31 21:05:09 \[ERROR\] shop: failed\nError: broken pipe\n\s+at /)
})

test("writes JSON lines with the same fields and the id of the request", async () => {
  const { log, lines } = capture({ format: "json" })
  await withRequestId("abc-1", async () => {
    await Promise.resolve()
    log.named("shop.users").info("user 5 is created", { user_id: 5 })
  })
  log.info("outside")
  const [inside, outside] = lines.map((line) => JSON.parse(line))
  assert.deepEqual(inside, {
    level: "INFO",
    time: "2026-01-31T21:05:09.250Z",
    name: "shop.users",
    request_id: "abc-1",
    user_id: 5,
    message: "user 5 is created",
  })
  assert.equal("request_id" in outside, false)
})

test("leaves out lines below its level", () => {
  const { log, lines } = capture({ format: "json", level: "warning" })
  log.debug("a")
  log.info("b")
  log.warning("c")
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).message),
    ["c"],
  )
  assert.equal(log.writes("info"), false)
  assert.equal(log.writes("error"), true)
})

test("masks secrets among the fields", () => {
  const { log, lines } = capture({ format: "json" })
  log.info("signed in", { password: "hunter2", token: "t0ken" })
  assert.doesNotMatch(lines.join(""), /hunter2|t0ken/)
})
