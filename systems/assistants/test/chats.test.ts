import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { directKeyOf } from "../storages/index.ts"
import { tenant } from "../tenancy.ts"
import { expectAnswer, expectProblem, makeOrganization, makePerson, makeRole, type Person } from "./fixtures.ts"
import { openAssistants, type TestAssistants } from "./support.ts"

forEachEngine((engine) => {
  let assistants: TestAssistants
  let admin: Person
  let anna: Person
  let boris: Person
  let clara: Person
  let foreign: Person
  let system: Person
  before(async () => {
    assistants = await openAssistants(engine)
    admin = await makeOrganization(assistants)
    anna = await makePerson(assistants, admin)
    boris = await makePerson(assistants, admin)
    clara = await makePerson(assistants, admin)
    foreign = await makeOrganization(assistants)
    system = await makeOrganization(assistants, { is_system: true })
  })
  after(() => assistants[Symbol.asyncDispose]())

  const ask = (
    status: number,
    as: Person,
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    body?: object,
  ) => expectAnswer(assistants, status, method, path, body, { as: as.token })
  const refuse = (
    status: number,
    code: string,
    as: Person,
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    body?: object,
  ) => expectProblem(assistants, status, code, method, path, body, { as: as.token })
  const group = (as: Person, ...others: Person[]) =>
    ask(201, as, "POST", "/chats/group", { name: "Team", participants: others.map(({ id }) => id) })

  describe("the main chat", () => {
    it("is there from the start, one for each user", async () => {
      const chat = await ask(200, anna, "GET", "/chats/main")
      assert.equal(chat.type, "main")
      assert.deepEqual([chat.created_by, chat.participants], [anna.id, [anna.id]])
      await tenant.run(anna.orgId, () =>
        assert.rejects(assistants.stores.chats.create({ type: "main", createdBy: anna.id, participants: [anna.id] }), {
          code: "UNIQUE",
        }),
      )
    })
  })

  describe("a direct chat", () => {
    it("is made once, whoever asks", async () => {
      const chat = await ask(201, anna, "POST", "/chats/direct", { user_id: boris.id })
      assert.deepEqual([chat.type, chat.participants], ["direct", [anna.id, boris.id]])
      assert.deepEqual(await ask(200, anna, "POST", "/chats/direct", { user_id: boris.id }), chat)
      assert.deepEqual(await ask(200, boris, "POST", "/chats/direct", { user_id: anna.id }), chat)
      assert.equal("direct_key" in chat, false)
    })

    it("is made once by those who ask at the same moment, with a key or without", async () => {
      const [one, other] = [await makePerson(assistants, admin), await makePerson(assistants, admin)]
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, at) => {
          const [me, them] = at % 2 === 0 ? [one, other] : [other, one]
          const headers: Record<string, string> = at % 4 < 2 ? { "idempotency-key": `direct-${at}` } : {}
          return assistants.send("POST", "/chats/direct", { user_id: them.id }, { as: me.token, headers })
        }),
      )
      assert.deepEqual(new Set(answers.map(({ body }) => body.id)).size, 1, JSON.stringify(answers))
      assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 200, 200, 201])
      const rows = await tenant.run(one.orgId, () =>
        assistants.stores.chats.list({ where: { type: "direct", participants: { has: one.id } } }),
      )
      assert.equal(rows.length, 1)
    })

    it("has a key in which ids stand as the database sorts them", async () => {
      const sorted = await tenant.run(admin.orgId, () => assistants.stores.users.list({ orderBy: { id: "asc" } }))
      for (const [at, { id }] of sorted.entries()) {
        for (const later of sorted.slice(at + 1)) {
          assert.equal(directKeyOf(later.id, id), `${id}:${later.id}`)
          assert.equal(directKeyOf(id, later.id), `${id}:${later.id}`)
        }
      }
    })

    it("can be had with a system user, and not with oneself, nor with people of others", async () => {
      const chat = await ask(201, anna, "POST", "/chats/direct", { user_id: system.id })
      assert.equal(chat.org_id, anna.orgId)
      const problem = await refuse(422, "VALIDATION_FAILED", anna, "POST", "/chats/direct", { user_id: anna.id })
      assert.deepEqual(problem.errors, [{ path: "body/user_id", message: "must be another user" }])
      await refuse(404, "NOT_FOUND", anna, "POST", "/chats/direct", { user_id: foreign.id })
    })

    it("keeps its participants", async () => {
      const chat = await ask(201, anna, "POST", "/chats/direct", { user_id: clara.id })
      await refuse(409, "FIXED_PARTICIPANTS", anna, "PUT", `/chats/${chat.id}/participants/${boris.id}`)
      await refuse(409, "FIXED_PARTICIPANTS", clara, "DELETE", `/chats/${chat.id}/participants/${clara.id}`)
      const main = await ask(200, anna, "GET", "/chats/main")
      await refuse(409, "FIXED_PARTICIPANTS", admin, "PUT", `/chats/${main.id}/participants/${boris.id}`)
    })
  })

  describe("a group", () => {
    it("has who made it and those who were named, each once", async () => {
      const participants = [boris.id, anna.id, boris.id, system.id]
      const chat = await ask(201, anna, "POST", "/chats/group", { name: "Team", participants })
      assert.deepEqual(chat.participants, [anna.id, boris.id, system.id])
      assert.deepEqual(await ask(200, boris, "GET", `/chats/${chat.id}`), chat)
    })

    it("is of people of the organisation who are active", async () => {
      await refuse(404, "NOT_FOUND", anna, "POST", "/chats/group", { name: "Team", participants: [foreign.id] })
      const gone = await makePerson(assistants, admin)
      await ask(204, admin, "DELETE", `/users/${gone.id}`)
      await refuse(404, "NOT_FOUND", anna, "POST", "/chats/group", { name: "Team", participants: [gone.id] })
      const chat = await group(anna)
      await refuse(404, "NOT_FOUND", anna, "PUT", `/chats/${chat.id}/participants/${foreign.id}`)
      await refuse(404, "NOT_FOUND", anna, "PUT", `/chats/${chat.id}/participants/${gone.id}`)
      await refuse(404, "NOT_FOUND", anna, "DELETE", `/chats/${chat.id}/participants/${foreign.id}`)
    })

    it("is changed by its creator and administrators; others only leave", async () => {
      const chat = await group(anna, boris)
      const path = `/chats/${chat.id}/participants`
      await refuse(403, "FORBIDDEN", boris, "PUT", `${path}/${clara.id}`)
      await refuse(403, "FORBIDDEN", boris, "DELETE", `${path}/${anna.id}`)
      await refuse(403, "FORBIDDEN", clara, "PUT", `${path}/${clara.id}`)
      await refuse(403, "FORBIDDEN", clara, "DELETE", `${path}/${clara.id}`)
      assert.deepEqual(await ask(200, anna, "PUT", `${path}/${clara.id}`), { changed: true })
      assert.deepEqual(await ask(200, admin, "PUT", `${path}/${clara.id}`), { changed: false })
      assert.deepEqual(await ask(200, boris, "DELETE", `${path}/${boris.id}`), { changed: true })
      await refuse(403, "FORBIDDEN", boris, "GET", `/chats/${chat.id}`)
      assert.deepEqual(await ask(200, admin, "DELETE", `${path}/${boris.id}`), { changed: false })
      assert.deepEqual((await ask(200, anna, "GET", `/chats/${chat.id}`)).participants, [anna.id, clara.id])
    })

    it("loses no participant who comes in at the same moment as another", async () => {
      const chat = await group(anna)
      const people = [boris, clara, admin, system]
      const path = `/chats/${chat.id}/participants`
      const answers = await Promise.all(people.map(({ id }) => ask(200, anna, "PUT", `${path}/${id}`)))
      assert.ok(answers.every(({ changed }) => changed))
      const { participants } = await ask(200, anna, "GET", `/chats/${chat.id}`)
      assert.deepEqual(new Set(participants), new Set([anna, ...people].map(({ id }) => id)))
    })

    it("is renamed and deactivated by its creator and administrators, with a record of it", async () => {
      const chat = await group(anna, boris)
      await refuse(403, "FORBIDDEN", boris, "PATCH", `/chats/${chat.id}`, { name: "Mine" })
      await refuse(403, "FORBIDDEN", boris, "DELETE", `/chats/${chat.id}`)
      const renamed = await ask(200, anna, "PATCH", `/chats/${chat.id}`, { name: "Ours" })
      assert.deepEqual([renamed.name, renamed.is_active], ["Ours", true])
      await ask(204, admin, "DELETE", `/chats/${chat.id}`)
      await ask(204, anna, "DELETE", `/chats/${chat.id}`)
      await refuse(409, "CHAT_INACTIVE", anna, "POST", `/chats/${chat.id}/messages`, { content: "Hello" })
      assert.equal((await ask(200, anna, "PATCH", `/chats/${chat.id}`, { is_active: true })).is_active, true)
      await ask(201, anna, "POST", `/chats/${chat.id}/messages`, { content: "Hello" })
      const entries = await assistants.stores.audit.list({ where: { entity: "chats", entityId: chat.id } })
      assert.deepEqual(entries.map(({ action, actorId }) => [action, actorId]).sort(), [
        ["chats.delete", admin.id],
        ["chats.group", anna.id],
        ["chats.update", anna.id],
        ["chats.update", anna.id],
      ])
    })
  })

  it("is nothing to people of other organisations", async () => {
    const chat = await group(anna)
    for (const [method, path, body] of [
      ["GET", ""],
      ["PATCH", "", { name: "x" }],
      ["DELETE", ""],
      ["PUT", `/participants/${foreign.id}`],
      ["DELETE", `/participants/${foreign.id}`],
      ["GET", "/messages"],
      ["POST", "/messages", { content: "x" }],
    ] as const)
      await refuse(404, "NOT_FOUND", foreign, method, `/chats/${chat.id}${path}`, body)
    await refuse(422, "VALIDATION_FAILED", anna, "GET", "/chats/1")
  })

  it("are listed with the newest message first, page by page", async () => {
    const me = await makePerson(assistants, admin)
    const chats: { id: string }[] = []
    for (let count = 0; count < 5; count++) chats.push(await group(me, boris))
    await group(boris)
    for (const at of [3, 0, 4, 0]) {
      assistants.clock.advance(1_000)
      await ask(201, boris, "POST", `/chats/${chats[at]!.id}/messages`, { content: "Hello" })
    }
    await ask(204, me, "DELETE", `/chats/${chats[4]!.id}`)
    const seen: string[] = []
    for (let cursor: string | null = ""; cursor !== null && seen.length < 10; ) {
      const page: any = await ask(200, me, "GET", `/chats?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`)
      assert.ok(page.items.length <= 2)
      seen.push(...page.items.map(({ id }: { id: string }) => id))
      cursor = page.next_cursor
    }
    const [first, , third, fourth, fifth] = seen
    assert.deepEqual([first, seen[1], third], [chats[0]!.id, chats[4]!.id, chats[3]!.id])
    const main = await ask(200, me, "GET", "/chats/main")
    assert.deepEqual(new Set([fourth, fifth, seen[5]]), new Set([main.id, chats[1]!.id, chats[2]!.id]))
    assert.equal(seen.length, 6)
    const active = await ask(200, me, "GET", "/chats?active_only=true")
    assert.deepEqual(
      active.items.map(({ id }: { id: string }) => id),
      seen.filter((id) => id !== chats[4]!.id),
    )
    const problem = await refuse(422, "VALIDATION_FAILED", me, "GET", "/chats?cursor=nonsense")
    assert.equal(problem.errors[0].path, "query/cursor")
  })

  it("have correction rules of their roles for administrators and reviewers alone", async () => {
    const role = await makeRole(assistants, admin)
    await refuse(403, "FORBIDDEN", anna, "GET", `/roles/${role.id}/correction-rules`)
    assert.deepEqual(await ask(200, admin, "GET", `/roles/${role.id}/correction-rules`), {
      items: [],
      next_cursor: null,
    })
    await refuse(404, "NOT_FOUND", foreign, "GET", `/roles/${role.id}/correction-rules`)
  })
})
