import swagger from "@fastify/swagger"
import swaggerUi from "@fastify/swagger-ui"
import type { FastifyInstance } from "fastify"
import type { Access } from "./access.ts"
import { withComponents } from "./documentation.ts"
import { operationsPath } from "./operations/index.ts"

export type DocumentOptions = {
  title: string
  version: string
  /** Address under which users reach the server. */
  publicUrl?: string | undefined
  /** What stands before the paths of the document and its page, e.g. `/shop`. */
  prefix: string
  /** Who may make the calls. */
  accesses: readonly Access[]
}

/**
 * Serves an OpenAPI document of the calls that are registered on this instance from here on, and a page that shows it.
 *
 * @returns what is called when all are registered; it throws DeclarationError where two schemas share a name
 */
export async function documentCalls(fastify: FastifyInstance, options: DocumentOptions): Promise<() => void> {
  const { title, version, publicUrl, prefix, accesses } = options
  await fastify.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title, version },
      ...(publicUrl === undefined ? {} : { servers: [{ url: publicUrl }] }),
      components: { securitySchemes: Object.assign({}, ...accesses.map(({ schemes }) => schemes)) },
    },
    convertConstToEnum: false,
    transform: ({ url, route }) => {
      const { operation } = (route.config ?? {}) as { operation?: Record<string, unknown> }
      return { url, schema: operation ?? { hide: true } }
    },
    transformObject: (document) =>
      withComponents(
        ("openapiObject" in document ? document.openapiObject : {}) as Record<string, unknown>,
        // Those of operators stand beside a system's own where it is alone.
        (path) => (path.startsWith(`${operationsPath}/`) ? "Operations" : ""),
      ),
  })
  await fastify.register(swaggerUi, { routePrefix: `${prefix}/docs` })
  let text: string | undefined
  fastify.get(`${prefix}/schema/openapi.json`, (_request, reply) => {
    text ??= JSON.stringify(fastify.swagger())
    return reply.type("application/json").send(text)
  })
  return () => void fastify.swagger()
}
