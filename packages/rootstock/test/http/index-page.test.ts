import assert from "node:assert/strict"
import { test } from "node:test"
import { createServer, type MountedSystem, route } from "../../src/http/index.ts"
import { createLogger } from "../../src/log/index.ts"
import { exampleRoutes, noAnswers } from "./example.ts"

function serverOver(...systems: Pick<MountedSystem, "name" | "title" | "routes">[]) {
  return createServer({
    title: "Both <here>",
    version: "1",
    systems: systems.map((system) => ({ ...system, auth: "open", answers: noAnswers })),
    lookupKey: async () => undefined,
    health: { probes: [] },
    log: createLogger({ name: "http", level: "error" }),
  })
}

const html = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" }
const example = { name: "example", title: "Example & Sons", routes: exampleRoutes }

test("leads to everything that several systems have, and each link is there", async () => {
  const server = await serverOver(example, { name: "other", routes: exampleRoutes })
  const { systems, ...rest } = (await server.fastify.inject({ url: "/", headers: { accept: "*/*" } })).json()
  assert.deepEqual(systems, [
    { title: "Example & Sons", path: "/example", docs: "/example/docs", openapi: "/example/schema/openapi.json" },
    { title: "other", path: "/other", docs: "/other/docs", openapi: "/other/schema/openapi.json" },
  ])
  assert.deepEqual(Object.values(rest), ["/docs", "/schema/openapi.json", "/health", "/metrics"])
  const page = await server.fastify.inject({ url: "/", headers: html })
  assert.equal(page.headers["content-type"], "text/html; charset=utf-8")
  assert.equal(page.headers.vary, "accept")
  assert.match(page.body, /<title>Both &lt;here&gt;<\/title>/)
  assert.match(page.body, /<b>Example &amp; Sons<\/b>/)
  assert.doesNotMatch(page.body, /<script/i)
  const links = Array.from(page.body.matchAll(/href="([^"]+)"/g), ([, link]) => `/${link}`)
  const { docs, openapi } = systems.at(-1) as Record<string, string>
  for (const link of [docs, openapi, ...Object.values(rest)]) assert.ok(links.includes(link as string), String(link))
  for (const url of links) assert.ok((await server.fastify.inject({ url })).statusCode < 400, url)
  await server.stop()
})

test("leads to the documentation of one that is alone", async () => {
  const server = await serverOver(example)
  const { systems } = (await server.fastify.inject({ url: "/" })).json()
  assert.deepEqual(systems, [{ title: "Example & Sons", path: "/", docs: "/docs", openapi: "/schema/openapi.json" }])
  const { body } = await server.fastify.inject({ url: "/", headers: html })
  assert.doesNotMatch(body, /Operations/)
  await server.stop()
})

test("leaves / to a system that has it", async () => {
  const home = route("GET", "/", { summary: "Home", tag: "t" }, async () => undefined)
  const server = await serverOver({ ...example, routes: [home] })
  assert.equal((await server.fastify.inject({ url: "/" })).statusCode, 204)
  await server.stop()
})
