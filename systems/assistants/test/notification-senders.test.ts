import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { readSettings } from "rootstock/config"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { isPublicAddress } from "../notifications/addresses.ts"
import { EmailSender } from "../notifications/email.ts"
import { DeliveryError } from "../notifications/failure.ts"
import { TelegramSender } from "../notifications/telegram.ts"
import { WebhookSender } from "../notifications/webhook.ts"
import { answers, botAnswers, breaks, startMailServer, startReceiver, staysSilent } from "./receivers.ts"
import { openAssistants, type TestAssistants } from "./support.ts"

const envelope = { id: "0", dedupeKey: "key é", type: "system", title: "Title", content: null } as const
const { signal } = new AbortController()
const secret = "a secret of the webhook"

/** What a send fails with. */
async function failureOf(send: Promise<unknown>): Promise<DeliveryError> {
  const error = await send.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  assert.ok(error instanceof DeliveryError, String(error))
  return error
}

describe("webhooks", () => {
  it("know addresses of the public internet", () => {
    for (const address of ["1.1.1.1", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "2a00:1450:4010::5e"]) {
      assert.equal(isPublicAddress(address), true, address)
    }
    for (const address of [
      "0.0.0.0",
      "10.1.2.3",
      "100.64.0.1",
      "127.0.0.1",
      "127.9.9.9",
      "169.254.169.254",
      "172.16.0.1",
      "172.31.255.255",
      "192.168.1.1",
      "198.18.0.1",
      "224.0.0.1",
      "255.255.255.255",
      "::",
      "::1",
      "::ffff:127.0.0.1",
      "::ffff:8.8.8.8",
      "64:ff9b::7f00:1",
      "2001:db8::1",
      "2002:7f00:1::",
      "fc00::1",
      "fe80::1",
      "ff02::1",
      "localhost",
      "",
    ]) {
      assert.equal(isPublicAddress(address), false, address)
    }
  })

  it("reach no private address, whatever it is written as or a name resolves to", async () => {
    await using receiver = await startReceiver(answers(200))
    const { port } = new URL(receiver.url)
    const sender = new WebhookSender({ settings: readSettings({}) })
    for (const host of ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0"]) {
      const failure = await failureOf(sender.send({ url: `http://${host}:${port}/`, secret }, envelope, signal))
      assert.deepEqual([failure.kind, /public internet/.test(failure.message)], ["permanent", true], host)
    }
    assert.deepEqual(receiver.received, [])
  })

  it("say what may pass and what does not", async () => {
    await using receiver = await startReceiver(answers(200))
    const settings = readSettings({ ALLOW_PRIVATE_WEBHOOKS: "true" })
    const target = { url: receiver.url, secret }
    const sent = (sender = new WebhookSender({ settings })) => failureOf(sender.send(target, envelope, signal))
    receiver.answer(answers(503, "", { "retry-after": "7" }))
    const busy = await sent()
    assert.deepEqual([busy.kind, busy.retryAfterMs], ["temporary", 7_000])
    receiver.answer(answers(410))
    assert.equal((await sent()).kind, "permanent")
    receiver.answer(answers(307, "", { location: `${receiver.url}/elsewhere` }))
    assert.equal((await sent()).kind, "permanent")
    receiver.answer(breaks)
    assert.equal((await sent()).kind, "temporary")
    receiver.answer(staysSilent)
    assert.equal((await sent(new WebhookSender({ settings }, { timeoutMs: 50 }))).kind, "temporary")
    assert.deepEqual(
      receiver.received.map(({ path, headers }) => [path, headers["idempotency-key"]]),
      receiver.received.map(() => ["/", "key%20%C3%A9"]),
    )
  })
})

describe("mail", () => {
  const sender = (url: string) =>
    new EmailSender({ settings: readSettings({ SMTP_URL: url, SMTP_FROM: "rootstock@example.com" }) })

  it("tells what was not sent from what may have been", async () => {
    await using server = await startMailServer()
    const { url } = server
    const send = () => sender(url).send("a@example.com", envelope)
    await send()
    server.refuse("recipient", 450)
    assert.equal((await failureOf(send())).kind, "temporary")
    server.refuse("text", 554)
    assert.equal((await failureOf(send())).kind, "permanent")
    server.onText = (_mail, drop) => drop()
    assert.equal((await failureOf(send())).kind, "unknown")
    await server[Symbol.asyncDispose]()
    assert.equal((await failureOf(send())).kind, "temporary")
    assert.equal(server.mails.length, 1)
  })

  it("makes one mail of what would be several headers", async () => {
    await using server = await startMailServer()
    const title = "Hello\r\nBcc: everyone@example.com"
    await sender(server.url).send("a@example.com", { ...envelope, title })
    assert.deepEqual(server.mails[0]?.to, ["a@example.com"])
    const [head = ""] = server.mails[0]?.text.split("\r\n\r\n") ?? []
    assert.doesNotMatch(head, /^Bcc/m)
    assert.match(head, /^Subject: Hello Bcc/m)
  })
})

forEachEngine((engine) => {
  describe(`Telegram, ${engine.name}`, () => {
    let app: TestAssistants
    before(async () => {
      app = await openAssistants(engine)
    })
    after(() => app[Symbol.asyncDispose]())
    const sender = (root: string) => {
      const token = `123456:${"a".repeat(35)}`
      const settings = readSettings({ TELEGRAM_API_ROOT: root, TELEGRAM_BOT_TOKEN_ASSISTANTS: token })
      return new TelegramSender({ settings, database: app.database, clock: app.clock })
    }

    it("gets one message a second to a chat, thirty in all, and twenty a minute to a group", async () => {
      // Each is another process's: they know of each other by the database alone.
      const turn = (chat: string) => sender("http://127.0.0.1:9").turn(chat)
      const atOnce = await Promise.all([1, 2, 3, 4].map(() => turn("5")))
      assert.equal(atOnce.filter((wait) => wait === 0).length, 1)
      app.clock.advance(60_000)
      let passed = 0
      for (let chat = 100; chat < 135; chat++) if ((await turn(String(chat))) === 0) passed++
      assert.equal(passed, 30)
      app.clock.advance(1_000)
      passed = 0
      for (let second = 0; second < 25; second++) {
        if ((await turn("-7")) === 0) passed++
        app.clock.advance(1_000)
      }
      assert.equal(passed, 20)
      app.clock.advance(60_000)
      assert.equal(await turn("-7"), 0)
    })

    it("tells what was not sent from what may have been", async () => {
      await using server = await startReceiver(botAnswers)
      const one = sender(server.url)
      const send = () => one.send("1", envelope, signal)
      await send()
      server.answer(answers(429, { ok: false, parameters: { retry_after: 3 } }))
      const busy = await failureOf(send())
      assert.deepEqual([busy.kind, busy.retryAfterMs, await one.turn("2")], ["temporary", 3_000, 3_000])
      server.answer(answers(403, { ok: false, description: "Forbidden" }))
      assert.deepEqual([(await failureOf(send())).kind, (await failureOf(send())).isDead], ["permanent", true])
      server.answer(answers(400, { ok: false, description: "Bad Request: chat not found" }))
      assert.equal((await failureOf(send())).kind, "permanent")
      server.answer(answers(502, "<html>"))
      assert.equal((await failureOf(send())).kind, "temporary")
      server.answer(breaks)
      const broken = await failureOf(send())
      assert.deepEqual([broken.kind, broken.message.includes("aaaa")], ["unknown", false])
      server.answer(staysSilent)
      const stopped = await failureOf(one.send("1", envelope, AbortSignal.timeout(50)))
      assert.equal(stopped.kind, "unknown")
      await server[Symbol.asyncDispose]()
      assert.equal((await failureOf(send())).kind, "temporary")
    })
  })
})
