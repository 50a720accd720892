import assert from "node:assert/strict"
import { after, before, it } from "node:test"
import fc from "fast-check"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { agentProblems } from "../agent-config.ts"
import { expectAnswer, expectProblem, makeOrganization, makePerson, makeRole, type Person } from "./fixtures.ts"
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
  const as = ({ token }: Person) => ({ as: token })

  const chain = {
    agent_type: "chain",
    agent_config: { steps: [{ instruction: "Think", output_key: "idea" }, { instruction: "Write" }] },
  }
  const graph = {
    nodes: [
      { id: "a", instruction: "Ask" },
      { id: "b", instruction: "Answer" },
    ],
    edges: [
      { from: "a", to: "b" },
      { from: "b", to: "__end__" },
    ],
    entry: "a",
  }
  const body = (more: object = {}) => ({ name: "Lawyer", code: "lawyer", system_prompt: "You know the law.", ...more })

  it("are made by administrators, with what is usual where nothing is said", async () => {
    const role = await expectAnswer(app, 201, "POST", "/roles", body(), as(admin))
    assert.deepEqual(
      [role.org_id, role.model_name, role.agent_type, role.agent_config, role.tools, role.version, role.is_active],
      [admin.orgId, "qwen2.5:7b", "simple", {}, [], 0, true],
    )
    assert.deepEqual(await expectAnswer(app, 200, "GET", `/roles/${role.id}`, undefined, as(person)), role)
    await expectProblem(app, 409, "CODE_TAKEN", "POST", "/roles", body(), as(admin))
    await expectAnswer(app, 201, "POST", "/roles", body(), as(stranger))
    await expectProblem(app, 403, "FORBIDDEN", "POST", "/roles", body({ code: "mine" }), as(person))
    const [entry] = await app.stores.audit.list({ where: { entity: "roles", entityId: role.id } })
    assert.deepEqual([entry?.action, entry?.actorId], ["roles.create", admin.id])
  })

  it("keep their configuration as it was sent", async () => {
    const more = {
      ...chain,
      tools: ["calendar_create", "role_call"],
      prompt_file: "lawyer.v2 (ru).md".replace(/[()]/g, ""),
      rag_collection: "laws",
    }
    const role = await makeRole(app, admin, more)
    for (const [key, value] of Object.entries(more)) assert.deepEqual(role[key], value)
    const path = `/roles/${role.id}`
    const changed = await expectAnswer(
      app,
      200,
      "PATCH",
      path,
      { agent_type: "multi_agent", agent_config: { graph } },
      as(admin),
    )
    assert.deepEqual(changed.agent_config, { graph })
    const simple = await expectAnswer(app, 200, "PATCH", path, { agent_type: "simple" }, as(admin))
    assert.deepEqual(simple.agent_config, { graph })
  })

  it("have versions: a change of another one is refused, also at the same moment", async () => {
    const role = await makeRole(app, admin)
    const path = `/roles/${role.id}`
    const got = await app.send("GET", path, undefined, as(admin))
    assert.equal(got.headers["etag"], '"0"')
    const match = (version: number) => ({ ...as(admin), headers: { "if-match": `"${version}"` } })
    const changed = await expectAnswer(app, 200, "PATCH", path, { name: "One" }, match(0))
    assert.equal(changed.version, 1)
    await expectProblem(app, 412, "VERSION_MISMATCH", "PATCH", path, { name: "Two" }, match(0))
    await expectProblem(app, 412, "VERSION_MISMATCH", "DELETE", path, undefined, match(0))
    const answers = await Promise.all(
      [1, 2, 3, 4].map((n) => app.send("PATCH", path, { name: `At once ${n}` }, match(1))),
    )
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 412, 412, 412])
    assert.equal((await expectAnswer(app, 200, "PATCH", path, { name: "Without" }, as(admin))).version, 3)
    assert.equal((await expectAnswer(app, 200, "PATCH", path, {}, as(admin))).version, 3)
    await expectAnswer(app, 204, "DELETE", path, undefined, match(3))
    assert.equal((await expectAnswer(app, 200, "GET", path, undefined, as(admin))).is_active, false)
  })

  it("of others are absent, and those who are no administrators change none", async () => {
    const foreign = `/roles/${(await makeRole(app, stranger)).id}`
    for (const method of ["GET", "PATCH", "DELETE"] as const) {
      const sent = method === "PATCH" ? { name: "X" } : undefined
      await expectProblem(app, 404, "NOT_FOUND", method, foreign, sent, as(admin))
    }
    const own = `/roles/${(await makeRole(app, admin)).id}`
    await expectProblem(app, 403, "FORBIDDEN", "PATCH", own, { name: "X" }, as(person))
    await expectProblem(app, 403, "FORBIDDEN", "DELETE", own, undefined, as(person))
  })

  it("of system organizations are read by everyone", async () => {
    const system = await makeOrganization(app, { is_system: true })
    const role = await makeRole(app, system)
    assert.deepEqual(await expectAnswer(app, 200, "GET", `/roles/${role.id}`, undefined, as(person)), role)
    await expectProblem(app, 404, "NOT_FOUND", "PATCH", `/roles/${role.id}`, { name: "X" }, as(admin))
  })

  it("are listed by name, with or without inactive ones", async () => {
    const boss = await makeOrganization(app)
    const names = async (query: string) =>
      (await expectAnswer(app, 200, "GET", `/roles?limit=100${query}`, undefined, as(boss))).items
        .filter((one: { org_id: string }) => one.org_id === boss.orgId)
        .map(({ name }: { name: string }) => name)
    for (const name of ["B", "A", "C"]) await makeRole(app, boss, { name, is_active: name !== "C" })
    assert.deepEqual(await names(""), ["A", "B", "C"])
    assert.deepEqual(await names("&active_only=true"), ["A", "B"])
  })

  const wide = (count: number) => Array.from({ length: count }, (_, n) => ({ id: `n${n}`, instruction: "Go" }))
  const multi = (changes: object) => ({ agent_type: "multi_agent", agent_config: { graph: { ...graph, ...changes } } })
  for (const [what, path, more] of [
    [
      "a chain of 21 steps",
      "body/agent_config/steps",
      { agent_type: "chain", agent_config: { steps: Array(21).fill({ instruction: "x" }) } },
    ],
    [
      "a step without an instruction",
      "body/agent_config/steps/0/instruction",
      { agent_type: "chain", agent_config: { steps: [{}] } },
    ],
    [
      "an unknown part of a configuration",
      "body/agent_config/loops",
      { agent_type: "chain", agent_config: { loops: [] } },
    ],
    ["a graph of 21 nodes", "body/agent_config/graph/nodes", multi({ nodes: wide(21), edges: [], entry: "n0" })],
    ["an edge to nowhere", "body/agent_config/graph/edges/0/to", multi({ edges: [{ from: "a", to: "c" }] })],
    ["an edge from the end", "body/agent_config/graph/edges/0/from", multi({ edges: [{ from: "__end__", to: "a" }] })],
    ["an entry that is no node", "body/agent_config/graph/entry", multi({ entry: "c" })],
    [
      "two nodes of one name",
      "body/agent_config/graph/nodes/1/id",
      multi({ nodes: [graph.nodes[0], graph.nodes[0]], edges: [] }),
    ],
    [
      "a node that is called as the end",
      "body/agent_config/graph/nodes/0/id",
      multi({ nodes: [{ id: "__end__", instruction: "x" }], edges: [], entry: "__end__" }),
    ],
    [
      "a circle",
      "body/agent_config/graph/edges",
      multi({
        edges: [
          { from: "a", to: "b" },
          { from: "b", to: "a" },
        ],
      }),
    ],
    ["a graph without an end", "body/agent_config/graph/edges", multi({ edges: [{ from: "a", to: "b" }] })],
    ["a node that leads to itself", "body/agent_config/graph/edges", multi({ edges: [{ from: "a", to: "a" }] })],
    ["a graph for a chain", "body/agent_config/graph", { agent_type: "chain", agent_config: { graph } }],
    ["steps for a graph", "body/agent_config/steps", { ...chain, agent_type: "multi_agent" }],
    ["an unknown type of agent", "body/agent_type", { agent_type: "swarm" }],
    ["an unknown tool", "body/tools/0", { tools: ["rm"] }],
    ["a tool twice", "body/tools", { tools: ["role_call", "role_call"] }],
    ["a prompt file above the directory", "body/prompt_file", { prompt_file: "../secret" }],
    ["a prompt file in a directory", "body/prompt_file", { prompt_file: "a/b" }],
    ["a hidden prompt file", "body/prompt_file", { prompt_file: ".env" }],
    ["an empty prompt", "body/system_prompt", { system_prompt: "" }],
    ["a version", "body/version", { version: 7 }],
  ] as const) {
    it(`refuse ${what}`, async () => {
      const sent = body({ code: "refused", ...more })
      const problem = await expectProblem(app, 422, "VALIDATION_FAILED", "POST", "/roles", sent, as(admin))
      assert.equal(problem.errors[0].path, path)
    })
  }

  it("refuse a change that would make the configuration unfit", async () => {
    const role = await makeRole(app, admin, chain)
    const path = `/roles/${role.id}`
    await expectProblem(app, 422, "VALIDATION_FAILED", "PATCH", path, { agent_type: "multi_agent" }, as(admin))
    await expectProblem(app, 422, "VALIDATION_FAILED", "PATCH", path, { agent_config: { graph } }, as(admin))
    await expectAnswer(app, 200, "PATCH", path, { agent_type: "multi_agent", agent_config: { graph } }, as(admin))
  })
})

it("takes graphs without circles that lead to the end, as walking along their edges does", () => {
  const ids = ["a", "b", "c", "d"]
  const edge = fc.record({ from: fc.constantFrom(...ids), to: fc.constantFrom(...ids, "__end__") })
  fc.assert(
    fc.property(fc.array(edge, { maxLength: 8 }), (edges) => {
      const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
        edges.some((one) => {
          if (one.from !== from || seen.has(one.to)) return false
          return one.to === to || reaches(one.to, to, seen.add(one.to))
        })
      const nodes = ids.map((id) => ({ id, instruction: "x" }))
      const found = agentProblems("multi_agent", { graph: { nodes, edges, entry: "a" } })
      assert.equal(found.length > 0, ids.some((id) => reaches(id, id)) || !reaches("a", "__end__"))
    }),
  )
})
