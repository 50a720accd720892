import assert from "node:assert/strict"
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { it } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { tenant } from "../tenancy.ts"
import { expectAnswer, makeOrganization, makePerson, type Person } from "./fixtures.ts"
import { botAnswers, startMailServer, startReceiver, staysSilent, wanted } from "./receivers.ts"
import { openAssistants } from "./support.ts"

async function start(url: string, environment: object): Promise<ChildProcess> {
  const child = fork(new URL("./notifying-process.ts", import.meta.url), [url, JSON.stringify(environment)])
  assert.deepEqual((await once(child, "message"))[0], "ready")
  return child
}

forEachEngine((engine) => {
  it("sends nothing twice that nobody could tell from a repetition, where the process is killed during the sends", async () => {
    await using bot = await startReceiver(botAnswers)
    await using hook = await startReceiver(wanted)
    await using mail = await startMailServer()
    const environment = {
      TELEGRAM_API_ROOT: bot.url,
      TELEGRAM_BOT_TOKEN_ASSISTANTS: `123456:${"a".repeat(35)}`,
      SMTP_URL: mail.url,
      SMTP_FROM: "rootstock@example.com",
      ALLOW_PRIVATE_WEBHOOKS: "true",
    }
    await using place = await openAssistants(engine, { cachePlace: "off", environment })
    const admin = await makeOrganization(place)
    const [byTelegram, byMail, byHook] = [
      await makePerson(place, admin),
      await makePerson(place, admin),
      await makePerson(place, admin),
    ] as [Person, Person, Person]
    const verified = { isVerified: true, priority: 1 }
    await tenant.run(admin.orgId, async () => {
      const { channels } = place.stores
      const config = { chat_id: "77" }
      await channels.create({ userId: byTelegram.id, channelType: "telegram", config, ...verified })
      await channels.create({
        userId: byMail.id,
        channelType: "email",
        config: { email: byMail.email },
        ...verified,
      })
    })
    const as = { as: byHook.token }
    const address = { config: { url: `${hook.url}/hook`, secret: "a secret of the webhook" } }
    await expectAnswer(place, 200, "PUT", "/notification-channels/webhook", address, as)
    await expectAnswer(place, 200, "POST", "/notification-channels/webhook/verify", undefined, as)

    // All three get what they are sent, and the sender never hears of it.
    let texts = 0
    mail.onText = () => {
      texts++
    }
    bot.answer(staysSilent)
    hook.answer(staysSilent)
    hook.received.length = 0
    const first = await start(place.url, environment)
    for (const { id: userId } of [byTelegram, byMail, byHook]) {
      const notice = { userId, dedupeKey: "once", type: "system", title: "Once", content: null } as const
      await place.services.notifier.notify(notice)
    }
    while (bot.received.length === 0 || hook.received.length === 0 || texts === 0) await pause(20)
    const killed = once(first, "exit")
    first.kill("SIGKILL")
    await killed

    mail.onText = undefined
    bot.answer(botAnswers)
    hook.answer(wanted)
    const second = await start(place.url, environment)
    const left = () => place.jobs.store.jobs.exists({ queue: ["notify", "telegram"] })
    try {
      while (await left()) {
        // What waits for its next attempt need not wait here.
        await place.database.execute`UPDATE job SET run_at = created_at WHERE state = 'wait' AND queue = 'notify'`
        await pause(50)
      }
    } finally {
      const ended = once(second, "exit")
      second.disconnect()
      await ended
    }
    assert.deepEqual([bot.received.length, texts, mail.mails.length], [1, 1, 0])
    assert.deepEqual(
      hook.received.map(({ headers }) => headers["idempotency-key"]),
      ["once", "once"],
    )
    const interrupted = "Interrupted: it is not known whether it was delivered."
    const logged = ({ id: userId }: Person) =>
      tenant.run(admin.orgId, async () => {
        const rows = await place.stores.notificationLog.list({ where: { userId }, orderBy: { createdAt: "asc" } })
        return rows.map(({ channelType, status, attempts, errorMessage }) => [
          channelType,
          status,
          attempts,
          errorMessage,
        ])
      })
    const instead = ["in_app", "sent", 1, null]
    assert.deepEqual(await logged(byTelegram), [["telegram", "failed", 1, interrupted], instead])
    assert.deepEqual(await logged(byMail), [["email", "failed", 1, interrupted], instead])
    assert.deepEqual(await logged(byHook), [["webhook", "sent", 2, interrupted]])
  })
})
