import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { setTimeout as pause, setImmediate as turn } from "node:timers/promises"
import {
  afterCommit,
  afterRollback,
  type Database,
  openDatabase,
  outsideTransaction,
  SerializationError,
  Storage,
  transaction,
  withStorages,
} from "../../src/index.ts"
import { createSchema } from "../../src/migrate/index.ts"
import { identity, integer, table, text } from "../../src/schema/index.ts"
import { forEachDatabase, refuses } from "../storage/support.ts"
import { forEachEngine } from "../support/index.ts"

const accounts = table("accounts", {
  id: identity(),
  name: text().unique(),
  amount: integer().default(0).check("amount >= 0"),
})
const entries = table("entries", {
  id: identity(),
  accountId: integer().references(() => accounts.id, { onDelete: "cascade", deferrable: true }),
  note: text(),
})
const tables = { accounts, entries }
class Accounts extends Storage(accounts) {
  byName(name: string) {
    return this.find({ name })
  }
}
class Entries extends Storage(entries) {}

describe("transactions", () => {
  forEachDatabase(
    tables,
    (place) => {
      const open = () => place.db.storages({ accounts: Accounts, entries: Entries })
      const names = async () => (await open().accounts.list({ orderBy: { name: "asc" } })).map(({ name }) => name)
      const make = (name: string, amount = 0) => open().accounts.create({ name, amount })

      it("commits what its function did, and gives its value", async () => {
        const value = await transaction(async () => {
          await make("a")
          await make("b")
          return 7
        })
        assert.equal(value, 7)
        assert.deepEqual(await names(), ["a", "b"])
        assert.equal(await transaction(() => 8), 8)
      })

      it("undoes all of it where its function throws", async () => {
        const thrown = new Error("mine")
        await assert.rejects(
          transaction(async () => {
            await make("a")
            throw thrown
          }),
          (error) => error === thrown,
        )
        assert.deepEqual(await names(), [])
      })

      it("is the same across awaits, timers, promises and functions that know nothing of it", async () => {
        await assert.rejects(
          transaction(async () => {
            await make("a")
            await turn()
            await pause(1)
            await Promise.all([make("b"), turn().then(() => make("c")), (async () => make("d"))()])
            await new Promise<void>((resolve, reject) => {
              setTimeout(() => make("e").then(() => resolve(), reject), 1)
            })
            for await (const name of ["f"]) await make(name)
            assert.deepEqual(await names(), ["a", "b", "c", "d", "e", "f"])
            throw new Error("undone")
          }),
          /undone/,
        )
        assert.deepEqual(await names(), [])
      })

      it("keeps transactions that run at once apart", async () => {
        const outcomes = await Promise.allSettled(
          Array.from({ length: 12 }, (_, index) =>
            transaction(async () => {
              await make(`n${String(index).padStart(2, "0")}`)
              await turn()
              if (index % 3 === 0) throw new Error("undone")
            }),
          ),
        )
        assert.equal(outcomes.filter(({ status }) => status === "rejected").length, 4)
        assert.equal((await names()).length, 8)
      })

      it("joins the transaction it is called in", async () => {
        await assert.rejects(
          transaction(async () => {
            await transaction(() => make("a"))
            await transaction(() => make("b"))
            throw new Error("undone")
          }),
          /undone/,
        )
        assert.deepEqual(await names(), [])
        await refuses(
          transaction(() => transaction(() => make("a"), { isolation: "serializable" })),
          { code: "SESSION", message: /isolation level inside another transaction/ },
        )
      })

      it("rolls back where a failed call, or a failed inner transaction, was swallowed", async () => {
        await make("taken")
        const error = await refuses(
          transaction(async () => {
            await make("a")
            await make("taken").catch(() => undefined)
          }),
          {
            code: "SESSION",
            message: /was rolled back, because a call in it failed: .*same name/,
            cure: /nested: true/,
          },
        )
        assert.equal((error.cause as { code: string }).code, "UNIQUE")
        await refuses(
          transaction(async () => {
            await make("a")
            await make("taken").catch(() => undefined)
            await make("b")
          }),
          { code: "SESSION", message: /accounts\.create was called in the transaction .*, which failed already/ },
        )
        await refuses(
          transaction(async () => {
            await make("a")
            await transaction(async () => {
              await make("b")
              throw new Error("inner")
            }).catch(() => undefined)
          }),
          { code: "SESSION", message: /inner/ },
        )
        assert.deepEqual(await names(), ["taken"])
      })

      it("refuses a call that comes after its end, and writes nothing", async () => {
        let go: () => void = () => undefined
        const gate = new Promise<void>((resolve) => {
          go = resolve
        })
        const late: Promise<unknown>[] = []
        await transaction(
          async () => {
            await make("a")
            late.push(gate.then(() => make("late")))
            late.push(gate.then(() => open().accounts.list()))
            late.push(gate.then(() => place.db.execute`DELETE FROM accounts`))
          },
          { name: "hasty" },
        )
        go()
        const [first, second, third] = await Promise.allSettled(late)
        for (const one of [first!, second!, third!]) {
          assert.equal(one.status, "rejected")
          const { reason } = one as PromiseRejectedResult
          assert.equal(reason.code, "SESSION")
          assert.match(reason.message, /was called after its transaction hasty ended/)
          assert.match(reason.cure, /Await every call/)
        }
        assert.deepEqual(await names(), ["a"])
      })

      it("waits for calls that were begun and not awaited", async () => {
        let begun: Promise<unknown> | undefined
        await transaction(async () => {
          begun = make("a")
        })
        assert.deepEqual(await names(), ["a"])
        await begun
        await refuses(
          transaction(async () => {
            begun = make("a").catch(() => undefined)
          }),
          { code: "SESSION", message: /because a call in it failed/ },
        )
      })

      it("lets work outlive it only outside of it", async () => {
        let free: Promise<unknown> | undefined
        await assert.rejects(
          transaction(async () => {
            free = outsideTransaction(() => turn().then(() => make("kept")))
            throw new Error("undone")
          }),
          /undone/,
        )
        await free
        assert.deepEqual(await names(), ["kept"])
      })

      it("puts calls in parallel in line on its one connection", async () => {
        await transaction(async () => {
          const rows = await Promise.all(
            Array.from({ length: 60 }, (_, index) => make(`n${String(index).padStart(2, "0")}`, index)),
          )
          const [list, count, ...found] = await Promise.all([
            open().accounts.list(),
            open().accounts.count(),
            ...rows.map(({ name }) => open().accounts.exists({ name })),
          ])
          assert.deepEqual(list, rows)
          assert.equal(count, 60)
          assert.ok(found.every((one) => one))
          await Promise.all(rows.map(({ id }) => open().accounts.increment(id, { amount: 1 })))
        })
        assert.equal(await place.db.fetchValue`SELECT CAST(sum(amount) AS bigint) FROM accounts`, (60 * 61) / 2)
      })

      describe("nested", () => {
        it("undoes only the part that failed", async () => {
          await make("taken")
          await transaction(async () => {
            await make("a")
            await refuses(
              transaction(
                async () => {
                  await make("b")
                  await make("taken")
                },
                { nested: true },
              ),
              { code: "UNIQUE" },
            )
            await make("c")
            await transaction(() => make("d"), { nested: true })
            await transaction(
              async () => {
                await make("e")
                await assert.rejects(
                  transaction(
                    async () => {
                      await make("f")
                      throw new Error("deep")
                    },
                    { nested: true },
                  ),
                  /deep/,
                )
                await make("g")
              },
              { nested: true },
            )
          })
          assert.deepEqual(await names(), ["a", "c", "d", "e", "g", "taken"])
        })

        it("goes with the outer one, whatever it did", async () => {
          await assert.rejects(
            transaction(async () => {
              await transaction(() => make("a"), { nested: true })
              throw new Error("outer")
            }),
            /outer/,
          )
          assert.deepEqual(await names(), [])
        })

        it("makes the other calls of the outer one wait", async () => {
          await transaction(async () => {
            const nested = transaction(
              async () => {
                await make("inner")
                await turn()
                throw new Error("undone")
              },
              { nested: true },
            )
            const beside = make("outer")
            const another = transaction(() => make("second"), { nested: true })
            await assert.rejects(nested, /undone/)
            await Promise.all([beside, another])
          })
          assert.deepEqual(await names(), ["outer", "second"])
        })

        it("refuses in the end a call of the outer transaction that the nested one waits for", async (t) => {
          t.mock.timers.enable({ apis: ["setTimeout"] })
          await transaction(async () => {
            const opened = Promise.withResolvers<void>()
            const called = Promise.withResolvers<unknown>()
            const nested = transaction(
              async () => {
                await make("inside")
                opened.resolve()
                await assert.rejects(called.promise, { code: "TIMEOUT", cure: /never inside it/ })
              },
              { nested: true },
            )
            await opened.promise
            called.resolve(make("outside"))
            await turn()
            t.mock.timers.tick(30_001)
            await nested
          })
          assert.deepEqual(await names(), ["inside"])
        })

        it("shares the connection that a call beside it has asked for", async () => {
          await transaction(() =>
            Promise.all([make("beside"), transaction(() => make("inside"), { nested: true }), make("behind")]),
          )
          assert.deepEqual(await names(), ["behind", "beside", "inside"])
        })

        it("undoes nothing that a call beside it wrote", async () => {
          await transaction(async () => {
            const beside = make("beside")
            const inside = transaction(
              async () => {
                await make("inside")
                throw new Error("mine")
              },
              { nested: true },
            )
            await Promise.all([beside, assert.rejects(inside, { message: "mine" }), make("behind")])
          })
          assert.deepEqual(await names(), ["behind", "beside"])
        })

        it("may stand in one that has asked nothing", async () => {
          const deep = (depth: number): Promise<unknown> =>
            transaction(() => (depth === 0 ? make("deep") : deep(depth - 1)), { nested: true })
          await transaction(() => deep(3))
          await transaction(() =>
            transaction(
              async () => {
                await assert.rejects(
                  transaction(
                    async () => {
                      await make("undone")
                      throw new Error("mine")
                    },
                    { nested: true },
                  ),
                  { message: "mine" },
                )
                await make("kept")
              },
              { nested: true },
            ),
          )
          assert.deepEqual(await names(), ["deep", "kept"])
        })

        it("is waited for by the outer one where it was not awaited, so that no part of it is committed", async () => {
          let forgotten: Promise<unknown> | undefined
          await transaction(async () => {
            forgotten = transaction(
              async () => {
                await make("a")
                await pause(5)
                await make("b")
              },
              { nested: true },
            )
          })
          assert.deepEqual(await names(), ["a", "b"])
          await forgotten
        })

        it("takes no further call once the outer one fails, and leaves nothing open", async () => {
          let other: Promise<unknown> | undefined
          await assert.rejects(
            transaction(async () => {
              const failing = transaction(() => Promise.reject(new Error("mine")), { nested: true })
              other = transaction(
                async () => {
                  await make("a")
                  await pause(5)
                  await make("b")
                },
                { nested: true },
              )
              other.catch(() => undefined)
              await Promise.all([failing, other])
            }),
            { message: "mine" },
          )
          await refuses(other as Promise<unknown>, { code: "SESSION" })
          await make("c")
          assert.deepEqual(await names(), ["c"])
        })

        it("runs what was to follow its rollback in the outer one", async () => {
          await transaction(async () => {
            await assert.rejects(
              transaction(
                async () => {
                  afterRollback(async () => void (await make("told")))
                  await make("undone")
                  throw new Error("mine")
                },
                { nested: true },
              ),
              { message: "mine" },
            )
            await make("kept")
          })
          assert.deepEqual(await names(), ["kept", "told"])
        })

        it("has no isolation of its own", async () => {
          await refuses(
            transaction(() => transaction(() => make("a"), { nested: true, isolation: "serializable" })),
            { code: "SESSION" },
          )
        })

        it("refuses a call that comes after its end", async () => {
          let late: Promise<unknown> | undefined
          await transaction(async () => {
            let go: () => void = () => undefined
            await transaction(
              async () => {
                await make("a")
                late = new Promise<void>((resolve) => {
                  go = resolve
                }).then(() => make("late"))
                late.catch(() => undefined)
              },
              { nested: true, name: "part" },
            )
            go()
            await refuses(late as Promise<unknown>, { code: "SESSION", message: /after its transaction part ended/ })
          })
          assert.deepEqual(await names(), ["a"])
        })

        it("may stand outermost", async () => {
          await transaction(() => make("a"), { nested: true })
          assert.deepEqual(await names(), ["a"])
        })
      })

      describe("afterCommit and afterRollback", () => {
        it("run in order once the change is there for others, or undone", async () => {
          const told: string[] = []
          await transaction(async () => {
            afterCommit(async () => {
              told.push(`1: ${(await names()).join()}`)
            })
            afterRollback(() => void told.push("never"))
            await make("a")
            afterCommit(() => void told.push("2"))
            assert.deepEqual(told, [])
          })
          assert.deepEqual(told, ["1: a", "2"])
          told.length = 0
          await assert.rejects(
            transaction(async () => {
              afterCommit(() => void told.push("never"))
              afterRollback(async () => {
                told.push(`1: ${(await names()).join()}`)
              })
              afterRollback(() => void told.push("2"))
              await make("b")
              throw new Error("undone")
            }),
            /undone/,
          )
          assert.deepEqual(told, ["1: a", "2"])
        })

        it("may begin transactions of their own, and do not fail the one that ended", async () => {
          await transaction(async () => {
            await make("a")
            afterCommit(() => transaction(async () => void (await make("b"))))
            afterCommit(() => {
              throw new Error("too late")
            })
            afterCommit(async () => void (await make("c")))
          })
          assert.deepEqual(await names(), ["a", "b", "c"])
          assert.deepEqual(place.warnings, [
            "A callback failed whose caller is gone: work after a transaction, or a listener.",
          ])
        })

        it("belong to the part that they were asked in", async () => {
          const told: string[] = []
          await transaction(async () => {
            await transaction(async () => afterCommit(() => void told.push("kept")), { nested: true })
            await assert.rejects(
              transaction(
                async () => {
                  await make("a")
                  afterCommit(() => void told.push("never"))
                  afterRollback(() => void told.push("undone part"))
                  throw new Error("x")
                },
                { nested: true },
              ),
            )
            told.push("end of the outer function")
          })
          assert.deepEqual(told, ["undone part", "end of the outer function", "kept"])
        })

        it("are refused once the transaction has ended", async () => {
          let late: Promise<void> | undefined
          await transaction(async () => {
            await make("a")
            late = turn()
              .then(() => turn())
              .then(() => afterCommit(() => undefined))
            late.catch(() => undefined)
          })
          await refuses(
            pause(20).then(() => late),
            { code: "SESSION" },
          )
        })

        it("run at once outside a transaction, or not at all", async () => {
          const told: string[] = []
          afterCommit(() => void told.push("now"))
          afterRollback(() => void told.push("never"))
          await turn()
          assert.deepEqual(told, ["now"])
        })
      })

      describe("readOnly", () => {
        it("reads, and refuses every write", async () => {
          const { id } = await make("a")
          const store = open()
          await transaction(async () => assert.deepEqual(await names(), ["a"]), { readOnly: true })
          const writes = [
            () => make("b"),
            () => store.accounts.createMany([{ name: "b" }, { name: "c" }]),
            () => store.accounts.update(id, { name: "b" }),
            () => store.accounts.updateWhere({}, { amount: 1 }),
            () => store.accounts.updateMany([{ id, amount: 1 }]),
            () => store.accounts.increment(id, { amount: 1 }),
            () => store.accounts.upsert({ name: "a", amount: 4 }, { by: ["name"] }),
            () => store.accounts.delete(id),
            () => store.accounts.deleteWhere({}),
            () => place.db.execute`DELETE FROM accounts`,
            () => place.db.sql.deleteFrom("accounts").execute(),
          ]
          for (const write of writes) {
            await refuses(
              transaction(async () => void (await write()), { readOnly: true }),
              { code: "QUERY", message: /read-only/ },
            )
          }
          assert.deepEqual(await store.accounts.list(), [{ id, name: "a", amount: 0 }])
          await make("after")
        })
      })

      describe("withStorages", () => {
        it("gives storages whose calls are one transaction", async () => {
          const move = withStorages([Accounts, Entries], async ([folk, lines], name: string, fails: boolean) => {
            const account = (await folk.byName(name)) ?? (await folk.create({ name }))
            await lines.create({ accountId: account.id, note: "moved" })
            if (fails) throw new Error("undone")
            return account.id
          })
          await assert.rejects(move("a", true), /undone/)
          assert.deepEqual(await names(), [])
          const id = await move("a", false)
          assert.equal(await open().entries.count({ accountId: id }), 1)
          await assert.rejects(
            transaction(async () => {
              await move("b", false)
              throw new Error("outer")
            }),
            /outer/,
          )
          assert.deepEqual(await names(), ["a"])
        })
      })

      it("never shows to a read outside what is not committed", async () => {
        await make("before")
        let seen: Promise<string[]> | undefined
        await transaction(async () => {
          await make("secret")
          seen = outsideTransaction(() => names())
          // In memory there is one connection, so such a read waits for the end.
          if (place.url !== undefined) assert.deepEqual(await seen, ["before"])
          else await turn()
        })
        assert.deepEqual(await seen, place.url === undefined ? ["before", "secret"] : ["before"])
      })

      it("refuses at its commit what a deferred reference lacks, and undoes all", async () => {
        await transaction(async () => {
          const { id } = await open().entries.create({ accountId: 4_000_000, note: "first" })
          const account = await open().accounts.create({ id: 4_000_000, name: "later" })
          assert.ok(id > 0 && account.id === 4_000_000)
        })
        const error = await refuses(
          transaction(async () => {
            await open().entries.create({ accountId: 5_000_000, note: "lost" })
            await make("lost too")
          }),
          {
            code: "FOREIGN_KEY",
            table: "entries",
            columns: ["accountId"],
            constraint: "entries_account_id_fkey",
            message: /entries\.accountId names a row of accounts that does not exist/,
          },
        )
        assert.ok(error.cause !== undefined)
        assert.deepEqual(await names(), ["later"])
        assert.equal(await open().entries.count(), 1)
        assert.deepEqual(place.warnings, [])
        await make("next")
      })

      it("runs the whole again after a failure that may pass, and only as often as it may", async () => {
        let runs = 0
        const told: number[] = []
        const fails = (times: number) => async () => {
          runs++
          await make(`n${runs}${times}`)
          afterCommit(() => void told.push(runs))
          if (runs <= times) throw new SerializationError("made up", { cure: "Run it again." })
          return runs
        }
        assert.equal(await transaction(fails(2)), 3)
        assert.deepEqual(await names(), ["n32"])
        assert.deepEqual(told, [3])
        runs = 0
        await refuses(transaction(fails(9)), { code: "SERIALIZATION" })
        assert.equal(runs, 4)
        runs = 0
        await refuses(transaction(fails(9), { retries: 0 }), { code: "SERIALIZATION" })
        assert.equal(runs, 1)
        runs = 0
        await refuses(
          transaction(() => transaction(fails(9)), { retries: 1 }),
          { code: "SERIALIZATION" },
        )
        assert.equal(runs, 2)
        assert.deepEqual(await names(), ["n32"])
      })

      it("does not run again what failed for good", async () => {
        let runs = 0
        await refuses(
          transaction(async () => {
            runs++
            await make("a", -1)
          }),
          { code: "CHECK", columns: ["amount"] },
        )
        assert.equal(runs, 1)
      })
    },
    { random: () => 0 },
  )
})

describe("transactions that meet", () => {
  forEachEngine((engine) => {
    const withTwo = async (
      work: (first: Database<typeof tables>, second: Database<typeof tables>) => Promise<void>,
    ) => {
      await using temporary = await engine.temporaryDatabase()
      await createSchema(temporary.url, tables)
      const options = { tables, random: () => 0, sqlite: { writerWaitMs: 5_000 }, postgres: { pool: { size: 6 } } }
      await using first = await openDatabase(temporary.url, options)
      await using second = await openDatabase(temporary.url, options)
      await work(first, second)
    }

    it("refuses to work on two databases in one", async () => {
      await withTwo(async (first, second) => {
        const one = first.storage(Accounts)
        const other = second.storage(Accounts)
        await refuses(
          transaction(async () => {
            await one.create({ name: "a" })
            await other.create({ name: "b" })
          }),
          { code: "SESSION", message: /another database/, cure: /one transaction for each database/ },
        )
        await refuses(
          first.transaction(async () => {
            await one.create({ name: "a" })
            await second.transaction(async () => 1)
          }),
          { code: "SESSION", message: /another database is open/ },
        )
        assert.equal(await one.count(), 0)
        await refuses(withStorages([Accounts], async ([storage]) => storage.count())(), {
          code: "SESSION",
          message: /2 opened databases have the table accounts/,
        })
      })
    })

    it("gives serializable ones the same end as one after the other", async () => {
      await withTwo(async (first, second) => {
        const [one, other] = [first.storage(Accounts), second.storage(Accounts)]
        const [a, b] = await one.createMany([
          { name: "a", amount: 50 },
          { name: "b", amount: 50 },
        ])
        // Each takes 60 where both together have enough: run apart, only one may (write skew).
        let runs = 0
        const take = (storage: typeof one, id: number) =>
          transaction(
            async () => {
              runs++
              const rows = await storage.getMany([a!.id, b!.id])
              await turn()
              if (rows.reduce((sum, { amount }) => sum + amount, 0) < 60) return false
              await storage.update(id, { amount: rows.find((row) => row.id === id)!.amount - 40 })
              return true
            },
            { isolation: "serializable" },
          )
        const taken = await Promise.all([
          outsideTransaction(() => take(one, a!.id)),
          outsideTransaction(() => take(other, b!.id)),
        ])
        const left = (await one.list()).reduce((sum, { amount }) => sum + amount, 0)
        assert.equal(left, 100 - 40 * taken.filter((took) => took).length)
        assert.ok(runs >= 2)
      })
    })

    it("runs again what met a serialization failure", async () => {
      await withTwo(async (first, second) => {
        const [one, other] = [first.storage(Accounts), second.storage(Accounts)]
        const { id } = await one.create({ name: "a" })
        let [runs, read] = [0, 0]
        const allRead = Promise.withResolvers<void>()
        await Promise.all(
          Array.from({ length: 6 }, (_, index) =>
            transaction(
              async () => {
                runs++
                const storage = index % 2 === 0 ? one : other
                const row = await storage.getOrFail(id)
                // On SQLite they have to run one after another.
                if (++read === 6 || engine.dialect === "sqlite") allRead.resolve()
                await allRead.promise
                await storage.update(id, { amount: row.amount + 1 })
              },
              { isolation: "serializable", retries: 100 },
            ),
          ),
        )
        assert.equal((await one.getOrFail(id)).amount, 6)
        if (engine.dialect === "postgres") assert.ok(runs > 6, `${runs} runs`)
      })
    })

    it("frees both of a deadlock, and loses nothing", async () => {
      await withTwo(async (first, second) => {
        const [one, other] = [first.storage(Accounts), second.storage(Accounts)]
        const [a, b] = await one.createMany([{ name: "a" }, { name: "b" }])
        const met: Promise<void>[] = []
        let arrived = 0
        let open: () => void = () => undefined
        const both = new Promise<void>((resolve) => {
          open = resolve
        })
        const add = (storage: typeof one, from: number, to: number) =>
          transaction(async () => {
            await storage.increment(from, { amount: 1 })
            // On PostgreSQL both hold a row when they ask for the other's; SQLite lets in one at a time.
            if (++arrived === 2) open()
            if (engine.dialect === "postgres" && arrived <= 2) await both
            await storage.increment(to, { amount: 1 })
          })
        met.push(add(one, a!.id, b!.id), add(other, b!.id, a!.id))
        await Promise.all(met)
        assert.deepEqual(
          (await one.list()).map(({ amount }) => amount),
          [2, 2],
        )
        if (engine.dialect === "postgres") assert.ok(arrived > 2, "there was no deadlock")
      })
    })

    it("names the transaction that holds what another waits for too long", async () => {
      await using temporary = await engine.temporaryDatabase()
      await createSchema(temporary.url, tables)
      await using db = await openDatabase(temporary.url, {
        tables,
        sqlite: { writerWaitMs: 250 },
        postgres: { pool: { size: 1, overflow: 0, waitMs: 250 } },
      })
      const storage = db.storage(Accounts)
      let end: () => void = () => undefined
      const ended = new Promise<void>((resolve) => {
        end = resolve
      })
      const holding = transaction(
        async () => {
          await storage.create({ name: "held" })
          await ended
        },
        { name: "longImport" },
      )
      const outside = async () => {
        const waiting = refuses(
          transaction(async () => void (await storage.create({ name: "b" })), { name: "other", retries: 0 }),
          { code: "TIMEOUT", message: /longImport/ },
        )
        const single = refuses(storage.create({ name: "c" }), { code: "TIMEOUT", message: /longImport/ })
        await Promise.all([waiting, single])
      }
      await outside()
      end()
      await holding
      assert.deepEqual(
        (await storage.list()).map(({ name }) => name),
        ["held"],
      )
    })
  })
})
