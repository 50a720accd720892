import type { FastifyInstance } from "fastify"

/** A system as the index shows it. */
type Listed = {
  readonly title: string
  /** What stands before its paths; nothing where it is alone. */
  readonly prefix: string
}

/** Serves an index of all that the server has, as a page to browsers and as JSON to others, where `/` is free. */
export function addIndex(fastify: FastifyInstance, title: string, systems: readonly Listed[]): void {
  if (fastify.hasRoute({ method: "GET", url: "/" })) return
  const links = {
    systems: systems.map(({ title, prefix }) => ({
      title,
      path: prefix === "" ? "/" : prefix,
      docs: `${prefix}/docs`,
      openapi: `${prefix}/schema/openapi.json`,
    })),
    docs: "/docs",
    openapi: "/schema/openapi.json",
    health: "/health",
    metrics: "/metrics",
  }
  const page = pageOf(title, links)
  fastify.get("/", (request, reply) => {
    reply.header("vary", "accept")
    if (!/\btext\/html\b/i.test(request.headers.accept ?? "")) return reply.send(links)
    return reply
      .type("text/html; charset=utf-8")
      .header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
      .send(page)
  })
}

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" }

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => escapes[sign] as string)
}

type Links = { systems: readonly { title: string; docs: string; openapi: string }[] } & Record<
  "docs" | "openapi" | "health" | "metrics",
  string
>

function pageOf(title: string, { systems, docs, openapi, health, metrics }: Links): string {
  // Without the first stroke, so that the links hold behind a proxy that adds a path.
  const link = (path: string, text: string) => `<a href="${escaped(path.slice(1))}">${escaped(text)}</a>`
  const item = (...links: string[]) => `<li>${links.join(" · ")}</li>`
  const own = systems.map((one) =>
    item(`<b>${escaped(one.title)}</b>`, link(one.docs, "Documentation"), link(one.openapi, "OpenAPI")),
  )
  const shared = [link(health, "Health"), link(metrics, "Metrics")]
  const operations = systems.length === 1 ? [] : [link(docs, "Operations"), link(openapi, "their OpenAPI")]
  return [
    '<!doctype html><html lang="en"><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">',
    `<title>${escaped(title)}</title>`,
    "<style>body{font:1rem/1.6 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}</style>",
    `<h1>${escaped(title)}</h1><ul>${own.join("")}${item(...operations, ...shared)}</ul></html>`,
  ].join("\n")
}
