import assert from "node:assert/strict"
import { once } from "node:events"
import { connect } from "node:net"
import { test } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import { elapsed } from "rootstock/clock"
import { run, type Serving, serve, temporaryFolder } from "./program.ts"

type Asked = { readonly method?: string; readonly body?: object; readonly token?: string }

async function ask({ address }: Serving, path: string, { method = "GET", body, token }: Asked = {}): Promise<any> {
  const headers = {
    "content-type": "application/json",
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
  const response = await fetch(`${address}${path}`, init)
  const text = await response.text()
  return { status: response.status, ...(text === "" ? {} : JSON.parse(text)) }
}

/** Sends a request as it is written; the first line of the answer. */
async function sendRaw({ address }: Serving, lines: readonly string[]): Promise<string> {
  const socket = connect(Number(new URL(address).port), "127.0.0.1")
  let answer = ""
  socket.setEncoding("utf8").on("data", (text: string) => {
    answer += text
  })
  socket.write(`${lines.join("\r\n")}\r\n\r\n`)
  await once(socket, "close")
  return answer.split("\r\n", 1)[0] as string
}

/** Asks until the answer fits, for 20 seconds at most. */
async function until(fits: () => Promise<boolean>): Promise<void> {
  for (const start = elapsed(); !(await fits()); await pause(20)) assert.ok(elapsed() - start < 20_000, "it never came")
}

test("operators hold, cancel, retry and let go of jobs of a server, and see its schedules", async () => {
  await using folder = await temporaryFolder()
  const env = { DATABASE_URL: `sqlite:${folder.path}` }
  await using server = await serve(env, "shop --no-sample")
  const under = "/operations/shop"
  assert.equal((await ask(server, `${under}/queues/report_run/pause`, { method: "POST" })).paused, true)
  const { job_id } = await ask(server, "/report/run", { method: "POST", body: { report_date: "2026-01-31" } })
  const job = `${under}/jobs/${job_id}`
  assert.deepEqual((await ask(server, job)).payload, { report_date: "2026-01-31" })
  assert.equal((await ask(server, `${job}/cancel`, { method: "POST" })).reason, "cancelled")
  assert.equal((await ask(server, `${under}/jobs?state=dead`)).items[0].id, job_id)
  assert.equal((await ask(server, `${under}/jobs/retry`, { method: "POST", body: { filter: {} } })).count, 1)
  const { queues, workers } = await ask(server, `${under}/queues`)
  const queue = queues.find((one: { queue: string }) => one.queue === "report_run")
  assert.deepEqual([queue.waiting, queue.dead, queue.paused, workers.length], [1, 0, true, 1])
  // The command line acts on the same, and the server's worker hears of it.
  assert.equal((await run("jobs resume report_run --system shop", env)).code, 0)
  await until(async () => (await ask(server, job)).status === 404)

  const { items } = await ask(server, `${under}/schedules`)
  assert.deepEqual([items[0].key, items[0].next_fires.length], ["order-reports", 10])
  assert.equal(
    (await ask(server, `${under}/schedules/order-reports`, { method: "DELETE" })).error_code,
    "SCHEDULE_DECLARED",
  )
  assert.match(
    (await run("schedule list --system shop", env)).out,
    /^order-reports +code +report_run +0 0 \* \* \* \(Europe\/Moscow\)/,
  )
  const { paths } = await ask(server, "/schema/openapi.json")
  assert.ok(`${under}/schedules/{schedule_key}/replay` in paths)
})

test("operations of a server without a token are only there for requests that name this machine", async () => {
  await using folder = await temporaryFolder()
  await using server = await serve({ DATABASE_URL: `sqlite:${folder.path}` }, "shop --no-sample --no-worker")
  const get = "GET /operations/shop/queues HTTP/1.1"
  const close = "Connection: close"
  assert.match(await sendRaw(server, [get, "Host: 127.0.0.1", close]), / 200 /)
  assert.match(await sendRaw(server, [get, "Host: evil.example", close]), / 404 /)
  assert.match(await sendRaw(server, [get, "Host: localhost", "X-Forwarded-For: 127.0.0.1", close]), / 404 /)
  assert.match(await sendRaw(server, ["GET /operations/shop/queues HTTP/1.0"]), / 404 /)
  const post = "POST /operations/shop/queues/order/pause HTTP/1.1"
  assert.match(await sendRaw(server, [post, "Host: localhost", close]), / 415 /)
  assert.match(await sendRaw(server, [post, "Host: localhost", "Content-Type: application/json", close]), / 200 /)
})

test("operations of a server with a token are there for who sends it, and the log does not show it", async () => {
  await using folder = await temporaryFolder()
  const token = "correct-horse-battery"
  const env = { DATABASE_URL: `sqlite:${folder.path}`, OPERATOR_TOKEN: token }
  await using server = await serve(env, "shop --no-sample --no-worker")
  const queues = "/operations/shop/queues"
  assert.equal((await ask(server, queues, { token })).status, 200)
  assert.equal((await ask(server, queues, { token: `${token}!` })).status, 401)
  assert.equal((await ask(server, queues)).status, 401)
  await server.stop()
  assert.ok(!JSON.stringify(server.lines).includes(token))
})

test("a token that is too short stops the start, and is not shown", async () => {
  const { code, err } = await run("serve", { OPERATOR_TOKEN: "short-secret" })
  assert.equal(code, 2)
  assert.match(err, /OPERATOR_TOKEN must be a token of 16 to 256 printable characters/)
  assert.doesNotMatch(err, /short-secret/)
})
