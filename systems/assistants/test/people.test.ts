import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import fc from "fast-check"
import type { Actor } from "rootstock/shared"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { isStaff } from "../member.ts"
import { tenant } from "../tenancy.ts"
import {
  asStaff,
  expectAnswer,
  expectProblem,
  makeOrganization,
  makePerson,
  makeRole,
  type Person,
  password,
  signIn,
} from "./fixtures.ts"
import { openAssistants, type TestAssistants } from "./support.ts"

forEachEngine((engine) => {
  let app: TestAssistants
  let admin: Person
  let person: Person
  let stranger: Person
  before(async () => {
    app = await openAssistants(engine)
    admin = await makeOrganization(app)
    person = await makePerson(app, admin)
    stranger = await makeOrganization(app)
  })
  after(() => app?.[Symbol.asyncDispose]())

  let made = 0
  const newUser = (more: object = {}) => {
    const username = `p${++made}`
    return { name: `Person ${made}`, username, email: `${username}@people.example.com`, password, ...more }
  }
  const as = ({ token }: Person) => ({ as: token })

  describe("users", () => {
    it("are made with their main chat and a verified channel inside of the app, and audited", async () => {
      const user = await expectAnswer(
        app,
        201,
        "POST",
        "/users",
        newUser({ avatar_url: "https://a.example/x.png" }),
        as(admin),
      )
      assert.deepEqual([user.org_id, user.is_admin, user.is_active, user.is_system], [admin.orgId, false, true, false])
      assert.ok(!("password_hash" in user) && !("telegram_id" in user))
      await tenant.run(admin.orgId, async () => {
        const chat = await app.stores.chats.getMainChat(user.id)
        assert.deepEqual([chat?.type, chat?.participants, chat?.createdBy], ["main", [user.id], user.id])
        const [channel, ...others] = await app.stores.channels.listByUser(user.id)
        assert.deepEqual([channel?.channelType, channel?.isVerified, others.length], ["in_app", true, 0])
      })
      const [entry] = await app.stores.audit.list({ where: { entity: "users", entityId: user.id } })
      assert.deepEqual([entry?.action, entry?.actorId], ["users.create", admin.id])
      assert.equal((entry!.after as Record<string, unknown>)["password_hash"], "***")
    })

    it("leave nothing behind where they are refused", async () => {
      const count = () =>
        tenant.run(admin.orgId, async () => [await app.stores.users.count(), await app.stores.chats.count()])
      const before = await count()
      const body = newUser({ email: person.email })
      const problem = await expectProblem(app, 409, "EMAIL_TAKEN", "POST", "/users", body, as(admin))
      assert.deepEqual(problem.errors, [{ path: "body/email", message: "is taken" }])
      assert.deepEqual(await count(), before)
    })

    it("have e-mails of their own everywhere, and usernames of their own in the organization, in any case", async () => {
      await expectProblem(
        app,
        409,
        "EMAIL_TAKEN",
        "POST",
        "/users",
        newUser({ email: ` ${stranger.email.toUpperCase()}` }),
        as(admin),
      )
      const one = await expectAnswer(app, 201, "POST", "/users", newUser({ username: "Мария_1" }), as(admin))
      await expectProblem(app, 409, "USERNAME_TAKEN", "POST", "/users", newUser({ username: "мария_1" }), as(admin))
      await expectAnswer(app, 201, "POST", "/users", newUser({ username: "Мария_1" }), as(stranger))
      const path = `/users/${person.id}`
      await expectProblem(app, 409, "USERNAME_TAKEN", "PATCH", path, { username: "МАРИЯ_1" }, as(admin))
      await expectProblem(app, 409, "EMAIL_TAKEN", "PATCH", path, { email: stranger.email }, as(admin))
      await expectAnswer(app, 200, "PATCH", `/users/${one.id}`, { username: "МАРИЯ_1" }, as(admin))
    })

    it("are made once by those who ask for the same at once", async () => {
      for (const [code, fresh] of [
        ["EMAIL_TAKEN", (body: object, n: number) => ({ ...body, username: `rush${++made}_${n}` })],
        ["USERNAME_TAKEN", (body: object, n: number) => ({ ...body, email: `rush${++made}_${n}@example.com` })],
      ] as const) {
        const body = newUser()
        const answers = await Promise.all(
          Array.from({ length: 4 }, (_, n) => app.send("POST", "/users", fresh(body, n), as(admin))),
        )
        assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409, 409])
        for (const { status, body } of answers) if (status === 409) assert.equal(body.error_code, code)
      }
    })

    it("are changed by administrators, and by themselves in part", async () => {
      const own = `/users/${person.id}`
      const named = await expectAnswer(app, 200, "PATCH", own, { name: "Own name" }, as(person))
      assert.equal(named.name, "Own name")
      for (const body of [{ is_admin: true }, { is_active: false }, { role_id: null }]) {
        await expectProblem(app, 403, "FORBIDDEN", "PATCH", own, body, as(person))
      }
      await expectProblem(app, 403, "FORBIDDEN", "PATCH", `/users/${admin.id}`, { name: "X" }, as(person))
      await expectProblem(app, 403, "FORBIDDEN", "POST", "/users", newUser(), as(person))
      await expectProblem(app, 403, "FORBIDDEN", "DELETE", `/users/${admin.id}`, undefined, as(person))
      await expectProblem(app, 403, "FORBIDDEN", "PUT", `${own}/role`, { role_id: null }, as(person))
      assert.deepEqual(await expectAnswer(app, 200, "PATCH", own, {}, as(person)), named)
      const other = await expectAnswer(app, 200, "PATCH", own, { name: "Given name" }, as(admin))
      assert.deepEqual(await expectAnswer(app, 200, "GET", own, undefined, as(person)), other)
    })

    it("of others are absent", async () => {
      const path = `/users/${stranger.id}`
      await expectProblem(app, 404, "NOT_FOUND", "GET", path, undefined, as(admin))
      await expectProblem(app, 404, "NOT_FOUND", "PATCH", path, { name: "X" }, as(admin))
      await expectProblem(app, 404, "NOT_FOUND", "DELETE", path, undefined, as(admin))
      await expectProblem(app, 404, "NOT_FOUND", "PUT", `${path}/role`, { role_id: null }, as(admin))
      await expectProblem(app, 422, "VALIDATION_FAILED", "GET", "/users/1", undefined, as(admin))
    })

    it("of system organizations are read by everyone, and changed by no one else", async () => {
      const system = await makeOrganization(app, { is_system: true })
      const role = await makeRole(app, system)
      const body = newUser({ name: "Assistant", role_id: role.id })
      const helper = await expectAnswer(app, 201, "POST", "/users", body, as(system))
      assert.equal(helper.is_system, true)
      const path = `/users/${helper.id}`
      assert.deepEqual(await expectAnswer(app, 200, "GET", path, undefined, as(person)), helper)
      const { items } = await expectAnswer(app, 200, "GET", "/users?limit=100", undefined, as(person))
      assert.ok(items.some(({ id }: { id: string }) => id === helper.id))
      assert.ok(!items.some(({ id }: { id: string }) => id === stranger.id))
      await expectProblem(app, 404, "NOT_FOUND", "PATCH", path, { name: "X" }, as(admin))
      await expectProblem(app, 404, "NOT_FOUND", "DELETE", path, undefined, as(admin))
      await expectProblem(app, 404, "NOT_FOUND", "PUT", `/users/${person.id}/role`, { role_id: role.id }, as(admin))
      await expectProblem(app, 404, "NOT_FOUND", "PATCH", `/users/${admin.id}`, { name: "X" }, as(system))
    })

    it("get and lose roles of their own organization", async () => {
      const path = `/users/${person.id}/role`
      const role = await makeRole(app, admin)
      const foreign = await makeRole(app, stranger)
      assert.equal((await expectAnswer(app, 200, "PUT", path, { role_id: role.id }, as(admin))).role_id, role.id)
      const list = await expectAnswer(app, 200, "GET", `/users?role_id=${role.id}`, undefined, as(person))
      assert.deepEqual(
        list.items.map(({ id }: { id: string }) => id),
        [person.id],
      )
      await expectProblem(app, 404, "NOT_FOUND", "PUT", path, { role_id: foreign.id }, as(admin))
      await expectProblem(app, 404, "NOT_FOUND", "PATCH", `/users/${person.id}`, { role_id: foreign.id }, as(admin))
      await expectProblem(app, 404, "NOT_FOUND", "POST", "/users", newUser({ role_id: foreign.id }), as(admin))
      await expectProblem(app, 422, "VALIDATION_FAILED", "PUT", path, {}, as(admin))
      assert.equal((await expectAnswer(app, 200, "PUT", path, { role_id: null }, as(admin))).role_id, null)
    })

    it("are listed by name, in pages, with or without those who are inactive", async () => {
      const boss = await makeOrganization(app)
      for (const name of ["Кира", "Ada", "Bob", "Eve", "Zoe"]) {
        await expectAnswer(app, 201, "POST", "/users", newUser({ name }), as(boss))
      }
      const all = (await expectAnswer(app, 200, "GET", "/users?limit=100", undefined, as(boss))).items
      const own = all.filter((one: { org_id: string }) => one.org_id === boss.orgId)
      const eve = own.find(({ name }: { name: string }) => name === "Eve")
      await expectAnswer(app, 204, "DELETE", `/users/${eve.id}`, undefined, as(boss))
      await expectAnswer(app, 204, "DELETE", `/users/${eve.id}`, undefined, as(boss))
      const names: string[] = []
      let query: string | null = ""
      while (query !== null) {
        const page: any = await expectAnswer(
          app,
          200,
          "GET",
          `/users?active_only=true&limit=2${query}`,
          undefined,
          as(boss),
        )
        names.push(
          ...page.items
            .filter((one: { org_id: string }) => one.org_id === boss.orgId)
            .map(({ name }: { name: string }) => name),
        )
        query = page.next_cursor === null ? null : `&cursor=${page.next_cursor}`
      }
      assert.deepEqual(
        names.filter((name) => !name.startsWith("Admin")),
        ["Ada", "Bob", "Zoe", "Кира"],
      )
      const cursor = await expectProblem(app, 422, "VALIDATION_FAILED", "GET", "/users?cursor=xyz", undefined, as(boss))
      assert.equal(cursor.errors[0].path, "query/cursor")
      await expectProblem(app, 422, "VALIDATION_FAILED", "GET", "/users?limit=101", undefined, as(boss))
    })

    it("refuse fields that do not fit", async () => {
      for (const [path, body] of [
        ["body/username", newUser({ username: "a-b" })],
        ["body/username", newUser({ username: "x".repeat(51) })],
        ["body/email", newUser({ email: "nobody" })],
        ["body/password", newUser({ password: "1234567" })],
        ["body/avatar_url", newUser({ avatar_url: "javascript:alert(1)" })],
        ["body/is_system", newUser({ is_system: true })],
      ] as const) {
        const problem = await expectProblem(app, 422, "VALIDATION_FAILED", "POST", "/users", body, as(admin))
        assert.equal(problem.errors[0].path, path)
      }
    })
  })

  describe("the last administrator", () => {
    it("stays one, and active", async () => {
      const boss = await makeOrganization(app)
      const path = `/users/${boss.id}`
      const inactive = await makePerson(app, boss, { is_admin: true })
      await expectAnswer(app, 204, "DELETE", `/users/${inactive.id}`, undefined, as(boss))
      await expectProblem(app, 409, "LAST_ADMIN", "PATCH", path, { is_admin: false }, as(boss))
      await expectProblem(app, 409, "LAST_ADMIN", "PATCH", path, { is_active: false }, as(boss))
      await expectProblem(app, 409, "LAST_ADMIN", "DELETE", path, undefined, as(boss))
      await makePerson(app, boss, { is_admin: true })
      await expectAnswer(app, 204, "DELETE", path, undefined, as(boss))
    })

    it("stays when two demote each other, or themselves, at the same moment", async () => {
      for (const [first, second] of [
        [0, 1],
        [1, 0],
      ] as const) {
        const boss = await makeOrganization(app)
        const both = [boss, await makePerson(app, boss, { is_admin: true })]
        const answers = await Promise.all([
          app.send("PATCH", `/users/${both[first]!.id}`, { is_admin: false }, as(both[0]!)),
          app.send("PATCH", `/users/${both[second]!.id}`, { is_admin: false }, as(both[1]!)),
        ])
        // Who was demoted first has no right to demote the other one any more.
        const refusal = first === 0 ? 409 : 403
        assert.deepEqual(answers.map(({ status }) => status).sort(), [200, refusal])
      }
    })

    it("stays whatever four callers do", async () => {
      const boss = await makeOrganization(app)
      const people = [boss, await makePerson(app, boss, { is_admin: true })]
      const who = fc.nat({ max: people.length - 1 })
      const call = fc.record({
        by: who,
        of: who,
        what: fc.constantFrom("demote", "deactivate", "delete", "promote", "activate"),
      })
      let callers = people
      const perform = ({ by, of, what }: { by: number; of: number; what: string }) => {
        const path = `/users/${people[of]!.id}`
        const caller = as(callers[by]!)
        if (what === "delete") return app.send("DELETE", path, undefined, caller)
        const body = what.endsWith("mote") ? { is_admin: what === "promote" } : { is_active: what === "activate" }
        return app.send("PATCH", path, body, caller)
      }
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(call, { minLength: 4, maxLength: 4 }), { maxLength: 3 }), async (rounds) => {
          await tenant.run(boss.orgId, () => app.stores.users.updateWhere({}, { isAdmin: true, isActive: true }))
          // What they had is void once they were deactivated.
          callers = await Promise.all(people.map(({ email }) => signIn(app, email)))
          for (const round of rounds) {
            await Promise.all(round.map(perform))
            const left = await tenant.run(boss.orgId, () => app.stores.users.count({ isAdmin: true, isActive: true }))
            assert.ok(left >= 1)
          }
        }),
        { numRuns: 8 },
      )
    })
  })

  describe("organizations", () => {
    it("are all there for staff", async () => {
      const body = { name: "Staff made", slug: "staff-made", time_zone: "Asia/Tokyo", token_budget_month: 1000 }
      const made = await expectAnswer(app, 201, "POST", "/organizations", body, asStaff)
      assert.deepEqual([made.time_zone, made.token_budget_month, made.is_active], ["Asia/Tokyo", 1000, true])
      const path = `/organizations/${made.id}`
      assert.deepEqual(await expectAnswer(app, 200, "GET", path, undefined, asStaff), made)
      const { items } = await expectAnswer(app, 200, "GET", "/organizations?limit=100", undefined, asStaff)
      for (const id of [made.id, admin.orgId, stranger.orgId]) {
        assert.ok(items.some((one: { id: string }) => one.id === id))
      }
      const changed = await expectAnswer(app, 200, "PATCH", path, { settings: { a: [1] }, description: "x" }, asStaff)
      assert.deepEqual([changed.settings, changed.description], [{ a: [1] }, "x"])
      await expectAnswer(app, 204, "DELETE", path, undefined, asStaff)
      assert.equal((await expectAnswer(app, 200, "GET", path, undefined, asStaff)).is_active, false)
      const actions = (await app.stores.audit.list({ where: { entityId: made.id } })).map((one) => [
        one.action,
        one.actorKind,
      ])
      assert.deepEqual(actions, [
        ["organizations.create", "api_key"],
        ["organizations.update", "api_key"],
        ["organizations.update", "api_key"],
      ])
    })

    it("are their own for administrators, who neither make nor end them, and nothing for others", async () => {
      const own = `/organizations/${admin.orgId}`
      const { items } = await expectAnswer(app, 200, "GET", "/organizations", undefined, as(admin))
      assert.deepEqual(
        items.map(({ id }: { id: string }) => id),
        [admin.orgId],
      )
      assert.equal((await expectAnswer(app, 200, "GET", own, undefined, as(admin))).id, admin.orgId)
      await expectAnswer(app, 200, "PATCH", own, { name: "Renamed" }, as(admin))
      await expectProblem(app, 403, "FORBIDDEN", "PATCH", own, { is_active: false }, as(admin))
      await expectProblem(app, 403, "FORBIDDEN", "DELETE", own, undefined, as(admin))
      await expectProblem(app, 403, "FORBIDDEN", "POST", "/organizations", { name: "A", slug: "a" }, as(admin))
      const foreign = `/organizations/${stranger.orgId}`
      await expectProblem(app, 404, "NOT_FOUND", "GET", foreign, undefined, as(admin))
      await expectProblem(app, 404, "NOT_FOUND", "PATCH", foreign, { name: "X" }, as(admin))
      for (const path of ["/organizations", own]) {
        await expectProblem(app, 403, "FORBIDDEN", "GET", path, undefined, as(person))
      }
      await expectProblem(app, 403, "FORBIDDEN", "PATCH", own, { name: "X" }, as(person))
    })

    it("are all that keys may touch, and only known ones", async () => {
      await expectProblem(app, 403, "FORBIDDEN", "GET", "/users", undefined, asStaff)
      await expectProblem(app, 403, "FORBIDDEN", "GET", "/auth/me", undefined, asStaff)
      const unknown = { headers: { "x-api-key": "unknown" } }
      await expectProblem(app, 401, "UNAUTHENTICATED", "GET", "/organizations", undefined, unknown)
      await expectProblem(app, 401, "UNAUTHENTICATED", "GET", "/organizations")
      const key = { kind: "api_key", id: "reader" } as const
      assert.equal(isStaff({ ...key, scopes: ["assistants:write"] } as Actor), false)
      assert.equal(isStaff({ ...key, scopes: ["shop:admin"] } as Actor), false)
    })

    it("have slugs of their own and zones that exist", async () => {
      const slug = "twice"
      await expectAnswer(app, 201, "POST", "/organizations", { name: "A", slug }, asStaff)
      await expectProblem(app, 409, "SLUG_TAKEN", "POST", "/organizations", { name: "B", slug }, asStaff)
      await expectProblem(app, 409, "SLUG_TAKEN", "PATCH", `/organizations/${admin.orgId}`, { slug }, as(admin))
      for (const [path, more] of [
        ["body/time_zone", { time_zone: "Europe/Atlantis" }],
        ["body/time_zone", { time_zone: "+03:00" }],
        ["body/slug", { slug: "No Slug" }],
        ["body/token_budget_month", { token_budget_month: -1 }],
        ["body/settings", { settings: [] }],
      ] as const) {
        const body = { name: "C", slug: "c", ...more }
        const problem = await expectProblem(app, 422, "VALIDATION_FAILED", "POST", "/organizations", body, asStaff)
        assert.equal(problem.errors[0].path, path)
      }
    })

    it("move what is on their calendar with their zone", async () => {
      const boss = await makeOrganization(app, { time_zone: "Europe/Moscow" })
      const role = await makeRole(app, boss)
      const body = { role_id: role.id, title: "Standup", event_type: "recurring", cron_expression: "0 9 * * *" }
      const event = await expectAnswer(app, 201, "POST", "/calendar", body, as(boss))
      assert.match(event.next_trigger_at, /T06:00:00.000Z$/)
      await expectAnswer(app, 200, "PATCH", `/organizations/${boss.orgId}`, { time_zone: "UTC" }, as(boss))
      const moved = await expectAnswer(app, 200, "GET", `/calendar/${event.id}`, undefined, as(boss))
      assert.match(moved.next_trigger_at, /T09:00:00.000Z$/)
    })

    it("cannot be founded where sign-up is closed", async () => {
      const organization = { name: "Closed", slug: "closed" }
      const user = { name: "A", username: "aa", email: "closed@example.com", password }
      await expectProblem(app, 403, "SIGNUP_CLOSED", "POST", "/auth/register", { organization, user })
    })
  })
})
