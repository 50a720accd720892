import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import type { Update } from "grammy/types"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { tenant } from "../tenancy.ts"
import { texts } from "../texts.ts"
import { type BotApi, startBotApi } from "./bot-api.ts"
import { expectAnswer, makeOrganization, makePerson, makeRole, type Person, signIn } from "./fixtures.ts"
import { openAssistants, type TestAssistants } from "./support.ts"

const botToken = "123456789:AAexample-of-a-token-of-35-characters"
const { bot: says } = texts
let updateId = 0
let account = 1_000

/** A Telegram account, whose private chat has the same id. */
const makeAccount = () => ++account

const message = (from: number, text: string): Update => ({
  update_id: ++updateId,
  message: {
    message_id: updateId,
    date: 0,
    chat: { id: from, type: "private", first_name: "P" },
    from: { id: from, is_bot: false, first_name: "P" },
    text,
  },
})

const press = (from: number, data: string, under = 50): Update => ({
  update_id: ++updateId,
  callback_query: {
    id: `query-${updateId}`,
    chat_instance: "1",
    data,
    from: { id: from, is_bot: false, first_name: "P" },
    message: { message_id: under, date: 0, chat: { id: from, type: "private", first_name: "P" }, text: "screen" },
  },
})

describe("the bot", () => {
  forEachEngine((engine) => {
    let api: BotApi
    let app: TestAssistants
    let admin: Person
    const environment = () => ({ TELEGRAM_BOT_TOKEN_ASSISTANTS: botToken, TELEGRAM_API_ROOT: api.url })
    before(async () => {
      api = await startBotApi(botToken)
      app = await openAssistants(engine, { environment: environment() })
      admin = await makeOrganization(app)
    })
    after(async () => {
      await app?.[Symbol.asyncDispose]()
      await api[Symbol.asyncDispose]()
    })

    /** What the bot did on an update. */
    const on = async (update: Update, assistants = app) => {
      const before = api.calls.length
      await assistants.services.bot.handle(update)
      return api.calls.slice(before)
    }
    const buttonsOf = (body: any): string[] =>
      body.reply_markup.inline_keyboard.flat().map((button: { callback_data: string }) => button.callback_data)

    const linkOf = async (person: Person): Promise<string> => {
      const as = { as: person.token }
      const { url } = await expectAnswer(app, 200, "POST", "/notification-channels/telegram/link", undefined, as)
      return new URL(url).searchParams.get("start") as string
    }

    /** A person with a role and a linked Telegram account. */
    const makeLinked = async () => {
      const role = await makeRole(app, admin)
      const person = await makePerson(app, admin, { role_id: role.id })
      const from = makeAccount()
      const [shown] = await on(message(from, `/start ${await linkOf(person)}`))
      assert.ok(shown?.body.text.startsWith(says.linked), JSON.stringify(shown))
      return { person, from, role }
    }

    /** Has the role of a linked person answer, and gives the card that came. */
    const askFor = async (from: number, text: string) => {
      await on(message(from, text))
      const before = api.calls.length
      app.clock.advance(2_000)
      await app.work()
      const cards = api.calls.slice(before).filter(({ body }) => body.chat_id === String(from))
      assert.equal(cards.length, 1)
      const [card] = cards
      const id = buttonsOf(card!.body)[0]!.split(":")[1] as string
      return { card: card!.body, id }
    }
    const reviewOf = async (id: string) => tenant.unbounded(async () => (await app.stores.messages.get(id))?.aiReview)

    it("links an account by a token that is good once, and no account to two people", async () => {
      const { person, from } = await makeLinked()
      const { items } = await expectAnswer(app, 200, "GET", "/notification-channels", undefined, { as: person.token })
      const telegram = items.find(({ channel_type }: { channel_type: string }) => channel_type === "telegram")
      assert.deepEqual([telegram.is_verified, telegram.config.chat_id], [true, String(from)])
      const other = await makePerson(app, admin)
      const token = await linkOf(other)
      const [refused] = await on(message(from, `/start ${token}`))
      assert.equal(refused?.body.text, says.taken)
      const [again] = await on(message(makeAccount(), `/start ${token}`))
      assert.equal(again?.body.text, says.badLink)
      await app.work()
      const notices = await expectAnswer(app, 200, "GET", "/notifications/log", undefined, { as: person.token })
      assert.ok(notices.items.some(({ content }: { content: string }) => content.includes(says.wantedElsewhere)))
      const [stranger] = await on(message(makeAccount(), `/start ${person.id}`))
      assert.equal(stranger?.body.text, says.badLink)
      const [nobody] = await on(message(makeAccount(), "hello"))
      assert.equal(nobody?.body.text, says.unknown)
    })

    it("brings messages into the main chat and answers back as cards, escaped", async () => {
      const { person, from } = await makeLinked()
      const { card, id } = await askFor(from, "Is 1 < 2 & <b>bold</b>?")
      assert.equal(card.parse_mode, "HTML")
      assert.match(card.text, /1 &lt; 2 &amp; &lt;b&gt;bold&lt;\/b&gt;/)
      assert.deepEqual(buttonsOf(card), [`ok:${id}`, `edit:${id}`, `no:${id}`])
      for (const code of buttonsOf(card)) assert.ok(Buffer.byteLength(code) <= 64)
      const main = await expectAnswer(app, 200, "GET", "/chats/main", undefined, { as: person.token })
      const messages = await expectAnswer(app, 200, "GET", `/chats/${main.id}/messages`, undefined, {
        as: person.token,
      })
      assert.deepEqual(
        messages.map(({ sender_type }: { sender_type: string }) => sender_type),
        ["ai_role", "user"],
      )
    })

    it("does nothing at an update that comes again, but answers its button", async () => {
      const { person, from } = await makeLinked()
      const update = message(from, "once")
      await on(update)
      assert.deepEqual(await on(update), [])
      const main = await expectAnswer(app, 200, "GET", "/chats/main", undefined, { as: person.token })
      const path = `/chats/${main.id}/messages`
      assert.equal((await expectAnswer(app, 200, "GET", path, undefined, { as: person.token })).length, 1)
      const pressed = press(from, "home")
      assert.equal((await on(pressed)).length, 2)
      assert.deepEqual(
        (await on(pressed)).map(({ method }) => method),
        ["answerCallbackQuery"],
      )
      app.clock.advance(2_000)
      await app.work()
    })

    it("approves, approves with another text, and rejects with a correction, on one screen", async () => {
      const { person, from, role } = await makeLinked()
      const approved = await askFor(from, "one")
      const [answered, edited] = await on(press(from, `ok:${approved.id}`, 7))
      assert.deepEqual([answered?.method, edited?.method], ["answerCallbackQuery", "editMessageText"])
      assert.deepEqual([edited?.body.message_id, edited?.body.text], [7, says.approved])
      assert.equal(await reviewOf(approved.id), "approved")
      const [, twice] = await on(press(from, `ok:${approved.id}`, 7))
      assert.equal(twice?.body.text, says.refused("ILLEGAL_TRANSITION"))

      const other = await askFor(from, "two")
      const [, asked] = await on(press(from, `edit:${other.id}`, 8))
      assert.ok(asked?.body.text.startsWith(says.askEdit))
      const [done] = await on(message(from, "Better."))
      assert.deepEqual([done?.method, done?.body.message_id, done?.body.text], ["editMessageText", 8, says.edited])
      const stored = await tenant.unbounded(() => app.stores.messages.get(other.id))
      assert.deepEqual([stored?.content, stored?.aiReview, stored?.aiEdited], ["Better.", "approved", true])

      const wrong = await askFor(from, "three")
      await on(press(from, `no:${wrong.id}`, 9))
      // Another process goes on with the conversation.
      await using second = await openAssistants(engine, { url: app.url, environment: environment() })
      api.refuse("editMessageText", 400, "Bad Request: message can't be edited")
      const told = await on(message(from, "Say four."), second)
      assert.deepEqual(
        told.map(({ method, body }) => [method, body.text]),
        [
          ["editMessageText", says.rejected],
          ["sendMessage", says.rejected],
        ],
      )
      assert.equal(await reviewOf(wrong.id), "rejected")
      const as = { as: admin.token }
      const found = await expectAnswer(app, 200, "GET", `/roles/${role.id}/correction-rules`, undefined, as)
      assert.equal(found.items[0].correction_text, "Say four.")
      assert.equal(found.items[0].created_by_user_id, person.id)
    })

    it("goes through what waits, back, home, and out by /cancel", async () => {
      const { from } = await makeLinked()
      const [empty] = await on(message(from, "/review"))
      assert.equal(empty?.body.text, says.nothingWaits)
      const first = await askFor(from, "first")
      const second = await askFor(from, "second")
      const [newest] = await on(message(from, "/review"))
      assert.deepEqual(buttonsOf(newest?.body).slice(-2), [`next:${second.id}`, "home"])
      const [, next] = await on(press(from, `next:${second.id}`))
      assert.equal(buttonsOf(next?.body)[0], `ok:${first.id}`)
      const [, asked] = await on(press(from, `no:${first.id}`))
      assert.deepEqual(buttonsOf(asked?.body), [`review:${first.id}`, "home"])
      const [, back] = await on(press(from, `review:${first.id}`))
      assert.equal(buttonsOf(back?.body)[0], `ok:${first.id}`)
      await on(press(from, `no:${first.id}`))
      const [home] = await on(message(from, "/cancel"))
      assert.deepEqual(buttonsOf(home?.body), ["review"])
      await on(press(from, `no:${first.id}`))
      app.clock.advance(25 * 3_600_000)
      admin = await signIn(app, admin.email)
      const [expired] = await on(message(from, "too late"))
      assert.ok(expired?.body.text.startsWith(says.expired))
      assert.equal(await reviewOf(first.id), "pending")
    })

    it("brings a card to the reviewer of an answer that came into another's chat, once, and decides there", async () => {
      const { person, from } = await makeLinked()
      const asker = await makePerson(app, admin)
      const main = await expectAnswer(app, 200, "GET", "/chats/main", undefined, { as: asker.token })
      const content = `What do you say, @@${person.username}?`
      await expectAnswer(app, 201, "POST", `/chats/${main.id}/messages`, { content }, { as: asker.token })
      const before = api.calls.length
      app.clock.advance(2_000)
      await app.work()
      const cards = api.calls.slice(before)
      assert.deepEqual(
        cards.map(({ method, body }) => [method, body.chat_id]),
        [["sendMessage", String(from)]],
      )
      const [approve = ""] = buttonsOf(cards[0]!.body)
      const [, approved] = await on(press(from, approve))
      assert.equal(approved?.body.text, says.approved)
      assert.equal(await reviewOf(approve.split(":")[1] as string), "approved")
    })

    it("lets nobody review the answers of others, nor who is not active do anything", async () => {
      const { from, person } = await makeLinked()
      const stranger = await makeLinked()
      const { id } = await askFor(from, "mine")
      const [, refused] = await on(press(stranger.from, `ok:${id}`))
      assert.equal(refused?.body.text, says.refused("FORBIDDEN"))
      assert.equal(await reviewOf(id), "pending")
      await expectAnswer(app, 204, "DELETE", `/users/${person.id}`, undefined, { as: admin.token })
      const [, unknown] = await on(press(from, `ok:${id}`))
      assert.equal(unknown?.body.text, says.unknown)
      assert.equal(await reviewOf(id), "pending")
    })

    it("sends nothing more after /stop, nor to who blocked it", async () => {
      const { person, from } = await makeLinked()
      const [stopped] = await on(message(from, "/stop"))
      assert.equal(stopped?.body.text, says.stopped)
      const before = api.calls.length
      await on(message(from, "still here"))
      app.clock.advance(2_000)
      await app.work()
      assert.deepEqual(
        api.calls.slice(before).map(({ body }) => body.text),
        [says.asked],
      )
      const blocked = await makeLinked()
      await on(message(blocked.from, "hello"))
      api.refuse("sendMessage", 403, "Forbidden: bot was blocked by the user")
      app.clock.advance(2_000)
      await app.work()
      const ofBoth = await tenant.unbounded(() =>
        app.stores.channels.list({ where: { userId: [person.id, blocked.person.id], channelType: "telegram" } }),
      )
      assert.deepEqual(
        ofBoth.map(({ userId, isEnabled, isVerified }) => [userId === person.id, isEnabled, isVerified]).sort(),
        [
          [false, true, false],
          [true, false, true],
        ],
      )
    })

    it("asks for updates while it runs, and stops", async () => {
      const { from } = await makeLinked()
      await app.services.bot.start()
      api.give(message(from, "/review"), message(from, "/cancel"))
      await api.until(({ body }) => body.chat_id === from && body.text === says.nothingWaits)
      await api.until(({ body }) => body.chat_id === from && body.text.includes("/review"))
      await app.services.bot.stop()
      await app.services.bot.stop()
      assert.ok(app.logged.every((line) => !JSON.stringify(line).includes(botToken)))
    })

    it("takes updates from Telegram alone where they come by the webhook", async () => {
      const { from } = await makeLinked()
      const secret = "a-secret-of-the-webhook"
      await using hooked = await openAssistants(engine, {
        url: app.url,
        environment: { ...environment(), TELEGRAM_WEBHOOK_SECRET: secret },
      })
      const update = message(from, "/review")
      const post = (headers: Record<string, string>) => hooked.send("POST", "/telegram/webhook", update, { headers })
      assert.equal((await post({})).status, 403)
      assert.equal((await post({ "x-telegram-bot-api-secret-token": `${secret}x` })).status, 403)
      const before = api.calls.length
      assert.equal((await post({ "x-telegram-bot-api-secret-token": secret })).status, 204)
      assert.equal(api.calls[before]?.body.text, says.nothingWaits)
      assert.equal((await app.send("POST", "/telegram/webhook", update)).status, 404)
    })
  })
})
