import assert from "node:assert/strict"
import { after, before, it } from "node:test"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { expectAnswer, expectProblem, makeAddress, makeBuyer, makeProduct, makeUser } from "./fixtures.ts"
import { openShop, type TestShop } from "./support.ts"

forEachEngine((engine) => {
  let shop: TestShop
  before(async () => {
    shop = await openShop(engine)
  })
  after(() => shop[Symbol.asyncDispose]())

  it("creates a user with exactly its six fields", async () => {
    const body = { username: "jane_doe", email: "  Jane@Example.com ", description: "Designer" }
    const user = await expectAnswer(shop, 201, "POST", "/users", body)
    assert.deepEqual(user, {
      id: user.id,
      username: "jane_doe",
      email: "jane@example.com",
      description: "Designer",
      created_at: "2026-03-11T12:00:00.000Z",
      updated_at: null,
    })
    assert.deepEqual(await expectAnswer(shop, 200, "GET", `/users/${user.id}`), user)
  })

  it("refuses an e-mail or username that is taken, and names both where both are", async () => {
    const { username, email } = await makeUser(shop)
    const both = await expectProblem(shop, 400, "EMAIL_EXISTS", "POST", "/users", {
      username,
      email: email.toUpperCase(),
    })
    assert.deepEqual(
      both.errors.map((one: { path: string }) => one.path),
      ["body/email", "body/username"],
    )
    const byEmail = await expectProblem(shop, 400, "EMAIL_EXISTS", "POST", "/users", { username: "other", email })
    assert.deepEqual(
      byEmail.errors.map((one: { path: string }) => one.path),
      ["body/email"],
    )
    const byName = { username, email: "other@example.com" }
    const named = await expectProblem(shop, 400, "USERNAME_EXISTS", "POST", "/users", byName)
    assert.deepEqual(
      named.errors.map((one: { path: string }) => one.path),
      ["body/username"],
    )
  })

  it("answers equal users that come at once with one 201 and one 400", async () => {
    const body = { username: "twin", email: "twin@example.com" }
    const answers = await Promise.all(Array.from({ length: 8 }, () => shop.send("POST", "/users", body)))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array(7).fill(400)])
    for (const { status, body: problem } of answers) {
      if (status === 400) assert.equal(problem.error_code, "EMAIL_EXISTS")
    }
  })

  for (const [what, body] of [
    ["no username", { email: "a@example.com" }],
    ["an empty username", { username: "", email: "a@example.com" }],
    ["a username of 151 characters", { username: "x".repeat(151), email: "a@example.com" }],
    ["something that is no e-mail", { username: "a", email: "example.com" }],
    ["a description of 501 characters", { username: "a", email: "a@example.com", description: "x".repeat(501) }],
    ["an unknown field", { username: "a", email: "a@example.com", is_admin: true }],
  ] as const) {
    it(`refuses a user with ${what}`, () => expectProblem(shop, 422, "VALIDATION_FAILED", "POST", "/users", body))
  }

  it("changes only the fields that are given, and notes when", async () => {
    const user = await makeUser(shop)
    const path = `/users/${user.id}`
    shop.clock.advance(60_000)
    const described = await expectAnswer(shop, 200, "PUT", path, { description: "Writer" })
    assert.deepEqual(described, { ...user, description: "Writer", updated_at: shop.clock.now().toISOString() })
    shop.clock.advance(60_000)
    assert.deepEqual(await expectAnswer(shop, 200, "PUT", path, {}), described)
    assert.equal((await expectAnswer(shop, 200, "PUT", path, { description: null })).description, null)
    const same = await expectAnswer(shop, 200, "PUT", path, { email: user.email, username: user.username })
    assert.equal(same.email, user.email)
  })

  it("refuses changes that another user's e-mail or username stands against", async () => {
    const [one, two] = [await makeUser(shop), await makeUser(shop)]
    await expectProblem(shop, 400, "EMAIL_EXISTS", "PUT", `/users/${one.id}`, { email: two.email })
    await expectProblem(shop, 400, "USERNAME_EXISTS", "PUT", `/users/${one.id}`, { username: two.username })
    const { username, email } = two
    const both = await expectProblem(shop, 400, "EMAIL_EXISTS", "PUT", `/users/${one.id}`, { username, email })
    assert.equal(both.errors.length, 2)
    assert.deepEqual(await expectAnswer(shop, 200, "GET", `/users/${one.id}`), one)
  })

  it("deletes a user with its addresses, but not one with orders", async () => {
    const user = await makeUser(shop)
    const address = await makeAddress(shop, user.id)
    await expectAnswer(shop, 204, "DELETE", `/users/${user.id}`)
    await expectProblem(shop, 404, "NOT_FOUND", "GET", `/users/${user.id}`)
    await expectProblem(shop, 404, "NOT_FOUND", "GET", `/addresses/${address.id}`)
    await expectProblem(shop, 404, "NOT_FOUND", "DELETE", `/users/${user.id}`)
    const buyer = await makeBuyer(shop)
    const product = await makeProduct(shop)
    await expectAnswer(shop, 201, "POST", "/orders", buyer.order([{ product_id: product.id, quantity: 1 }]))
    await expectProblem(shop, 409, "USER_HAS_ORDERS", "DELETE", `/users/${buyer.user.id}`)
    await expectAnswer(shop, 200, "GET", `/addresses/${buyer.address.id}`)
  })

  it("answers 404 for a user that does not exist and 422 for what is no id", async () => {
    await expectProblem(shop, 404, "NOT_FOUND", "GET", "/users/999999")
    await expectProblem(shop, 404, "NOT_FOUND", "PUT", "/users/999999", { description: "x" })
    for (const id of ["0", "-1", "abc", "1.5", "9007199254740993"]) {
      await expectProblem(shop, 422, "VALIDATION_FAILED", "GET", `/users/${id}`)
    }
  })

  it("lists pages by id with a real total", async () => {
    const { total } = await expectAnswer(shop, 200, "GET", "/users?count=1")
    const ids: number[] = []
    for (let page = 1; page <= Math.ceil(total / 4); page++) {
      const list = await expectAnswer(shop, 200, "GET", `/users?count=4&page=${page}`)
      assert.equal(list.total, total)
      ids.push(...list.users.map((user: { id: number }) => user.id))
    }
    assert.equal(ids.length, total)
    assert.deepEqual(
      ids,
      [...ids].sort((a, b) => a - b),
    )
    for (const page of [1_000_000, Number.MAX_SAFE_INTEGER]) {
      const { users, total } = await expectAnswer(shop, 200, "GET", `/users?count=100&page=${page}`)
      assert.deepEqual(users, [])
      assert.ok(total > 0)
    }
    for (const query of ["count=0", "count=101", "page=0", "page=9007199254740992", "count=ten", "limit=5"]) {
      await expectProblem(shop, 422, "VALIDATION_FAILED", "GET", `/users?${query}`)
    }
  })

  it("records every change with its request, and none that failed", async () => {
    const body = { username: "audited", email: "audited@example.com" }
    const user = await expectAnswer(shop, 201, "POST", "/users", body, { "x-request-id": "audit-1" })
    await shop.send("POST", "/users", body, { "x-request-id": "audit-2" })
    await shop.send("PUT", `/users/${user.id}`, { description: "x" }, { "x-request-id": "audit-3" })
    const rows = await shop.stores.audit.list({ where: { entity: "users", entityId: String(user.id) } })
    assert.deepEqual(
      rows.map(({ action, actorKind, actorId, requestId }) => ({ action, actorKind, actorId, requestId })),
      [
        { action: "users.create", actorKind: "user", actorId: null, requestId: "audit-1" },
        { action: "users.update", actorKind: "user", actorId: null, requestId: "audit-3" },
      ],
    )
    assert.equal((rows[1]!.before as { description: unknown }).description, null)
    assert.equal((rows[1]!.after as { description: unknown }).description, "x")
    assert.deepEqual(await shop.stores.audit.count({ requestId: "audit-2" }), 0)
  })
})
