import assert from "node:assert/strict"
import { after, before, it } from "node:test"
import fc from "fast-check"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { channelTypes } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import { makeOrganization, makePerson, type Person, signIn } from "./fixtures.ts"
import {
  botAnswers,
  type HttpReceiver,
  type MailReceiver,
  startMailServer,
  startReceiver,
  wanted,
} from "./receivers.ts"
import { openAssistants, type TestAssistants } from "./support.ts"

type Step =
  | { kind: "hook"; path: number }
  | { kind: "mail"; address: number }
  | { kind: "telegram"; chat: number }
  | { kind: "verify" | "remove"; type: "webhook" | "email" | "telegram" }
  | { kind: "prove"; type: "webhook" | "email" }
  | { kind: "notify" }

const steps: fc.Arbitrary<Step> = fc.oneof(
  // What leads to a channel that was verified and then leads elsewhere comes often.
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("hook" as const), path: fc.nat(3) }),
  },
  { weight: 4, arbitrary: fc.constant({ kind: "prove" as const, type: "webhook" as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: "prove" as const, type: "email" as const }) },
  { weight: 6, arbitrary: fc.constant({ kind: "notify" as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("mail" as const), address: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("telegram" as const), chat: fc.nat(3) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("verify" as const, "remove" as const),
      type: fc.constantFrom("webhook" as const, "email" as const, "telegram" as const),
    }),
  },
)

forEachEngine((engine) => {
  let bot: HttpReceiver
  let hook: HttpReceiver
  let mail: MailReceiver
  let app: TestAssistants
  let admin: Person
  let runs = 0
  before(async () => {
    bot = await startReceiver(botAnswers)
    // An even path does not want what it is sent.
    hook = await startReceiver((response, received) =>
      /[02]$/.test(received.path) ? response.end("no") : wanted(response, received),
    )
    mail = await startMailServer()
    app = await openAssistants(engine, {
      environment: {
        TELEGRAM_API_ROOT: bot.url,
        TELEGRAM_BOT_TOKEN_ASSISTANTS: `123456:${"a".repeat(35)}`,
        SMTP_URL: mail.url,
        SMTP_FROM: "rootstock@example.com",
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

  it("keeps one channel of a type for a person, and sends unverified ones nothing but their verification", async () => {
    const property = fc.asyncProperty(
      fc.array(fc.array(steps, { minLength: 4, maxLength: 8 }), { minLength: 4, maxLength: 4 }),
      async (callers) => {
        app.clock.advance(3_600_000)
        const run = ++runs
        const person = await makePerson(app, await signIn(app, admin.email))
        const as = { as: person.token }
        const verifiedChats = new Set<string>()
        const codes = new Set<string>()
        let notices = 0

        const does: Record<Step["kind"], (step: any) => Promise<unknown>> = {
          hook: ({ path }) => {
            const config = { url: `${hook.url}/${run}/${path}`, secret: "a secret of the webhook" }
            return app.send("PUT", "/notification-channels/webhook", { config, priority: path }, as)
          },
          mail: ({ address }) => {
            const config = { email: `${run}-${address}@example.com` }
            return app.send("PUT", "/notification-channels/email", { config, priority: address }, as)
          },
          telegram: async ({ chat }) => {
            if (chat % 2 === 0) return app.send("PUT", "/notification-channels/telegram", { priority: chat }, as)
            const { body } = await app.send("POST", "/notification-channels/telegram/link", undefined, as)
            const token = new URL(body.url).searchParams.get("start") as string
            const id = run * 10 + chat
            verifiedChats.add(String(id))
            return app.services.channels.linkTelegram(token, id, String(id))
          },
          verify: async ({ type }) => {
            if (type === "webhook") return app.send("POST", "/notification-channels/webhook/verify", undefined, as)
            const sent = mail.mails.findLast(({ to }) => to[0]?.startsWith(`${run}-`))
            const code = sent === undefined ? "000000" : (/\d{6}/.exec(bodyOf(sent.text))?.[0] ?? "000000")
            const { status } = await app.send("POST", "/notification-channels/email/verify", { code }, as)
            if (status === 200) for (const address of sent?.to ?? []) codes.add(address)
            return status
          },
          prove: async ({ type }) => {
            await (type === "webhook" ? does.hook({ path: 3 }) : does.mail({ address: 3 }))
            if (type === "email") await app.work()
            return does.verify({ type })
          },
          remove: ({ type }) => app.send("DELETE", `/notification-channels/${type}`, undefined, as),
          notify: () => {
            const dedupeKey = `random:${run}:${++notices}`
            return app.services.notifier.notify({
              userId: person.id,
              dedupeKey,
              type: "system",
              title: "Notice",
              content: null,
            })
          },
        }
        const working = { over: false }
        const worked = (async () => {
          while (!working.over) {
            await app.work()
            // The limits of Telegram and the pauses behind errors pass.
            app.clock.advance(1_000)
          }
        })()
        await Promise.all(
          callers.map(async (own) => {
            for (const step of own) await does[step.kind](step)
          }),
        )
        working.over = true
        await worked
        // Telegram takes one a second.
        const queues = { queue: ["notify", "telegram"] }
        for (let round = 0; round < 60 && (await app.jobs.store.jobs.exists(queues)); round++) {
          app.clock.advance(20_000)
          await app.work()
        }

        await tenant.run(person.orgId, async () => {
          const channels = await app.stores.channels.listByUser(person.id)
          const types = channels.map(({ channelType }) => channelType)
          assert.deepEqual(types.length, new Set(types).size)
          const inApp = channels.find(({ channelType }) => channelType === "in_app")
          assert.deepEqual([inApp?.isVerified, inApp?.isEnabled], [true, true])
          const logged = await app.stores.notificationLog.list({ where: { userId: person.id } })
          for (let notice = 1; notice <= notices; notice++) {
            const sent = logged.filter((row) => row.dedupeKey === `random:${run}:${notice}` && row.status === "sent")
            assert.equal(sent.length, 1, `notice ${notice} was delivered ${sent.length} times`)
          }
          assert.ok(logged.every(({ channelType }) => channelTypes.includes(channelType)))
        })
        for (const { path, body } of hook.received) {
          if (path.startsWith(`/${run}/`) && body.event !== "verification") assert.match(path, /[13]$/)
        }
        for (const { text, to } of mail.mails) {
          if (to[0]?.startsWith(`${run}-`) && /^Subject: Notice/m.test(text)) assert.ok(codes.has(to[0]), to[0])
        }
        for (const { path, body } of bot.received) {
          if (path.endsWith("/sendMessage") && Number(body.chat_id) > run * 10)
            assert.ok(verifiedChats.has(body.chat_id))
        }
      },
    )
    await fc.assert(property, { numRuns: 5 })
  })
})

/** The text of a mail in base64 or as it is. */
function bodyOf(mail: string): string {
  const [head = "", ...rest] = mail.split("\r\n\r\n")
  const body = rest.join("")
  return /base64/i.test(head) ? Buffer.from(body, "base64").toString("utf8") : body.replace(/=[0-9A-F]{2}/g, "")
}
