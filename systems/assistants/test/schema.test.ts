import assert from "node:assert/strict"
import { it } from "node:test"
import { fileURLToPath } from "node:url"
import { ScopeError } from "rootstock/errors"
import { newMigration } from "rootstock/migrate"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { assistants } from "../index.ts"
import { tables } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import { openAssistants } from "./support.ts"

it("has a migration for every declaration", async () => {
  const directory = fileURLToPath(assistants.migrations)
  assert.equal(await newMigration({ directory, tables, name: "nothing" }), undefined)
})

forEachEngine((engine) => {
  it("runs storages for an organisation, or not at all", async () => {
    await using app = await openAssistants(engine)
    const { stores } = app
    const [one, other] = await tenant.unbounded(() =>
      stores.organizations.createMany([
        { name: "One", slug: "one" },
        { name: "Other", slug: "other" },
      ]),
    )
    await assert.rejects(stores.organizations.list(), ScopeError)
    await assert.rejects(stores.messages.getUnvalidatedAiMessages(one!.id), ScopeError)
    const user = await tenant.run(one!.id, () =>
      stores.users.create({ orgId: one!.id, name: "Anna", username: "anna", email: "anna@example.com" }),
    )
    assert.deepEqual(await tenant.run(one!.id, () => stores.users.getById(user.id)), user)
    assert.equal(await tenant.run(other!.id, () => stores.users.getById(user.id)), undefined)
    assert.equal(await tenant.run(other!.id, () => stores.users.getByEmail("anna@example.com")), undefined)
    assert.deepEqual(await tenant.run(one!.id, () => stores.users.update({ id: user.id, name: "Anne" })), {
      ...user,
      name: "Anne",
    })
  })
})
