import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import fc from "fast-check"
import { decodeJwt, SignJWT } from "jose"
import { Storage } from "rootstock"
import { once, Passwords, passwordVersion } from "rootstock/shared"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import type { User } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import {
  asStaff,
  expectAnswer,
  expectProblem,
  makeOrganization,
  makePerson,
  type Person,
  password,
  signIn,
} from "./fixtures.ts"
import { openAssistants, type TestAssistants } from "./support.ts"

forEachEngine((engine) => {
  let app: TestAssistants
  before(async () => {
    app = await openAssistants(engine, { environment: { ALLOW_SIGNUP: "true" } })
  })
  after(() => app?.[Symbol.asyncDispose]())

  const login = (email: string, secret = password, address = "127.0.0.1") =>
    app.send("POST", "/auth/login", { email, password: secret }, { address })
  const refresh = (refreshToken: string) => app.send("POST", "/auth/refresh", { refresh_token: refreshToken })
  const me = (token: string) => app.send("GET", "/auth/me", undefined, { as: token })
  const rowOf = (id: string) => tenant.unbounded(() => app.stores.users.getById(id)) as Promise<User>

  describe("signing in", () => {
    it("gives an access token for 15 minutes, a refresh token, and who it is", async () => {
      const admin = await makeOrganization(app)
      const answer = await expectAnswer(app, 200, "POST", "/auth/login", {
        email: ` ${admin.email.toUpperCase()} `,
        password,
      })
      assert.deepEqual([answer.token_type, answer.expires_in, answer.user.id], ["Bearer", 900, admin.id])
      assert.ok(!("password_hash" in answer.user))
      const { sub, org, adm, iat, exp } = decodeJwt(answer.access_token)
      assert.deepEqual([sub, org, adm, (exp as number) - (iat as number)], [admin.id, admin.orgId, true, 900])
      assert.deepEqual(
        await expectAnswer(app, 200, "GET", "/auth/me", undefined, { as: answer.access_token }),
        answer.user,
      )
      assert.equal(answer.refresh_token.length, 43)
      const stored = await tenant.unbounded(() => app.stores.refreshTokens.list({ where: { userId: admin.id } }))
      assert.ok(stored.every(({ tokenHash }) => /^[0-9a-f]{64}$/.test(tokenHash)))
    })

    it("refuses a wrong password and an unknown e-mail alike", async () => {
      const { email } = await makeOrganization(app)
      const wrong = await expectProblem(app, 401, "BAD_CREDENTIALS", "POST", "/auth/login", {
        email,
        password: "wrong",
      })
      const body = { email: "nobody@example.com", password }
      const unknown = await expectProblem(app, 401, "BAD_CREDENTIALS", "POST", "/auth/login", body)
      assert.equal(wrong.detail, unknown.detail)
    })

    it("refuses one without a password", async () => {
      const admin = await makeOrganization(app)
      const body = { name: "No", username: "nopass", email: "nopass@example.com" }
      await expectAnswer(app, 201, "POST", "/users", body, { as: admin.token })
      await expectProblem(app, 401, "BAD_CREDENTIALS", "POST", "/auth/login", { email: body.email, password })
    })

    it("hashes the password anew where hashes cost more by now, and lets sign-ins go on", async () => {
      const person = await makeOrganization(app)
      const old = await new Passwords({ logN: 3, r: 8, p: 1 }).hash(password)
      await tenant.unbounded(() => app.stores.users.update(person.id, { passwordHash: old }))
      const first = await signIn(app, person.email)
      const { passwordHash } = await rowOf(person.id)
      assert.match(passwordHash as string, /ln=4,/)
      assert.equal(passwordVersion(passwordHash as string), passwordVersion(old))
      await signIn(app, person.email)
      assert.equal((await rowOf(person.id)).passwordHash, passwordHash)
      assert.equal((await me(first.token)).status, 200)
    })

    it("notes at most once a minute that somebody is there", async () => {
      const person = await makeOrganization(app)
      const seen = async () => (await rowOf(person.id)).lastSeenAt?.getTime()
      const start = app.clock.now().getTime()
      app.clock.advance(59_000)
      await me(person.token)
      assert.equal(await seen(), start)
      app.clock.advance(1_000)
      await Promise.all([me(person.token), me(person.token)])
      assert.equal(await seen(), start + 60_000)
    })
  })

  describe("access tokens", () => {
    it("are refused where they are missing, malformed, of another key, or too old", async () => {
      const person = await makeOrganization(app)
      const missing = await app.send("GET", "/auth/me")
      assert.deepEqual([missing.status, missing.body.error_code], [401, "UNAUTHENTICATED"])
      assert.equal(missing.headers["www-authenticate"], "Bearer")
      const { ver } = decodeJwt(person.token)
      const claims = { org: person.orgId, adm: true, ver }
      const forged = (key: Uint8Array, change: (jwt: SignJWT) => SignJWT = (jwt) => jwt) =>
        change(
          new SignJWT(claims)
            .setProtectedHeader({ alg: "HS256" })
            .setSubject(person.id)
            .setAudience("assistants")
            .setExpirationTime(Math.floor(app.clock.now().getTime() / 1_000) + 60),
        ).sign(key)
      const key = new Uint8Array(32)
      assert.equal((await me(await forged(key))).status, 200, "the forgery is otherwise a good one")
      const [head, payload] = person.token.split(".")
      const none = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${payload}.`
      for (const token of [
        "x",
        `${head}.${payload}.AAAA`,
        none,
        await forged(new Uint8Array(32).fill(1)),
        await forged(key, (jwt) => jwt.setAudience("shop")),
        await forged(key, (jwt) => jwt.setSubject("00000000-0000-7000-8000-000000000000")),
        await new SignJWT(claims)
          .setProtectedHeader({ alg: "HS256" })
          .setSubject(person.id)
          .setAudience("assistants")
          .sign(key),
      ]) {
        assert.equal((await me(token)).status, 401, token)
      }
      const basic = await app.send("GET", "/auth/me", undefined, { headers: { authorization: "Basic eDp5" } })
      assert.equal(basic.status, 401)
      app.clock.advance(15 * 60_000 - 1_000)
      assert.equal((await me(person.token)).status, 200)
      app.clock.advance(1_000)
      assert.equal((await me(person.token)).status, 401)
    })

    it("of another organization than the person's is none", async () => {
      const [one, other] = [await makeOrganization(app), await makeOrganization(app)]
      const { ver } = decodeJwt(one.token)
      const token = await new SignJWT({ org: other.orgId, adm: true, ver })
        .setProtectedHeader({ alg: "HS256" })
        .setSubject(one.id)
        .setAudience("assistants")
        .setExpirationTime(Math.floor(app.clock.now().getTime() / 1_000) + 60)
        .sign(new Uint8Array(32))
      assert.equal((await me(token)).status, 401)
    })
  })

  describe("refresh tokens", () => {
    it("are good once; one that comes again ends its sign-in and no other", async () => {
      const person = await makeOrganization(app)
      const other = await signIn(app, person.email)
      const second = await refresh(person.refreshToken)
      assert.equal(second.status, 200)
      assert.equal((await me(second.body.access_token)).status, 200)
      const again = await refresh(person.refreshToken)
      assert.deepEqual([again.status, again.body.error_code], [401, "BAD_REFRESH_TOKEN"])
      assert.equal((await refresh(second.body.refresh_token)).status, 401)
      assert.equal((await refresh(other.refreshToken)).status, 200)
    })

    it("let at most one of those through who come at the same moment, and end the sign-in then", async () => {
      for (let round = 0; round < 4; round++) {
        const person = await makeOrganization(app)
        const answers = await Promise.all(Array.from({ length: 4 }, () => refresh(person.refreshToken)))
        const through = answers.filter(({ status }) => status === 200)
        assert.equal(through.length, 1)
        assert.equal((await refresh(through[0]!.body.refresh_token)).status, 401)
      }
    })

    it("void the newest of a sign-in, too, when an older one comes at the moment of a renewal", async () => {
      const person = await makeOrganization(app)
      const second = (await refresh(person.refreshToken)).body.refresh_token
      const [, renewed] = await Promise.all([refresh(person.refreshToken), refresh(second)])
      if (renewed.status === 200) assert.equal((await refresh(renewed.body.refresh_token)).status, 401)
    })

    it("end after 30 days, and are then removed", async () => {
      const person = await makeOrganization(app)
      app.clock.advance(30 * 24 * 3_600_000 - 1)
      const second = await refresh(person.refreshToken)
      assert.equal(second.status, 200)
      app.clock.advance(30 * 24 * 3_600_000)
      assert.equal((await refresh(second.body.refresh_token)).status, 401)
      await signIn(app, person.email)
      assert.equal(await tenant.unbounded(() => app.stores.refreshTokens.count({ userId: person.id })), 1)
    })

    it("end with sign-out, those of other sign-ins do not", async () => {
      const person = await makeOrganization(app)
      const other = await signIn(app, person.email)
      const second = await refresh(person.refreshToken)
      for (const token of [person.refreshToken, "unknown"]) {
        await expectAnswer(app, 204, "POST", "/auth/logout", { refresh_token: token })
      }
      assert.equal((await refresh(second.body.refresh_token)).status, 401)
      assert.equal((await refresh(other.refreshToken)).status, 200)
    })

    it("leave no secret in the audit nor in the log", async () => {
      const person = await makeOrganization(app)
      const { body } = await refresh(person.refreshToken)
      await refresh(person.refreshToken)
      const { passwordHash } = await rowOf(person.id)
      const written = JSON.stringify([await app.stores.audit.list(), app.logged])
      const secrets = [password, person.token, person.refreshToken, body.access_token, body.refresh_token, passwordHash]
      for (const secret of secrets) assert.ok(!written.includes(secret as string))
      const actions = (await app.stores.audit.list({ where: { actorId: person.id } })).map(({ action }) => action)
      assert.deepEqual(actions, ["auth.login", "auth.reused"])
    })
  })

  describe("what voids sign-ins", () => {
    const refused = async ({ token, refreshToken }: Person) => {
      assert.equal((await me(token)).status, 401)
      assert.equal((await refresh(refreshToken)).status, 401)
    }

    it("a new password, at once", async () => {
      const person = await makePerson(app, await makeOrganization(app))
      const other = await signIn(app, person.email)
      const path = `/users/${person.id}`
      const change = { password: "battery staple" }
      await expectProblem(app, 403, "WRONG_PASSWORD", "PATCH", path, change, { as: person.token })
      const wrong = { ...change, current_password: "wrong" }
      await expectProblem(app, 403, "WRONG_PASSWORD", "PATCH", path, wrong, { as: person.token })
      await expectAnswer(app, 200, "PATCH", path, { ...change, current_password: password }, { as: person.token })
      await refused(person)
      await refused(other)
      assert.equal((await login(person.email)).status, 401)
      await signIn(app, person.email, change.password)
    })

    it("a password that an administrator sets", async () => {
      const admin = await makeOrganization(app)
      const person = await makePerson(app, admin)
      const body = { password: "battery staple" }
      await expectAnswer(app, 200, "PATCH", `/users/${person.id}`, body, { as: admin.token })
      await refused(person)
      await signIn(app, person.email, body.password)
    })

    it("deactivation, for good", async () => {
      const admin = await makeOrganization(app)
      const person = await makePerson(app, admin)
      await expectAnswer(app, 204, "DELETE", `/users/${person.id}`, undefined, { as: admin.token })
      await refused(person)
      assert.equal((await login(person.email)).status, 401)
      await expectAnswer(app, 200, "PATCH", `/users/${person.id}`, { is_active: true }, { as: admin.token })
      await refused(person)
      assert.equal((await me((await signIn(app, person.email)).token)).status, 200)
    })

    it("an inactive organization, as long as it is", async () => {
      const person = await makePerson(app, await makeOrganization(app))
      const path = `/organizations/${person.orgId}`
      await expectAnswer(app, 204, "DELETE", path, undefined, asStaff)
      await refused(person)
      assert.equal((await login(person.email)).status, 401)
      await expectAnswer(app, 200, "PATCH", path, { is_active: true }, asStaff)
      assert.equal((await me(person.token)).status, 200)
      assert.equal((await refresh(person.refreshToken)).status, 200)
    })
  })

  describe("guessing", () => {
    it("is stopped after 5 failures of an account, known or not, for 15 minutes", async () => {
      const person = await makeOrganization(app)
      let address = 0
      for (const email of [person.email, "unknown@example.com"]) {
        for (let n = 0; n < 5; n++) assert.equal((await login(email, "wrong", `10.0.0.${address++}`)).status, 401)
        const stopped = await login(email, password, `10.0.0.${address++}`)
        assert.deepEqual([stopped.status, stopped.body.error_code], [429, "RATE_LIMITED"])
        assert.equal(stopped.headers["retry-after"], "900")
      }
      app.clock.advance(15 * 60_000)
      await signIn(app, person.email)
    })

    it("is stopped after 20 failures from an address, whatever credentials the call carries", async () => {
      const { email } = await makeOrganization(app)
      const address = "10.1.0.1"
      const from = { address, ...asStaff }
      for (let n = 0; n < 20; n++) {
        const body = { email: `guess${n}@example.com`, password }
        assert.equal((await app.send("POST", "/auth/login", body, from)).status, 401)
      }
      assert.equal((await login(email, password, address)).status, 429)
      assert.equal((await login(email, password, "10.1.0.2")).status, 200)
    })

    it("is no matter of those who succeed", async () => {
      const { email } = await makeOrganization(app)
      const address = "10.2.0.1"
      for (let n = 0; n < 4; n++) assert.equal((await login(email, "wrong", address)).status, 401)
      for (let n = 0; n < 22; n++) assert.equal((await login(email, password, address)).status, 200)
      for (let n = 0; n < 5; n++) assert.equal((await login(email, "wrong", address)).status, 401)
      assert.equal((await login(email, "wrong", address)).status, 429)
    })

    it("is not furthered by coming all at once", async () => {
      const { email } = await makeOrganization(app)
      const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => login(email, "wrong", `10.3.0.${n}`)))
      assert.ok(answers.filter(({ status }) => status === 401).length <= 5)
    })

    it("the present password of a signed-in person counts, too", async () => {
      const person = await makeOrganization(app)
      const body = { password: "battery staple", current_password: "wrong" }
      const path = `/users/${person.id}`
      for (let n = 0; n < 5; n++) {
        await expectProblem(app, 403, "WRONG_PASSWORD", "PATCH", path, body, { as: person.token })
      }
      await expectProblem(app, 429, "RATE_LIMITED", "PATCH", path, body, { as: person.token })
    })
  })

  describe("signing up", () => {
    const founding = (name: string) => ({
      organization: { name, slug: name },
      user: { name: "Anna", username: "Анна", email: `${name}@example.com`, password },
    })

    it("makes an organization with its first administrator", async () => {
      const { organization, user } = await expectAnswer(app, 201, "POST", "/auth/register", founding("acme"))
      assert.deepEqual([organization.slug, organization.is_system], ["acme", false])
      assert.deepEqual([user.org_id, user.is_admin, user.username], [organization.id, true, "Анна"])
      const person = await signIn(app, user.email)
      await makePerson(app, person)
      const chat = await tenant.run(organization.id, () => app.stores.chats.getMainChat(user.id))
      assert.deepEqual(chat?.participants, [user.id])
    })

    it("refuses a slug or an e-mail that is taken, and leaves nothing behind", async () => {
      const { email } = await makeOrganization(app)
      await expectAnswer(app, 201, "POST", "/auth/register", founding("taken"))
      await expectProblem(app, 409, "SLUG_TAKEN", "POST", "/auth/register", { ...founding("taken") })
      const user = { ...founding("free").user, email }
      await expectProblem(app, 409, "EMAIL_TAKEN", "POST", "/auth/register", { ...founding("free"), user })
      await expectAnswer(app, 201, "POST", "/auth/register", founding("free"))
    })

    it("lets one through of those who ask for the same at once", async () => {
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => app.send("POST", "/auth/register", founding("rush"))),
      )
      assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409, 409])
    })

    it("refuses short passwords, bad usernames and unknown fields", async () => {
      const good = founding("fields")
      for (const [path, user] of [
        ["body/user/password", { ...good.user, password: "1234567" }],
        ["body/user/username", { ...good.user, username: "a b" }],
        ["body/user/username", { ...good.user, username: "a" }],
        ["body/user/email", { ...good.user, email: "anna" }],
        ["body/user/is_admin", { ...good.user, is_admin: true }],
      ] as const) {
        const problem = await expectProblem(app, 422, "VALIDATION_FAILED", "POST", "/auth/register", { ...good, user })
        assert.equal(problem.errors[0].path, path)
      }
    })
  })

  it("A10: nobody inactive has a valid token, whatever happens at the same moment", async () => {
    const owner = await makeOrganization(app)
    const people = [await makePerson(app, owner), await makePerson(app, owner)]
    type Issued = { user: number; access: string; refresh: string; batch: number }
    const issued: Issued[] = people.map((one, user) => ({
      user,
      access: one.token,
      refresh: one.refreshToken,
      batch: -1,
    }))
    const secrets = people.map(() => password)
    // The batch in which what a person had until then was voided.
    const voided = people.map(() => -1)
    let batch = 0
    const keep = (user: number, { status, body }: Awaited<ReturnType<typeof login>>) => {
      if (status === 200) issued.push({ user, access: body.access_token, refresh: body.refresh_token, batch })
    }
    const attempts = app.database.storage(class extends Storage(once) {})
    const { ver } = decodeJwt(owner.token)
    const setOrganization = (isActive: boolean) =>
      app.send("PATCH", `/organizations/${owner.orgId}`, { is_active: isActive }, asStaff)
    const change = async (user: number, body: object) => {
      const as = await new SignJWT({ org: owner.orgId, adm: true, ver })
        .setProtectedHeader({ alg: "HS256" })
        .setSubject(owner.id)
        .setAudience("assistants")
        .setExpirationTime(Math.floor(app.clock.now().getTime() / 1_000) + 60)
        .sign(new Uint8Array(32))
      return (await app.send("PATCH", `/users/${people[user]!.id}`, body, { as })).status === 200
    }
    const seen = { inactive: 0, voided: 0, valid: 0 }
    const user = fc.nat({ max: people.length - 1 })
    const step = fc.oneof(
      fc.record({ kind: fc.constant("login" as const), user }),
      fc.record({ kind: fc.constant("refresh" as const), user, which: fc.nat(100) }),
      fc.record({ kind: fc.constant("user" as const), user, isActive: fc.boolean() }),
      fc.record({ kind: fc.constant("password" as const), user }),
      fc.record({ kind: fc.constant("organization" as const), user, isActive: fc.boolean() }),
    )
    type Step = typeof step extends fc.Arbitrary<infer S> ? S : never
    const perform = async (one: Step, n: number) => {
      const email = people[one.user]!.email
      if (one.kind === "login") keep(one.user, await login(email, secrets[one.user], `10.9.1.${n}`))
      if (one.kind === "refresh") {
        const own = issued.filter((token) => token.user === one.user)
        keep(one.user, await refresh(own[one.which % own.length]!.refresh))
      }
      if (one.kind === "user" && (await change(one.user, { is_active: one.isActive })) && !one.isActive) {
        voided[one.user] = batch
      }
      if (one.kind === "password") {
        const secret = `${password} ${batch} ${n}`
        if (await change(one.user, { password: secret })) {
          secrets[one.user] = secret
          voided[one.user] = batch
        }
      }
      if (one.kind === "organization") await setOrganization(one.isActive)
    }
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 4 }), async (batches) => {
        for (const steps of batches) {
          await Promise.all(steps.map(perform))
          const organization = await tenant.unbounded(() => app.stores.organizations.getById(owner.orgId))
          const rows = await Promise.all(people.map(({ id }) => rowOf(id)))
          for (const token of issued.slice(-12)) {
            const inactive = !organization!.isActive || !rows[token.user]!.isActive
            const { status } = await me(token.access)
            if (inactive) assert.equal(status, 401, "inactive")
            if (inactive) assert.equal((await refresh(token.refresh)).status, 401, "inactive")
            if (token.batch < voided[token.user]!) assert.equal(status, 401, "voided")
            seen[inactive ? "inactive" : token.batch < voided[token.user]! ? "voided" : "valid"] += 1
          }
          batch += 1
          // That those who are refused have to wait is not what this is about.
          await attempts.deleteWhere({})
        }
        await setOrganization(true)
        for (const [user] of people.entries()) await change(user, { is_active: true })
      }),
      {
        numRuns: 6,
        examples: [
          [
            [
              [{ kind: "login", user: 0 }],
              [{ kind: "user", user: 0, isActive: false }],
              [
                { kind: "organization", user: 0, isActive: false },
                { kind: "login", user: 1 },
              ],
            ],
          ],
        ],
      },
    )
    assert.ok(seen.inactive > 0 && seen.valid > 0, JSON.stringify(seen))
  })

  it("trap: rights are looked up at each write, not taken from the token", async () => {
    const admin = await makeOrganization(app)
    const second = await makePerson(app, admin, { is_admin: true })
    const body = (n: number) => ({ name: "X", username: `trap${n}`, email: `trap${n}@example.com` })
    await expectAnswer(app, 201, "POST", "/users", body(1), { as: second.token })
    await expectAnswer(app, 200, "PATCH", `/users/${second.id}`, { is_admin: false }, { as: admin.token })
    assert.equal(decodeJwt(second.token)["adm"], true)
    for (const [method, path, sent] of [
      ["POST", "/users", body(2)],
      ["PATCH", `/users/${admin.id}`, { name: "Y" }],
      ["DELETE", `/users/${admin.id}`, undefined],
      ["PUT", `/users/${admin.id}/role`, { role_id: null }],
      ["POST", "/roles", { name: "R", code: "trap", system_prompt: "You help." }],
      ["PATCH", `/organizations/${admin.orgId}`, { name: "Z" }],
    ] as const) {
      await expectProblem(app, 403, "FORBIDDEN", method, path, sent, { as: second.token })
    }
    await expectAnswer(app, 200, "PATCH", `/users/${second.id}`, { is_admin: true }, { as: admin.token })
    await expectAnswer(app, 201, "POST", "/users", body(2), { as: second.token })
  })
})
