import assert from "node:assert/strict"
import { fork } from "node:child_process"
import { once } from "node:events"
import { after, before, describe, it } from "node:test"
import { setImmediate as turn } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import fc from "fast-check"
import { transaction } from "rootstock"
import { type Actor, actAs } from "rootstock/shared"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import type { Provider } from "../ai/provider.ts"
import type { LiveEvent } from "../live/events.ts"
import type { Streamed } from "../live/stream.ts"
import { tenant } from "../tenancy.ts"
import {
  expectAnswer,
  expectProblem,
  makeOrganization,
  makePerson,
  makeRole,
  type Person,
  password,
  signIn,
} from "./fixtures.ts"
import { planOf } from "./plans.ts"
import { type Received, StreamReader } from "./stream-reader.ts"
import { openAssistants, type TestAssistants } from "./support.ts"

/** A model that says what the test says, when the test says it. */
function puppet() {
  const waiting: ((next: string | undefined) => void)[] = []
  const given: (string | undefined)[] = []
  const next = () =>
    new Promise<string | undefined>((resolve) => {
      if (given.length > 0) resolve(given.shift())
      else waiting.push(resolve)
    })
  const provider: Provider = {
    name: "puppet",
    async answer({ onText }) {
      let content = ""
      for (let piece = await next(); piece !== undefined; piece = await next()) {
        content += piece
        onText?.(piece)
      }
      return { content, toolRequests: [], finishReason: "stop", promptTokens: 1, completionTokens: 1 }
    },
  }
  const say = (piece: string | undefined) => {
    const tell = waiting.shift()
    if (tell === undefined) given.push(piece)
    else tell(piece)
  }
  return { provider, say }
}

const idsOf = (received: readonly Received[]) => received.flatMap(({ id }) => id ?? [])
const textsOf = (received: readonly Received[]) => received.map(({ data }) => data.content)

forEachEngine((engine) => {
  const model = puppet()
  let assistants: TestAssistants
  /** Another server of the same database; on SQLite, another connection to its file. */
  let other: TestAssistants
  let address: string
  let otherAddress: string
  let admin: Person
  let anna: Person
  let boris: Person
  before(async () => {
    const { provider } = model
    assistants = await openAssistants(engine, { cachePlace: "off", provider })
    other = await openAssistants(engine, { cachePlace: "off", provider, url: assistants.url })
    address = await assistants.server.start({ host: "127.0.0.1", port: 0 })
    otherAddress = await other.server.start({ host: "127.0.0.1", port: 0 })
    admin = await makeOrganization(assistants)
    anna = await makePerson(assistants, admin)
    boris = await makePerson(assistants, admin)
  })
  after(async () => {
    await other[Symbol.asyncDispose]()
    await assistants[Symbol.asyncDispose]()
  })

  const ask = (
    status: number,
    as: Person,
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    body?: object,
    through = assistants,
  ) => expectAnswer(through, status, method, path, body, { as: as.token })
  const makeGroup = async (as: Person, ...others: Person[]): Promise<string> =>
    (await ask(201, as, "POST", "/chats/group", { name: "Team", participants: others.map(({ id }) => id) })).id
  const post = async (as: Person, chatId: string, content: string, through = assistants, reply_to_id?: string) =>
    (await ask(201, as, "POST", `/chats/${chatId}/messages`, { content, reply_to_id }, through)).message
  const watch = (chatId: string, person: Person, lastEventId?: string | number, at = address) =>
    new StreamReader(chatId, person, lastEventId).connect(at)
  /** Writes many messages at once. */
  const fill = (chatId: string, contents: readonly string[]) =>
    tenant.run(anna.orgId, () =>
      transaction(async () => {
        for (const content of contents)
          await assistants.services.posting.append({ chatId, senderType: "user", senderId: anna.id, content })
      }),
    )
  /** Watches a chat without a connection: each event is taken when the test says. */
  const asReader = async (
    { id, orgId }: Person,
    chatId: string,
    after: number,
    work: (events: AsyncIterator<Streamed>) => Promise<void>,
  ) => {
    const leave = new AbortController()
    const options = { lastEventId: String(after), signal: leave.signal }
    await tenant.run(orgId, () =>
      actAs({ kind: "user", id, orgId } as Actor, async () => {
        const events = (await assistants.services.streams.watch(chatId, options))[Symbol.asyncIterator]()
        try {
          await work(events)
        } finally {
          leave.abort()
          assert.equal((await events.next()).done, true)
        }
      }),
    )
  }
  const statementsOf = async (work: () => Promise<unknown>): Promise<string[]> => {
    const statements: string[] = []
    const stop = assistants.database.on("query", ({ sql }) => statements.push(sql))
    await work()
    stop()
    return statements
  }

  describe("the stream of a chat", () => {
    it("tells of what happens, with numbers, and of nothing before", async () => {
      const chatId = await makeGroup(anna, boris)
      await post(anna, chatId, "before")
      await using reader = await watch(chatId, boris)
      await reader.untilId(1)
      assert.equal(reader.received.length, 0)
      const { id } = await post(anna, chatId, "one")
      await reader.untilId(2)
      await ask(200, anna, "PATCH", `/chats/${chatId}/messages/${id}`, { content: "two" })
      await reader.untilId(3)
      await ask(204, anna, "DELETE", `/chats/${chatId}/messages/${id}`)
      await reader.untilId(4)
      assert.deepEqual(
        reader.received.map(({ event, id: seq, data }) => [event, seq, data.id, data.content]),
        [
          ["message", "2", id, "one"],
          ["edited", "3", id, "two"],
          ["deleted", "4", id, null],
        ],
      )
      const data = reader.received[0]?.data
      assert.deepEqual([data.chat_id, data.sender_id, data.is_deleted], [chatId, anna.id, false])
    })

    it("goes on behind the last event, and shows messages as they are by then", async () => {
      const chatId = await makeGroup(anna, boris)
      const first = await post(anna, chatId, "secret")
      await post(anna, chatId, "said")
      const edited = await post(anna, chatId, "wrong")
      await ask(204, anna, "DELETE", `/chats/${chatId}/messages/${first.id}`)
      await ask(200, anna, "PATCH", `/chats/${chatId}/messages/${edited.id}`, { content: "right" })
      const expected = [null, "said", "right", null, "right"]
      for (const [after, at] of [
        [0, address],
        [2, otherAddress],
        [4, address],
        [5, address],
      ] as const) {
        await using reader = await watch(chatId, boris, after, at)
        await post(anna, chatId, "last")
        expected.push("last")
        await reader.untilId(expected.length)
        assert.deepEqual(idsOf(reader.received), expected.map((_, index) => String(index + 1)).slice(after))
        assert.deepEqual(textsOf(reader.received), expected.slice(after))
      }
    })

    it("shows what is held for somebody as it is when it is taken", async () => {
      const chatId = await makeGroup(anna, boris)
      await using quick = await watch(chatId, boris)
      const first = await post(anna, chatId, "first")
      await asReader(anna, chatId, 0, async (events) => {
        await events.next()
        const secret = await post(anna, chatId, "secret")
        await post(anna, chatId, "reply", assistants, secret.id)
        await quick.untilId(3)
        await ask(200, anna, "PATCH", `/chats/${chatId}/messages/${first.id}`, { content: "edited" })
        await ask(204, anna, "DELETE", `/chats/${chatId}/messages/${secret.id}`)
        await quick.untilId(5)
        const taken = []
        for (let count = 0; count < 4; count++) taken.push((await events.next()).value as LiveEvent)
        assert.deepEqual(
          taken.map(({ seq, message: { content, replyTo } }) => [seq, content, replyTo?.content]),
          [
            [2, null, undefined],
            [3, "reply", null],
            [4, "edited", undefined],
            [5, null, undefined],
          ],
        )
      })
    })

    it("finds within seconds what no signal told of", async () => {
      const chatId = await makeGroup(anna, boris)
      await using reader = await watch(chatId, boris)
      await reader.untilId(0)
      await tenant.run(anna.orgId, () =>
        transaction(async () => {
          const { chats, messages, chatEvents } = assistants.stores
          const advanced = await chats.advance(chatId, { message: true })
          const { id: messageId } = await messages.create({ chatId, senderId: anna.id, content: "unheard" })
          await chatEvents.create({ chatId, seq: advanced?.seq as number, kind: "created", messageId })
        }),
      )
      await reader.untilId(1)
    })

    it("hears of what other processes write by their signals, not by looking every two seconds", async () => {
      const chatId = await makeGroup(anna, boris)
      await using reader = await watch(chatId, boris, undefined, otherAddress)
      await reader.untilId(0)
      const begin = performance.now()
      for (let seq = 1; seq <= 6; seq++) {
        await post(anna, chatId, "x")
        await reader.untilId(seq)
      }
      assert.ok(performance.now() - begin < 8_000)
    })

    it("says when what is missing is not kept, or there is no such number", async () => {
      const chatId = await makeGroup(anna, boris)
      for (const content of ["a", "b", "c"]) await post(anna, chatId, content)
      await tenant.unbounded(() => assistants.stores.chatEvents.deleteWhere({ chatId, seq: { lte: 2 } }))
      for (const after of [0, 1, 99]) {
        await using reader = await watch(chatId, boris, after)
        await reader.untilId(3)
        assert.deepEqual(reader.received, [{ event: "reset", id: "3", data: { last_event_id: 3 } }])
      }
      await tenant.unbounded(() => assistants.stores.chatEvents.deleteWhere({ chatId }))
      await using old = await watch(chatId, boris, 2)
      await using recent = await watch(chatId, boris, 3)
      await post(anna, chatId, "d")
      await Promise.all([old.untilId(4), recent.untilId(4)])
      assert.deepEqual(
        old.received.map(({ event }) => event),
        ["reset", "message"],
      )
      assert.deepEqual(
        recent.received.map(({ event }) => event),
        ["message"],
      )
    })

    it("is for those who may read the chat", async () => {
      const chatId = await makeGroup(anna)
      const stranger = await makeOrganization(assistants)
      const path = `/chats/${chatId}/stream`
      await expectProblem(assistants, 404, "NOT_FOUND", "GET", path, undefined, { as: stranger.token })
      await expectProblem(assistants, 403, "FORBIDDEN", "GET", path, undefined, { as: boris.token })
      await expectProblem(assistants, 401, "UNAUTHENTICATED", "GET", path)
      const headers = { "last-event-id": "x" }
      await expectProblem(assistants, 422, "VALIDATION_FAILED", "GET", path, undefined, { as: anna.token, headers })
      await using reader = await watch(chatId, admin, 0)
      await post(anna, chatId, "hello")
      await reader.untilId(1)
    })

    it("ends soon for those who may not read any more, and gives them nothing that comes then", async () => {
      const [removed, gone, renewed, demoted] = [
        await makePerson(assistants, admin),
        await makePerson(assistants, admin),
        await makePerson(assistants, admin),
        await makePerson(assistants, admin, { is_admin: true }),
      ]
      const closed = await makeOrganization(assistants)
      const chatId = await makeGroup(anna, removed, gone, renewed)
      const closedChatId = await makeGroup(closed)
      const readers = [
        await watch(chatId, removed),
        await watch(chatId, gone),
        await watch(chatId, renewed),
        await watch(chatId, demoted),
        await watch(closedChatId, closed),
      ]
      await using staying = await watch(chatId, anna)
      for (const reader of [...readers, staying]) await reader.untilId(0)
      await ask(200, anna, "DELETE", `/chats/${chatId}/participants/${removed.id}`)
      await post(anna, chatId, "not for the one who was removed")
      await staying.untilId(1)
      assert.equal(readers[0]?.received.length, 0)
      await ask(204, admin, "DELETE", `/users/${gone.id}`)
      await ask(200, renewed, "PATCH", `/users/${renewed.id}`, {
        password: "another horse",
        current_password: password,
      })
      await ask(200, admin, "PATCH", `/users/${demoted.id}`, { is_admin: false })
      await tenant.unbounded(() => assistants.stores.organizations.update(closed.orgId, { isActive: false }))
      await Promise.all(readers.map((reader) => reader.ended()))
      await post(anna, chatId, "still there")
      await staying.untilId(2)
    })

    it("ends as an access token does, after 15 minutes", async () => {
      const chatId = await makeGroup(anna)
      const late = await makePerson(assistants, admin)
      const lateChat = await makeGroup(late)
      await using reader = await watch(chatId, anna)
      assistants.clock.advance(15 * 60_000 - 1)
      await assistants.services.hub.check()
      const again = await watch(lateChat, await signIn(assistants, late.email))
      await post(await signIn(assistants, anna.email), chatId, "in time")
      await reader.untilId(1)
      assistants.clock.advance(1)
      await assistants.services.hub.check()
      await reader.ended()
      anna = await signIn(assistants, anna.email)
      await post(await signIn(assistants, late.email), lateChat, "there")
      await again.untilId(1)
      await again.disconnect()
      boris = await signIn(assistants, boris.email)
      admin = await signIn(assistants, admin.email)
      other.clock.set(assistants.clock.now())
    })
  })

  describe("what streams cost", () => {
    it("is one look at the chat for all who watch it", async () => {
      const chatId = await makeGroup(anna, boris)
      const readers = await Promise.all(Array.from({ length: 10 }, () => watch(chatId, boris)))
      await Promise.all(readers.map((reader) => reader.untilId(0)))
      const statements = await statementsOf(async () => {
        for (const seq of [1, 2, 3]) {
          await post(anna, chatId, "x")
          await Promise.all(readers.map((reader) => reader.untilId(seq)))
        }
      })
      assert.equal(statements.filter((sql) => /from "?chat_events/i.test(sql)).length, 3)
      await Promise.all(readers.map((reader) => reader.disconnect()))
    })

    it("is a few queries every two seconds for all of them while nothing happens, and none without them", async () => {
      const { hub } = assistants.services
      while (hub.held.chats > 0) await turn()
      const readers = await Promise.all(
        Array.from({ length: 10 }, async () => {
          const reader = await watch(await makeGroup(anna), anna)
          await reader.untilId(0)
          return reader
        }),
      )
      assert.deepEqual(hub.held, { chats: 10, readers: 10, events: 0 })
      const statements = await statementsOf(() => hub.check())
      // The timer's own check may come between.
      assert.ok(statements.length <= 8, statements.join("\n"))
      await Promise.all(readers.map((reader) => reader.disconnect()))
      while (hub.held.chats > 0) await turn()
      assert.deepEqual(await statementsOf(() => hub.check()), [])
    })

    it("is the same memory however far a slow reader is behind", async () => {
      const chatId = await makeGroup(anna, boris)
      const { hub } = assistants.services
      await using quick = await watch(chatId, boris)
      await quick.untilId(0)
      await post(anna, chatId, "1")
      await asReader(anna, chatId, 0, async (events) => {
        const numbers = [((await events.next()).value as LiveEvent).seq]
        for (let times = 1; times <= 5; times++) {
          await fill(chatId, Array(100).fill("x"))
          await quick.untilId(times * 100 + 1)
          assert.ok(hub.held.events <= 200, `${hub.held.events} events are held`)
        }
        while (numbers.length < 501) numbers.push(((await events.next()).value as LiveEvent).seq)
        assert.deepEqual(
          numbers,
          Array.from({ length: 501 }, (_, at) => at + 1),
        )
      })
      assert.deepEqual(
        idsOf(quick.received).map(Number),
        Array.from({ length: 501 }, (_, at) => at + 1),
      )
    })

    it("is a look-up by the key of the events", async () => {
      const chatId = await makeGroup(anna)
      await fill(chatId, Array(300).fill("x"))
      const work = () => assistants.stores.chatEvents.behind(chatId, 5)
      const plan = await tenant.run(anna.orgId, () =>
        planOf(assistants.database, work, [`'${chatId}'`, "5", `'${anna.orgId}'`, "100"]),
      )
      assert.match(plan, /chat_events.*(USING.*PRIMARY KEY|chat_id=\? AND seq>\?)|Index.*chat_events_pk/i)
      assert.doesNotMatch(plan, /SCAN chat_events|Seq Scan on chat_events|TEMP B-TREE|Sort/i)
    })
  })

  describe("an answer in the making", () => {
    it("is shown as it is said, in every process, and its message follows", async () => {
      const person = await makePerson(assistants, admin)
      const role = await makeRole(assistants, admin)
      await ask(200, admin, "PUT", `/users/${person.id}/role`, { role_id: role.id })
      const chatId = (await ask(200, person, "GET", "/chats/main")).id
      await using near = await watch(chatId, person)
      await using far = await watch(chatId, person, undefined, otherAddress)
      const { runs } = await ask(201, person, "POST", `/chats/${chatId}/messages`, { content: "Hello?" })
      const run_id = runs[0].id
      const working = assistants.work()
      const tokens = (reader: StreamReader) => reader.received.filter(({ event }) => event === "token")
      const heard = (reader: StreamReader) =>
        tokens(reader).reduce((text, { data }) => text.slice(0, data.from) + data.text, "")
      model.say("Hi ")
      await near.until(() => heard(near) === "Hi ")
      await far.until(() => heard(far) === "Hi ")
      model.say("there")
      await near.until(() => heard(near) === "Hi there")
      await far.until(() => heard(far) === "Hi there")
      assert.deepEqual(tokens(near), [
        { event: "token", id: undefined, data: { run_id, from: 0, text: "Hi " } },
        { event: "token", id: undefined, data: { run_id, from: 3, text: "there" } },
      ])
      await using late = await watch(chatId, person, 1)
      await late.until(() => heard(late) === "Hi there")
      model.say(undefined)
      await working
      for (const reader of [near, far, late]) {
        await reader.untilId(2)
        const { event, data } = reader.received.at(-1) as Received
        assert.deepEqual([event, data.run_id, data.content], ["message", run_id, "Hi there"])
      }
    })
  })

  it("shows an answer that is made anew from its beginning, and nothing of one that has ended", async () => {
    const chatId = await makeGroup(anna)
    const { hub } = assistants.services
    await using reader = await watch(chatId, anna)
    await using far = await watch(chatId, anna, undefined, otherAddress)
    await Promise.all([reader.untilId(0), far.untilId(0)])
    // A process that is killed ends nothing.
    other.services.hub.speak(chatId, "run").say("cut")
    await far.until(({ length }) => length === 1)
    await reader.until(({ length }) => length === 1)
    reader.received.pop()
    const first = hub.speak(chatId, "run")
    first.say("one")
    await reader.until(({ length }) => length === 1)
    await first.end()
    first.say("late")
    const second = hub.speak(chatId, "run")
    second.say("two")
    await reader.until(({ length }) => length === 2)
    await second.end()
    await post(anna, chatId, "x")
    await reader.untilId(1)
    assert.deepEqual(
      reader.received.slice(0, 2).map(({ data }) => data),
      [
        { run_id: "run", from: 0, text: "one" },
        { run_id: "run", from: 0, text: "two" },
      ],
    )
    await using late = await watch(chatId, anna, 0)
    await late.untilId(1)
    await post(anna, chatId, "y")
    await late.untilId(2)
    assert.deepEqual(textsOf(late.received), ["x", "y"])
  })

  describe("numbers", () => {
    it("are drawn behind the lock of the chat, so that nobody skips the one that commits late", async () => {
      const chatId = await makeGroup(anna, boris)
      await using near = await watch(chatId, boris)
      await using far = await watch(chatId, boris, undefined, otherAddress)
      const { posting } = assistants.services
      const row = { chatId, senderType: "user", senderId: anna.id } as const
      const appended = Promise.withResolvers<void>()
      const release = Promise.withResolvers<void>()
      const late = tenant.run(anna.orgId, () =>
        transaction(async () => {
          await posting.append({ ...row, content: "first" })
          appended.resolve()
          await release.promise
        }),
      )
      await appended.promise
      const soon = tenant.run(anna.orgId, () => transaction(() => posting.append({ ...row, content: "second" })))
      await assistants.services.hub.check()
      assert.equal(near.received.length, 0)
      release.resolve()
      await Promise.all([late, soon])
      for (const reader of [near, far]) {
        await reader.untilId(2)
        assert.deepEqual(textsOf(reader.received), ["first", "second"])
      }
    })
  })

  describe("whoever connects anew", () => {
    type Act = { kind: "post" | "edit" | "delete"; far: boolean }
    const act = fc.record<Act>({ kind: fc.constantFrom("post", "post", "edit", "delete"), far: fc.boolean() })
    /** How many events a reader takes from a connection before it is lost. */
    const connections = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 5 })

    it("gets every event once and in order, through any server, while four people write (A11)", async () => {
      const script = fc.record({
        writers: fc.array(fc.array(act, { maxLength: 5 }), { minLength: 4, maxLength: 4 }),
        readers: fc.array(connections, { minLength: 1, maxLength: 4 }),
      })
      await fc.assert(
        fc.asyncProperty(script, async ({ writers, readers }) => {
          const chatId = await makeGroup(anna, boris)
          const written = Promise.withResolvers<number>()
          const write = async (acts: readonly Act[]) => {
            const own: string[] = []
            for (const { kind, far } of acts) {
              const through = far ? other : assistants
              const last = own.at(-1)
              if (kind === "post" || last === undefined) own.push((await post(anna, chatId, "x", through)).id)
              else if (kind === "edit") {
                const content = `edited ${far}`
                await ask(200, anna, "PATCH", `/chats/${chatId}/messages/${last}`, { content }, through)
              } else {
                own.pop()
                await ask(204, anna, "DELETE", `/chats/${chatId}/messages/${last}`, undefined, through)
              }
            }
          }
          const read = async (lengths: readonly number[], at: number) => {
            const reader = new StreamReader(chatId, at % 2 === 0 ? anna : boris, 0)
            for (const [turn, length] of lengths.entries()) {
              const before = reader.received.length
              await reader.connect((at + turn) % 2 === 0 ? address : otherAddress)
              const enough = reader.until((received) => received.length >= before + length)
              await Promise.race([enough, written.promise])
              await reader.disconnect()
            }
            const last = await written.promise
            await reader.connect(at % 2 === 0 ? otherAddress : address)
            await reader.untilId(last)
            await reader.disconnect()
            return reader.received
          }
          const reading = readers.map(read)
          await Promise.all(writers.map(write))
          const events = await tenant.run(anna.orgId, () => assistants.stores.chatEvents.behind(chatId, 0))
          written.resolve(events.length)
          const expected = events.map(({ seq, kind, messageId }) => [
            String(seq),
            kind === "created" ? "message" : kind,
            messageId,
          ])
          for (const received of await Promise.all(reading)) {
            assert.deepEqual(
              received.map(({ id, event, data }) => [id, event, data.id]),
              expected,
            )
          }
        }),
        { numRuns: 8 },
      )
    })

    it("misses nothing where the server was killed", async () => {
      const chatId = await makeGroup(anna, boris)
      const path = fileURLToPath(new URL("live-server.ts", import.meta.url))
      const child = fork(path, [engine.name, assistants.url], { stdio: ["ignore", "inherit", "inherit", "ipc"] })
      const exited = once(child, "exit")
      try {
        const [{ address: childAddress }] = await once(child, "message")
        await using reader = await watch(chatId, boris, 0, childAddress)
        await using here = await watch(chatId, boris, 0)
        await post(anna, chatId, "from here")
        await reader.untilId(1)
        const response = await fetch(new URL(`/chats/${chatId}/messages`, childAddress), {
          method: "POST",
          headers: { authorization: `Bearer ${anna.token}`, "content-type": "application/json" },
          body: JSON.stringify({ content: "from there" }),
        })
        assert.equal(response.status, 201)
        await Promise.all([reader.untilId(2), here.untilId(2)])
        child.kill("SIGKILL")
        await exited
        await reader.ended()
        await post(anna, chatId, "meanwhile")
        await reader.connect(address)
        await post(anna, chatId, "at last")
        await Promise.all([reader.untilId(4), here.untilId(4)])
        for (const { received } of [reader, here]) {
          assert.deepEqual(textsOf(received), ["from here", "from there", "meanwhile", "at last"])
        }
      } finally {
        child.kill("SIGKILL")
        await exited
      }
    })
  })
})
