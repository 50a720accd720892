import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { openDatabase } from "rootstock"
import { readSettings } from "rootstock/config"
import { createSchema } from "rootstock/migrate"
import { forEachEngine } from "../../packages/rootstock/test/support/index.ts"
import { appTables } from "../src/schema.ts"
import { openSecrets, SecretStorage } from "../src/secrets.ts"

const given = { SECRET_KEY: "x".repeat(32), ENCRYPTION_KEY: `k1:${Buffer.alloc(32, 7).toString("base64")}` }

describe("secrets", () => {
  forEachEngine((engine) => {
    /** What a process finds that starts in an environment, over one database for all that a test asks. */
    async function withStarts(work: (start: (env: object) => ReturnType<typeof openSecrets>) => Promise<void>) {
      const place = await engine.temporaryDatabase()
      try {
        await createSchema(place.url, appTables)
        await work(async (env) => {
          await using database = await openDatabase(place.url, { tables: appTables })
          return await openSecrets(database.storage(SecretStorage), readSettings({ ...env }))
        })
      } finally {
        await place.dispose()
      }
    }

    it("are made once, the same for all processes and later starts, and others for each system", async () => {
      await withStarts(async (start) => {
        const all = await Promise.all(Array.from({ length: 6 }, () => start({})))
        all.push(await start({}))
        const shown = all.map((of) => ["shop", "assistants"].map((name) => ({ ...of(name) })))
        for (const one of shown) assert.deepEqual(one, shown[0])
        const [shop, assistants] = shown[0]!
        assert.equal(shop!.sign.length, 32)
        assert.notDeepEqual(shop!.sign, assistants!.sign)
        assert.notDeepEqual(shop!.encryption, assistants!.encryption)
        assert.deepEqual(
          shop!.encryption.map(({ id, key }) => [id, key.length]),
          [["made", 32]],
        )
      })
    })

    it("come from the environment where it gives them, behind which a key that was made still decrypts", async () => {
      await withStarts(async (start) => {
        const [made] = (await start({}))("shop").encryption
        const { sign, encryption } = (await start(given))("shop")
        assert.deepEqual(
          encryption.map(({ id }) => id),
          ["k1", "made"],
        )
        assert.deepEqual(encryption[1], made)
        assert.deepEqual((await start(given))("shop").sign, sign)
        assert.notDeepEqual((await start({}))("shop").sign, sign)
      })
    })

    it("must be given where other machines reach the server, to a system that asks for them", async () => {
      await withStarts(async (start) => {
        const open = { HOST: "0.0.0.0" }
        await start({})
        const secrets = (await start(open))("shop")
        assert.throws(() => secrets.sign, { code: "CONFIG", message: /^SECRET_KEY is not set, and HOST=0\.0\.0\.0/ })
        assert.throws(() => secrets.encryption, { code: "CONFIG", message: /^ENCRYPTION_KEY is not set/ })
        const both = (await start({ ...open, ...given }))("shop")
        assert.equal(both.sign.length, 32)
        assert.equal(both.encryption[0]?.id, "k1")
      })
    })
  })
})
