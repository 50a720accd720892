import assert from "node:assert/strict"
import { test } from "node:test"
import { readSettings } from "rootstock/config"
import { type Command, runCommand } from "../src/command/index.ts"

const root: Command = {
  name: "rootstock",
  summary: "Grows services.",
  commands: [
    {
      name: "plant",
      summary: "Plants a tree.",
      examples: ["plant oak --depth 3"],
      arguments: [{ name: "tree", sentence: "What to plant.", required: true, values: ["oak", "elm"] }],
      options: { depth: { type: "string", value: "n", sentence: "How deep." } },
      run: async ({ words, options }) => ({
        lines: [`planted ${words["tree"]} at ${options["depth"] ?? 1}`],
        data: { tree: words["tree"], depth: options["depth"] ?? 1 },
      }),
    },
    { name: "fell", summary: "Fells a tree.", run: async () => ({ lines: ["none there"], data: null, code: 1 }) },
    {
      name: "serve",
      summary: "Serves.",
      run: async (_call, { env }) => {
        readSettings(env)
        return undefined
      },
    },
    {
      name: "burn",
      summary: "Burns.",
      run: async () => {
        throw new Error("no matches")
      },
    },
  ],
}

async function call(words: string, env: Record<string, string> = {}) {
  const out: string[] = []
  const err: string[] = []
  const code = await runCommand(root, words.split(" ").filter(Boolean), {
    env,
    terminal: false,
    print: (line) => out.push(line),
    complain: (line) => err.push(line),
    untilInterrupted: () => new Promise(() => undefined),
  })
  return { code, out: out.join("\n"), err: err.join("\n") }
}

test("runs a command with its words and options", async () => {
  assert.deepEqual(await call("plant oak --depth 3"), { code: 0, out: "planted oak at 3", err: "" })
  assert.deepEqual(await call("plant oak --json"), { code: 0, out: '{"tree":"oak","depth":1}', err: "" })
  assert.deepEqual(await call("fell"), { code: 1, out: "none there", err: "" })
})

test("shows the help of the program and of each command", async () => {
  const program = await call("--help")
  assert.equal(program.code, 0)
  assert.match(program.out, /Usage: rootstock <command>[\s\S]*plant +Plants a tree\./)
  const plant = await call("plant --help")
  assert.equal(plant.code, 0)
  assert.match(plant.out, /Usage: rootstock plant <tree> \[options\][\s\S]*--depth <n> +How deep\.[\s\S]*--json/)
})

for (const [words, message] of [
  ["", /needs a command: plant, fell/],
  ["water", /water is no command/],
  ["plant", /<tree> is missing/],
  ["plant birch", /birch is no tree; there are oak, elm/],
  ["plant oak elm", /elm is one word too many/],
  ["plant oak --height 3", /--height/],
  ["plant oak --depth", /--depth/],
] as const) {
  test(`exits with 2 for \`rootstock ${words}\` and says why`, async () => {
    const { code, out, err } = await call(words)
    assert.equal(code, 2)
    assert.equal(out, "")
    assert.match(err, message)
  })
}

test("exits with 2 for a bad environment and names every problem", async () => {
  const { code, err } = await call("serve", { PORT: "eighty", TIME_ZONE: "Mars/Olympus" })
  assert.equal(code, 2)
  assert.match(err, /PORT must be a whole number from 0 to 65535, e\.g\. PORT=8000/)
  assert.match(err, /TIME_ZONE must be the name of a time zone/)
  const { error } = JSON.parse((await call("serve --json", { PORT: "eighty", LOG_LEVEL: "loud" })).err)
  assert.deepEqual(
    error.problems.map((one: { variable: string }) => one.variable),
    ["PORT", "LOG_LEVEL"],
  )
})

test("exits with 1 where the work fails", async () => {
  const { code, err } = await call("burn")
  assert.equal(code, 1)
  assert.match(err, /no matches/)
})
