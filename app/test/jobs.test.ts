import assert from "node:assert/strict"
import { describe, it, test } from "node:test"
import { jobs as shopJobs, shop as shopSystem } from "@rootstock/shop"
import { AuditStorage } from "rootstock/shared"
import { forEachEngine } from "../../packages/rootstock/test/support/index.ts"
import { workplaceOf } from "../src/commands/surroundings.ts"
import { openApp } from "../src/opened-app.ts"
import { type OpenedSystem, openSystem } from "../src/opened-system.ts"
import { type Ended, home, run } from "./program.ts"

type Environment = Record<string, string>

/** Runs `work` with the opened shop, whose jobs and schedules nobody works on. */
async function withShop<T>(env: Environment, work: (shop: OpenedSystem) => Promise<T>): Promise<T> {
  const workplace = workplaceOf({ env } as never, { write: () => undefined })
  await using app = await openApp(workplace)
  const shop = await openSystem(shopSystem as never, workplace, app, true)
  try {
    return await work(shop)
  } finally {
    await shop.close()
  }
}

/** Sends jobs that nobody does; their ids. */
function send(env: Environment, kind: string, payload: object, count: number): Promise<string[]> {
  const job = shopJobs.find((one) => one.kind === kind)!
  const payloads = Array.from({ length: count }, () => payload)
  return withShop(env, ({ jobs }) => jobs.sendMany(job as never, payloads as never[]))
}

const json = ({ out }: Ended) => JSON.parse(out)

describe("rootstock jobs", () => {
  forEachEngine((engine) => {
    it("looks into queues and jobs, and acts on them in the operator's name", async () => {
      await using place = await home(engine)
      const env = { DATABASE_URL: place.url }
      const command = async (words: string, code = 0, ask?: (question: string) => Promise<string>) => {
        const ended = await run(`jobs ${words} --system shop`, env, ask)
        assert.equal(ended.code, code, ended.err)
        return ended
      }
      assert.equal((await run("migrate up", env)).code, 0)
      const [first, second, third] = (await send(env, "order_update", { id: 7, status: "shipped" }, 3)) as [
        string,
        string,
        string,
      ]
      await send(env, "report_run", {}, 1)

      const { queues } = json(await command("stats --json"))
      const standing = Object.fromEntries(
        queues.map((one: { queue: string; waiting: number }) => [one.queue, one.waiting]),
      )
      assert.deepEqual([standing.order_update, standing.report_run, standing.order], [3, 1, 0])
      assert.match((await command("stats")).out, /^order_update +3 +0 +0 +0 .* s$/m)

      const page = json(await command("list --queue order_update --limit 2 --json"))
      assert.deepEqual(
        page.items.map(({ id }: { id: string }) => id),
        [first, second],
      )
      const rest = await command(`list --queue order_update --limit 2 --cursor ${page.next_cursor}`)
      assert.match(rest.out, new RegExp(`^${third}  order_update  order_update  0/20  due .*Z\n$`))
      assert.match((await command("list --limit 1")).out, /\nMore: --cursor \S+\n$/)
      assert.equal((await command("list --state dead")).out, "There are no dead jobs.\n")

      const shown = json(await command(`show ${first} --json`))
      assert.deepEqual([shown.state, shown.payload, shown.errors], ["waiting", { id: 7, status: "shipped" }, []])
      assert.match((await command(`show ${first.toUpperCase()}`)).out, /^payload +\{"id":7,"status":"shipped"\}$/m)

      assert.equal((await command(`cancel ${first}`)).out, `Cancelled ${first}.\n`)
      assert.match((await command("list --state dead")).out, new RegExp(`^${first} .*died .*Z \\(cancelled\\)`))
      assert.match((await command(`cancel ${first}`, 1)).err, /was left as it is: it is dead/)
      const some = await command(`retry ${first} ${second}`, 1)
      assert.equal(some.out, "Retried 1 job.\n1 left as they were: not there, or in no state for it.\n")
      assert.equal((await command(`run ${first} ${second} ${second}`)).out, "Made due 2 jobs.\n")

      assert.equal((await command("pause order_update report_run")).out, "Paused order_update, report_run.\n")
      assert.match((await command("stats")).out, /^order_update .* paused$/m)
      assert.match((await command("pause order_updates", 1)).err, /There is no queue order_updates/)
      assert.equal((await command("resume --all --prefix order")).out, "Resumed 1 queue.\n")

      const questions: string[] = []
      const answer = (text: string) => async (question: string) => {
        questions.push(question)
        return text
      }
      const all = "cancel --all --state waiting --kind order_update"
      assert.equal((await command(all, 1, answer(""))).out, "Nothing was done.\n")
      assert.equal((await command(all, 0, answer("y"))).out, "Cancelled 3 jobs.\n")
      assert.equal((await command("retry --all --queue order_update")).out, "Retried 3 jobs.\n")
      assert.deepEqual(json(await command(`${all} --yes --json`)), { count: 3 })
      assert.equal((await command("delete --all --state dead --yes")).out, "Deleted 3 jobs.\n")
      assert.equal((await command("delete --all --state dead", 0, answer("yes"))).out, "Deleted 0 jobs.\n")
      assert.deepEqual(questions, [
        "Cancel 3 waiting jobs of kind order_update? [y/N] ",
        "Cancel 3 waiting jobs of kind order_update? [y/N] ",
        "Delete for good 0 dead jobs? [y/N] ",
      ])
      assert.match((await command(`show ${first}`, 1)).err, /^rootstock: There is no job .*\nTake its id from a list/)

      const written = await withShop(env, ({ database }) =>
        database.storage(AuditStorage).list({ where: { entity: ["job", "queue"] }, orderBy: { id: "asc" } }),
      )
      assert.ok(written.every(({ actorKind, actorId }) => actorKind === "console" && actorId === "operator"))
      assert.deepEqual(
        written.filter(({ entityId }) => entityId === first).map(({ action }) => action),
        ["cancel", "retry", "run", "cancel", "retry", "cancel", "delete"].map((action) => `jobs.${action}`),
      )
    })
  })
})

const id = "01992f6e-7a00-7000-8000-000000000001"

for (const [words, message] of [
  ["jobs", /needs a command: list, show, retry/],
  ["jobs list --state done", /--state done is not known; there are waiting, held, at_broker, dead/],
  ["jobs list --limit 1001", /--limit 1001 is no whole number from 1 to 1000/],
  ["jobs list --system bakery", /--system is missing or not known/],
  ["jobs show", /<id> is missing/],
  ["jobs show 7", /7 is no id of a job/],
  ["jobs retry", /No ids are given\.\nGive some, or --all/],
  [`jobs retry ${id} --all`, /--all and ids exclude each other/],
  [`jobs retry ${id} --queue order`, /--queue goes with --all/],
  ["jobs cancel --all", /--state is missing/],
  ["jobs cancel --all --state dead", /--state dead is not known; there are waiting, held, at_broker/],
  ["jobs delete --all --state dead", /--yes is missing, and there is no terminal/],
  ["jobs pause", /No queues are given/],
] as const) {
  test(`refuses \`rootstock ${words}\` and ends with 2`, async () => {
    const { code, err } = await run(words)
    assert.equal(code, 2, err)
    assert.match(err, message)
  })
}
