import assert from "node:assert/strict"
import { createHmac } from "node:crypto"
import { after, before, beforeEach, describe, it } from "node:test"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { mostAttempts, pauseBehind } from "../notifications/delivery.ts"
import type { Notice } from "../notifications/notice.ts"
import { tenant } from "../tenancy.ts"
import { expectAnswer, expectProblem, makeOrganization, makePerson, type Person, signIn } from "./fixtures.ts"
import {
  answers,
  botAnswers,
  breaks,
  type HttpReceiver,
  type MailReceiver,
  startMailServer,
  startReceiver,
  wanted,
} from "./receivers.ts"
import { openAssistants, type TestAssistants } from "./support.ts"

const botToken = `123456:${"a".repeat(35)}`
const secret = "a secret of the webhook"

forEachEngine((engine) => {
  describe(`notices over channels, ${engine.name}`, () => {
    let bot: HttpReceiver
    let hook: HttpReceiver
    let mail: MailReceiver
    let app: TestAssistants
    let admin: Person
    let person: Person
    let keys = 0

    before(async () => {
      bot = await startReceiver(botAnswers)
      hook = await startReceiver(wanted)
      mail = await startMailServer()
      app = await openAssistants(engine, {
        environment: {
          TELEGRAM_API_ROOT: bot.url,
          TELEGRAM_BOT_TOKEN_ASSISTANTS: botToken,
          SMTP_URL: mail.url,
          SMTP_FROM: "Rootstock <rootstock@example.com>",
          ALLOW_PRIVATE_WEBHOOKS: "true",
        },
      })
      admin = await makeOrganization(app)
    })
    after(async () => {
      await app[Symbol.asyncDispose]()
      await bot[Symbol.asyncDispose]()
      await hook[Symbol.asyncDispose]()
      await mail[Symbol.asyncDispose]()
    })
    beforeEach(async () => {
      bot.answer(botAnswers)
      hook.answer(wanted)
      mail.refuse(undefined)
      mail.onText = undefined
      // So that neither limits nor jobs of one test are another's.
      app.clock.advance(3_600_000)
      await app.work()
      bot.received.length = 0
      hook.received.length = 0
      mail.mails.length = 0
      // Signed in at this time of the clock.
      person = await makePerson(app, await renewed(admin))
    })

    const renewed = ({ email }: Person) => signIn(app, email)
    const call = (method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: object, status = 200) =>
      expectAnswer(app, status, method, path, body, { as: person.token })
    const refused = (
      status: number,
      code: string,
      method: "GET" | "POST" | "PUT" | "DELETE",
      path: string,
      body?: object,
    ) => expectProblem(app, status, code, method, path, body, { as: person.token })
    const linkTelegram = async (chatId: string, priority = 30) => {
      const { url } = await call("POST", "/notification-channels/telegram/link")
      const token = new URL(url).searchParams.get("start") as string
      const linked = await app.services.channels.linkTelegram(token, Number(chatId), chatId)
      await call("PUT", "/notification-channels/telegram", { priority })
      return { token, url, linked }
    }
    const codeOfMail = () => /\d{6}/.exec(decoded(mail.mails.at(-1)?.text ?? ""))?.[0] as string
    const setUpMail = async (priority = 20) => {
      await call("PUT", "/notification-channels/email", { priority })
      await app.work()
      await call("POST", "/notification-channels/email/verify", { code: codeOfMail() })
      mail.mails.length = 0
    }
    const setUpHook = async (priority = 10) => {
      await call("PUT", "/notification-channels/webhook", { config: { url: `${hook.url}/hook`, secret }, priority })
      await call("POST", "/notification-channels/webhook/verify")
      hook.received.length = 0
    }
    const notify = async (more: Partial<Notice> = {}) => {
      const notice = {
        userId: person.id,
        dedupeKey: `test:${++keys}`,
        type: "system" as const,
        title: "Title <1>",
        content: "Text & more",
        ...more,
      }
      await app.services.notifier.notify(notice)
      await app.work()
      return notice
    }
    /** Passes the time until all is tried. */
    const passTime = async () => {
      for (let attempt = 1; attempt <= mostAttempts; attempt++) {
        app.clock.advance(pauseBehind(attempt))
        await app.work()
      }
      person = await renewed(person)
    }
    const logged = (dedupeKey: string) =>
      tenant.run(person.orgId, () =>
        app.stores.notificationLog.list({ where: { dedupeKey }, orderBy: { createdAt: "asc" } }),
      )
    const states = async (dedupeKey: string) =>
      Object.fromEntries((await logged(dedupeKey)).map((row) => [row.channelType, [row.status, row.attempts]]))
    const inApp = async () => (await call("GET", "/notifications")).items

    it("leaves a notice in the app where there is no other channel", async () => {
      const { dedupeKey } = await notify({ reference: { type: "message", id: person.id } })
      const [notice, ...more] = await inApp()
      assert.deepEqual(more, [])
      assert.deepEqual(
        [notice.title, notice.content, notice.reference_type, notice.reference_id, notice.is_read],
        ["Title <1>", "Text & more", "message", person.id, false],
      )
      assert.deepEqual(await states(dedupeKey), { in_app: ["sent", 1] })
    })

    it("makes no second notice in the app where there is one", async () => {
      const { dedupeKey } = await notify({ inApp: "made" })
      assert.deepEqual(await inApp(), [])
      assert.deepEqual(await states(dedupeKey), { in_app: ["sent", 1] })
    })

    it("delivers over the channel with the highest priority alone", async () => {
      await linkTelegram("1001")
      await setUpMail()
      await setUpHook()
      const { dedupeKey } = await notify()
      assert.deepEqual(await states(dedupeKey), { telegram: ["sent", 1] })
      const sent = bot.received.filter(({ path }) => path.endsWith("/sendMessage"))
      assert.deepEqual(
        sent.map(({ path, body }) => [path, body]),
        [
          [
            `/bot${botToken}/sendMessage`,
            { chat_id: "1001", text: "<b>Title &lt;1&gt;</b>\nText &amp; more", parse_mode: "HTML" },
          ],
        ],
      )
      assert.deepEqual([mail.mails, hook.received, await inApp()], [[], [], []])
      await call("PUT", "/notification-channels/telegram", { priority: -1 })
      const second = await notify()
      assert.deepEqual(await states(second.dedupeKey), { email: ["sent", 1] })
      const [letter] = mail.mails
      const [row] = await logged(second.dedupeKey)
      assert.deepEqual([letter?.from, letter?.to], ["rootstock@example.com", [person.email]])
      assert.match(letter?.text ?? "", new RegExp(`^Message-ID: <${row?.id}@example.com>`, "m"))
      assert.match(letter?.text ?? "", /^Subject: Title <1>/m)
      await call("PUT", "/notification-channels/email", { is_enabled: false })
      const third = await notify()
      assert.deepEqual(await states(third.dedupeKey), { webhook: ["sent", 1] })
      const [post] = hook.received
      assert.deepEqual(post?.headers["idempotency-key"], third.dedupeKey)
      assert.equal(
        post?.headers["x-signature"],
        `sha256=${createHmac("sha256", secret)
          .update(post?.text ?? "")
          .digest("hex")}`,
      )
      assert.deepEqual([post?.body.title, post?.body.dedupe_key], ["Title <1>", third.dedupeKey])
    })

    it("tells of a mention over the channel, beside the notice in the app", async () => {
      await setUpHook()
      const as = { as: (await renewed(admin)).token }
      const chat = await expectAnswer(app, 201, "POST", "/chats/direct", { user_id: person.id }, as)
      const text = { content: `Look, @${person.username}` }
      const { message } = await expectAnswer(app, 201, "POST", `/chats/${chat.id}/messages`, text, as)
      await app.work()
      const [{ body } = { body: undefined }, ...more] = hook.received
      assert.deepEqual(
        [body.type, body.content, body.reference, more],
        ["mention", text.content, { type: "message", id: message.id }, []],
      )
      assert.deepEqual(await states(`mention:${message.id}:${person.id}`), { webhook: ["sent", 1] })
      assert.deepEqual(
        (await inApp()).map((notice: any) => [notice.type, notice.reference_id]),
        [["mention", message.id]],
      )
    })

    it("tries a channel five times with growing pauses, then the next, and notes every error", async () => {
      await linkTelegram("1002")
      await setUpHook()
      bot.answer(answers(500, { ok: false, description: "Broken" }))
      hook.answer(answers(404))
      const { dedupeKey } = await notify()
      assert.deepEqual(await states(dedupeKey), { telegram: ["failed", 1] })
      app.clock.advance(pauseBehind(1) - 1)
      await app.work()
      assert.deepEqual(await states(dedupeKey), { telegram: ["failed", 1] })
      await passTime()
      // An error that stays is met once.
      assert.deepEqual(await states(dedupeKey), {
        telegram: ["failed", mostAttempts],
        webhook: ["failed", 1],
        in_app: ["sent", 1],
      })
      const [telegram, webhook] = await logged(dedupeKey)
      assert.equal(telegram?.attemptErrors.length, mostAttempts)
      assert.equal(telegram?.errorMessage, "Telegram answered 500: Broken.")
      const times = telegram?.attemptErrors.map(({ at }) => Date.parse(at)) ?? []
      const pauses = times.slice(1).map((time, index) => time - (times[index] as number))
      assert.ok(
        pauses.every((pause, index) => pause >= pauseBehind(index + 1)),
        String(pauses),
      )
      assert.equal(webhook?.errorMessage, "The webhook answered 404.")
      assert.equal((await inApp()).length, 1)
    })

    it("waits as long as Telegram asks it to, with every message", async () => {
      await linkTelegram("1003")
      bot.answer(answers(429, { ok: false, description: "Slow down", parameters: { retry_after: 120 } }), botAnswers)
      const first = await notify()
      const second = await notify()
      assert.deepEqual(await states(first.dedupeKey), { telegram: ["failed", 1] })
      assert.deepEqual(await states(second.dedupeKey), {})
      app.clock.advance(119_000)
      await app.work()
      assert.deepEqual(await states(first.dedupeKey), { telegram: ["failed", 1] })
      // One a second, for it is the same chat.
      app.clock.advance(1_000)
      await app.work()
      app.clock.advance(1_000)
      await app.work()
      assert.deepEqual(await states(first.dedupeKey), { telegram: ["sent", 2] })
      assert.deepEqual(await states(second.dedupeKey), { telegram: ["sent", 1] })
    })

    it("takes a chat for dead where the person blocked the bot, and asks it no more", async () => {
      await linkTelegram("1004")
      bot.answer(answers(403, { ok: false, description: "Forbidden: bot was blocked by the user" }))
      const first = await notify()
      assert.deepEqual(await states(first.dedupeKey), { telegram: ["failed", 1], in_app: ["sent", 1] })
      const { items } = await call("GET", "/notification-channels")
      assert.deepEqual(
        items.map((one: any) => [one.channel_type, one.is_verified]),
        [
          ["telegram", false],
          ["in_app", true],
        ],
      )
      const asked = bot.received.length
      const second = await notify()
      assert.deepEqual(await states(second.dedupeKey), { telegram: ["skipped", 0], in_app: ["sent", 1] })
      assert.equal(bot.received.length, asked)
    })

    it("does not repeat what may have arrived, but over webhooks", async () => {
      await linkTelegram("1005")
      await setUpMail()
      await setUpHook()
      bot.answer(breaks)
      mail.onText = (_mail, drop) => drop()
      hook.answer(breaks, wanted)
      const { dedupeKey } = await notify()
      assert.deepEqual(await states(dedupeKey), {
        telegram: ["failed", 1],
        email: ["failed", 1],
        webhook: ["failed", 1],
      })
      await passTime()
      assert.deepEqual(await states(dedupeKey), {
        telegram: ["failed", 1],
        email: ["failed", 1],
        webhook: ["sent", 2],
      })
      assert.deepEqual(
        hook.received.map(({ headers }) => headers["idempotency-key"]),
        [dedupeKey, dedupeKey],
      )
      assert.deepEqual(await inApp(), [])
    })

    it("obeys the mail server: again where it may pass, never where it does not", async () => {
      await setUpMail()
      mail.refuse("text", 451)
      const first = await notify()
      mail.refuse("recipient", 550)
      const second = await notify()
      assert.deepEqual(await states(first.dedupeKey), { email: ["failed", 1] })
      assert.deepEqual(await states(second.dedupeKey), { email: ["failed", 1], in_app: ["sent", 1] })
      mail.refuse(undefined)
      await passTime()
      assert.deepEqual(await states(first.dedupeKey), { email: ["sent", 2] })
      assert.equal(mail.mails.length, 1)
    })

    it("delivers a notice once, whatever becomes of its job", async () => {
      await setUpHook()
      const notice = await notify()
      assert.equal(await app.services.notifier.notify(notice), false)
      await app.work()
      assert.equal(hook.received.length, 1)
    })

    it("leaves those who are not active alone", async () => {
      await setUpHook()
      const as = { as: (await renewed(admin)).token }
      await expectAnswer(app, 204, "DELETE", `/users/${person.id}`, undefined, as)
      const { dedupeKey } = await notify()
      assert.deepEqual([await states(dedupeKey), hook.received], [{}, []])
    })

    it("verifies mail by a code that is good once, for 15 minutes and five tries", async () => {
      const channel = await call("PUT", "/notification-channels/email", { config: { email: " New@Example.com " } })
      assert.deepEqual([channel.config, channel.is_verified], [{ email: "new@example.com" }, false])
      await app.work()
      assert.deepEqual(mail.mails[0]?.to, ["new@example.com"])
      const code = codeOfMail()
      const wrong = code === "000000" ? "000001" : "000000"
      await refused(422, "WRONG_CODE", "POST", "/notification-channels/email/verify", { code: wrong })
      app.clock.advance(15 * 60_000)
      person = await renewed(person)
      await refused(422, "WRONG_CODE", "POST", "/notification-channels/email/verify", { code })
      await call("PUT", "/notification-channels/email", {})
      await app.work()
      const second = codeOfMail()
      const verified = await call("POST", "/notification-channels/email/verify", { code: second })
      assert.equal(verified.is_verified, true)
      // Another address is another thing to prove; the old code proves nothing of it.
      const moved = await call("PUT", "/notification-channels/email", { config: { email: "other@example.com" } })
      assert.equal(moved.is_verified, false)
      await refused(422, "WRONG_CODE", "POST", "/notification-channels/email/verify", { code: second })
    })

    it("stops guesses of a code, also those that carry an idempotency key", async () => {
      await call("PUT", "/notification-channels/email", {})
      await app.work()
      const code = codeOfMail()
      const wrong = code === "000000" ? "000001" : "000000"
      for (let tries = 0; tries < 5; tries++) {
        await expectProblem(
          app,
          422,
          "WRONG_CODE",
          "POST",
          "/notification-channels/email/verify",
          { code: wrong },
          { as: person.token, headers: { "idempotency-key": `guess-${tries}` } },
        )
      }
      await refused(429, "RATE_LIMITED", "POST", "/notification-channels/email/verify", { code })
    })

    it("verifies a webhook that answers with the challenge, and no other", async () => {
      await call("PUT", "/notification-channels/webhook", { config: { url: `${hook.url}/hook`, secret } })
      hook.answer(answers(200, "something else"))
      await refused(422, "CHALLENGE_FAILED", "POST", "/notification-channels/webhook/verify")
      hook.answer(answers(302, "", { location: `${hook.url}/other` }))
      await refused(422, "CHALLENGE_FAILED", "POST", "/notification-channels/webhook/verify")
      assert.equal(hook.received.length, 2)
      hook.answer(wanted)
      assert.equal((await call("POST", "/notification-channels/webhook/verify")).is_verified, true)
      const same = await call("PUT", "/notification-channels/webhook", { config: { url: `${hook.url}/hook`, secret } })
      assert.equal(same.is_verified, true)
      const moved = await call("PUT", "/notification-channels/webhook", { config: { url: `${hook.url}/moved` } })
      assert.equal(moved.is_verified, false)
      await refused(422, "VALIDATION_FAILED", "PUT", "/notification-channels/webhook", { config: { email: "a@b.co" } })
      await refused(422, "VALIDATION_FAILED", "PUT", "/notification-channels/webhook", {
        config: { url: "http://a:b@c" },
      })
    })

    it("links Telegram by a token that is good once and says nothing of the person", async () => {
      const { token, url, linked } = await linkTelegram("1006")
      assert.equal(linked.kind, "linked")
      assert.match(url, /^https:\/\/t\.me\/test_bot\?start=[\w-]{22}$/)
      assert.ok(!url.includes(person.id))
      const { channels } = app.services
      assert.equal((await channels.linkTelegram(token, 1006, "1006")).kind, "unknown")
      assert.equal((await channels.linkTelegram(person.id, 1006, "1006")).kind, "unknown")
      const late = new URL((await call("POST", "/notification-channels/telegram/link")).url).searchParams.get("start")
      app.clock.advance(10 * 60_000)
      assert.equal((await channels.linkTelegram(late as string, 1006, "1006")).kind, "unknown")
      const owner = person
      person = await makePerson(app, await renewed(admin))
      const { linked: taken } = await (async () => {
        const link = new URL((await call("POST", "/notification-channels/telegram/link")).url)
        return { linked: await channels.linkTelegram(link.searchParams.get("start") as string, 1006, "1006") }
      })()
      assert.deepEqual([taken.kind, taken.kind === "taken" && taken.owner.id], ["taken", owner.id])
      assert.equal(await channels.stopTelegram(1006), true)
      assert.equal(await channels.stopTelegram(999_999), false)
    })

    it("keeps the channel of the app, and removes the others", async () => {
      await refused(409, "CHANNEL_UNCHANGEABLE", "DELETE", "/notification-channels/in_app")
      await refused(409, "CHANNEL_UNCHANGEABLE", "PUT", "/notification-channels/in_app", { is_enabled: false })
      await refused(404, "NOT_FOUND", "DELETE", "/notification-channels/webhook")
      await setUpHook()
      await call("DELETE", "/notification-channels/webhook", undefined, 204)
      const { items } = await call("GET", "/notification-channels")
      assert.deepEqual(
        items.map((one: any) => one.channel_type),
        ["in_app"],
      )
    })

    it("shows secrets nowhere", async () => {
      const channel = await call("PUT", "/notification-channels/webhook", { config: { url: `${hook.url}/x`, secret } })
      hook.answer(breaks)
      await app.send("POST", "/notification-channels/webhook/verify", undefined, { as: person.token })
      bot.answer(breaks)
      await app.send("POST", "/notification-channels/telegram/link", undefined, { as: person.token })
      const stored = await tenant.run(person.orgId, () => app.stores.channels.getByUserAndType(person.id, "webhook"))
      assert.match(stored?.config.secret ?? "", /^v1\.test\./)
      const audit = await app.stores.audit.list({ where: { entity: "notification_channels" } })
      for (const text of [channel, stored, audit, app.logged].map((one) => JSON.stringify(one))) {
        assert.ok(!text.includes(secret) && !text.includes(botToken), text)
      }
      assert.ok(!JSON.stringify([channel, audit]).includes(stored?.config.secret as string))
    })

    it("lists notices and marks them as read, for their owner alone", async () => {
      await notify({ title: "One" })
      app.clock.advance(1)
      await notify({ title: "Two" })
      const [two, one] = await inApp()
      assert.deepEqual([two.title, one.title], ["Two", "One"])
      const other = await makePerson(app, await renewed(admin))
      await expectProblem(app, 404, "NOT_FOUND", "POST", `/notifications/${one.id}/read`, undefined, {
        as: other.token,
      })
      assert.equal((await call("POST", `/notifications/${one.id}/read`)).is_read, true)
      const unread = await call("GET", "/notifications?unread=true&limit=1")
      assert.deepEqual([unread.items.map(({ id }: any) => id), unread.next_cursor], [[two.id], null])
      assert.deepEqual(await call("POST", "/notifications/read-all"), { changed: 1 })
      assert.deepEqual((await call("GET", "/notifications?unread=true")).items, [])
    })

    it("shows the log to its owner, and that of an event to administrators", async () => {
      const { dedupeKey } = await notify({ eventId: admin.id })
      const { items } = await call("GET", "/notifications/log")
      assert.deepEqual([items[0].dedupe_key, items[0].status], [dedupeKey, "sent"])
      await refused(403, "FORBIDDEN", "GET", `/notifications/log?event_id=${admin.id}`)
      const as = { as: (await renewed(admin)).token }
      const ofEvent = await expectAnswer(app, 200, "GET", `/notifications/log?event_id=${admin.id}`, undefined, as)
      assert.deepEqual(
        ofEvent.items.map((one: any) => one.dedupe_key),
        [dedupeKey],
      )
      const stranger = await makeOrganization(app)
      const foreign = { as: stranger.token }
      const path = `/notifications/log?event_id=${admin.id}`
      assert.deepEqual((await expectAnswer(app, 200, "GET", path, undefined, foreign)).items, [])
    })
  })
})

/** The text of a mail, which may be in base64 or quoted-printable. */
function decoded(mail: string): string {
  const [head = "", ...rest] = mail.split("\r\n\r\n")
  const body = rest.join("\r\n\r\n")
  if (/base64/i.test(head)) return Buffer.from(body, "base64").toString("utf8")
  return body
    .replace(/=\r\n/g, "")
    .replace(/(?:=[0-9A-F]{2})+/g, (bytes) => decodeURIComponent(bytes.replaceAll("=", "%")))
}
