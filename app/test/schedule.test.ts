import assert from "node:assert/strict"
import { describe, it, test } from "node:test"
import { type Ended, run, temporaryFolder } from "./program.ts"

const json = ({ out }: Ended) => JSON.parse(out)

describe("rootstock schedule", () => {
  it("makes, shows, changes and removes schedules", async () => {
    await using place = await temporaryFolder()
    const env = { DATABASE_URL: `sqlite:${place.path}`, TIME_ZONE: "Europe/Berlin" }
    const command = async (words: readonly string[], code = 0, ask?: (question: string) => Promise<string>) => {
      const ended = await run(["schedule", ...words, "--system", "shop"], env, ask)
      assert.equal(ended.code, code, ended.err)
      return ended
    }
    assert.equal((await run("migrate up", env)).code, 0)
    assert.equal((await command(["list"])).out, "There are no schedules.\n")

    const made = await command([
      "add",
      "extra:1",
      "--cron",
      "30 2 * * *",
      "--kind",
      "report_run",
      "--misfire",
      "all:31",
    ])
    assert.match(made.out, /^Added extra:1\.\nNext fire: \d{4}-\d\d-\d\dT\d\d:30:00\+0[12]:00\n$/)
    const payload = '{"report_date":"2998-12-31"}'
    await command(["add", "extra:2", "--at", "2999-01-01T00:00:00Z", "--kind", "report_run", "--payload", payload])
    const twin = await command(["add", "extra:1", "--cron", "@daily", "--kind", "report_run"], 1)
    assert.match(twin.err, /extra:1|exists/)

    const { items } = json(await command(["list", "--json"]))
    assert.deepEqual(
      items.map(({ key, time_zone, at, misfire, misfire_max, payload }: Record<string, unknown>) => [
        key,
        time_zone,
        at,
        misfire,
        misfire_max,
        payload,
      ]),
      [
        ["extra:1", "Europe/Berlin", null, "all", 31, {}],
        ["extra:2", null, "2999-01-01T00:00:00.000Z", "once", null, JSON.parse(payload)],
      ],
    )
    assert.equal(items[0].next_fires.length, 10)
    const listed = (await command(["list", "--prefix", "extra:"])).out
    assert.match(listed, /^extra:1 +stored +report_run +30 2 \* \* \* \(Europe\/Berlin\) +next /m)
    assert.match(listed, /^extra:2 +stored +report_run +once +next 2999-01-01T00:00:00.000Z$/m)

    const changes = ["--cron", "0 6 * * MON", "--time-zone", "Asia/Tokyo", "--grace-ms", "5"]
    const changed = json(await command(["change", "extra:1", ...changes, "--rev", String(items[0].rev), "--json"]))
    assert.deepEqual([changed.cron, changed.time_zone, changed.grace_ms], ["0 6 * * MON", "Asia/Tokyo", 5])
    assert.match((await command(["change", "extra:1", ...changes, "--rev", "1"], 1)).err, /not at rev 1 any more/)
    assert.match(
      (await command(["next", "extra:1", "--count", "2"])).out,
      /^(.*T06:00:00\+09:00 {2}.*T21:00:00.000Z\n){2}$/,
    )

    assert.equal((await command(["pause", "extra:1"])).out, "Paused extra:1.\n")
    assert.match((await command(["list", "--state", "paused"])).out, /^extra:1 .* paused$/m)
    assert.match((await command(["resume", "extra:1"])).out, /^Resumed extra:1\.\nNext fire: /)
    assert.equal((await command(["pause", "--all", "--prefix", "extra:"])).out, "Paused 2 schedules.\n")
    assert.match((await command(["resume", "extra:1", "extra:2", "extra:3"], 1)).out, /^Resumed 2 schedules\.\n1 left/)

    const { job_id } = json(await command(["run", "extra:1", "--json"]))
    assert.equal(json(await run(`jobs show ${job_id} --system shop --json`, env)).kind, "report_run")
    const range = ["--from", "2026-01-01T00:00:00Z", "--to", "2026-01-12T00:00:00Z"]
    const times = ["2026-01-04T21:00:00.000Z", "2026-01-11T21:00:00.000Z"]
    const missed = await command(["replay", "extra:1", ...range, "--dry-run"])
    assert.equal(missed.out, times.map((time) => `Missed ${time}\n`).join(""))
    assert.deepEqual(json(await command(["replay", "extra:1", ...range, "--json"])), { times })
    assert.equal((await command(["replay", "extra:1", ...range])).out, "No time was missed.\n")
    assert.equal((await command(["replay", "--all", ...range])).out, "Replayed 0 schedules.\n")

    const questions: string[] = []
    const no = async (question: string) => {
      questions.push(question)
      return "n"
    }
    assert.equal((await command(["remove", "--all", "--prefix", "extra:"], 1, no)).out, "Nothing was done.\n")
    assert.deepEqual(questions, ["Remove 2 schedules? [y/N] "])
    assert.equal((await command(["remove", "extra:2"])).out, "Removed extra:2.\n")
    assert.match((await command(["remove", "extra:2"], 1)).err, /There is no schedule extra:2/)
    assert.equal((await command(["remove", "--all", "--yes"])).out, "Removed 1 schedule.\n")
  })

  it("shows the fires of a timing, also where clocks change", async () => {
    await using place = await temporaryFolder()
    const env = { DATABASE_URL: `sqlite:${place.path}` }
    await run("migrate up", env)
    const words = [
      "schedule",
      "next",
      "--cron",
      "30 2 29,30 3 *",
      "--time-zone",
      "Europe/Berlin",
      "--count",
      "40",
      "--system",
      "shop",
      "--json",
    ]
    const fires: { at: string; local: string }[] = json(await run(words, env))
    const change = fires.find(({ local }) => local.startsWith("2037-03-29"))
    assert.deepEqual(change, { at: "2037-03-29T01:30:00.000Z", local: "2037-03-29T03:30:00+02:00" })
    for (const [wrong, message] of [
      [["next", "--cron", "61 * * * *"], /61/],
      [["add", "k", "--cron", "@daily", "--kind", "bake"], /no kind of job named "bake"/],
      [
        ["add", "k", "--cron", "@daily", "--at", "2999-01-01T00:00:00Z", "--kind", "report_run"],
        /either `cron` or `at`/,
      ],
      [
        ["add", "k", "--kind", "report_run", "--cron", "@daily", "--payload", "[]"],
        /payload of report_run does not fit/,
      ],
      [["list", "--cursor", "x"], /cursor is not one of this list/],
    ] as const) {
      const { code, err } = await run(["schedule", ...wrong, "--system", "shop"], env)
      assert.equal(code, 2, err)
      assert.match(err, message)
    }
  })
})

for (const [words, message] of [
  [["schedule"], /needs a command: list, add, change/],
  [["schedule", "add", "k", "--cron", "@daily"], /--kind is missing/],
  [["schedule", "add", "--kind", "report_run"], /<key> is missing/],
  [["schedule", "add", "k", "--kind", "report_run", "--at", "tomorrow"], /--at tomorrow is no instant/],
  [["schedule", "add", "k", "--kind", "report_run", "--payload", "{"], /--payload is no JSON/],
  [["schedule", "add", "k", "--kind", "report_run", "--misfire", "all"], /--misfire all is no rule/],
  [["schedule", "change", "k"], /There is nothing to change/],
  [["schedule", "pause"], /No keys are given/],
  [["schedule", "pause", "k", "--kind", "report_run"], /--kind goes with --all/],
  [["schedule", "list", "--state", "asleep"], /--state asleep is not known; there are active, paused, ended/],
  [["schedule", "remove", "--all"], /--yes is missing/],
  [["schedule", "next", "k", "--cron", "@daily"], /A key and a timing exclude each other/],
  [["schedule", "replay", "k"], /--from is missing/],
  [["schedule", "replay", "--all", "--from", "2026-01-01T00:00:00Z", "--dry-run"], /--dry-run goes with one key/],
] as const) {
  test(`refuses \`rootstock ${words.join(" ")}\` and ends with 2`, async () => {
    const { code, err } = await run(words)
    assert.equal(code, 2, err)
    assert.match(err, message)
  })
}
