import { createHash, timingSafeEqual } from "node:crypto"
import type { IncomingHttpHeaders } from "node:http"
import type { FastifyRequest } from "fastify"
import { commonRules } from "../../shared/index.ts"
import type { Access } from "../access.ts"
import { isLoopback } from "../listen.ts"
import { comesFromThisMachine, hostnameOf, isBeyondThisMachine } from "../local-callers.ts"
import { noSuchCall } from "../problem.ts"
import { operator } from "./operations.ts"

/**
 * Access for operators: with a token for those who send it, and without one for callers on this machine. To all others the
 * calls are not there.
 *
 * Without a token these must hold, since any page in a browser of this machine can reach the loopback address:
 *
 * - the socket is one of this machine. What proxies say of callers is believed of nobody, and a request that went through
 *   one is refused, as is everyone where `publicUrl` is beyond this machine: then callers come through a proxy, whether it
 *   says so or not, and each would look as if it were here;
 * - `Host` is a loopback name: a page under a name that was pointed here afterwards (DNS rebinding) sends its own;
 * - `Origin`, which browsers send with calls of pages, is this server's.
 *
 * With or without a token, POST must have a JSON media type, also where it has no body: browsers ask before they send
 * that across origins, as they do before PUT and DELETE, and nobody here says yes (cross-site request forgery).
 */
export function operatorAccess(options: { token?: string | undefined; publicUrl?: string | undefined }): Access {
  const expected = options.token === undefined ? undefined : digestOf(options.token)
  const isPublic = isBeyondThisMachine(options.publicUrl)
  return {
    admit(request) {
      if (expected === undefined) {
        if (isPublic || !isOfThisMachine(request)) throw noSuchCall(request)
      } else if (!timingSafeEqual(expected, digestOf(bearerOf(request.headers)))) {
        throw commonRules.broken(
          "UNAUTHENTICATED",
          "The call needs the operator's token: Authorization: Bearer <token>.",
          {
            headers: { "www-authenticate": "Bearer" },
          },
        )
      }
      if (request.method === "POST" && !isJson(request.headers)) {
        throw commonRules.broken(
          "UNSUPPORTED_MEDIA_TYPE",
          "The call needs Content-Type: application/json, also without a body.",
        )
      }
      return operator
    },
    carries: ({ headers }) => bearerOf(headers) !== "",
    security: [{ operatorToken: [] }, {}],
    schemes: {
      operatorToken: { type: "http", scheme: "bearer", description: "The value of OPERATOR_TOKEN." },
    },
    refusals: commonRules.pick("UNAUTHENTICATED", "NOT_FOUND"),
  }
}

/** Of equal length for all texts, so that the time of a comparison tells nothing. */
const digestOf = (text: string): Buffer => createHash("sha256").update(text).digest()

function bearerOf({ authorization = "" }: IncomingHttpHeaders): string {
  return /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? ""
}

function isJson({ "content-type": type = "" }: IncomingHttpHeaders): boolean {
  return /^application\/json *(?:;|$)/i.test(type)
}

function isOfThisMachine(request: FastifyRequest): boolean {
  if (!comesFromThisMachine(request)) return false
  const { host = "", origin } = request.headers
  if (!isLoopback(hostnameOf(host) ?? "")) return false
  return origin === undefined || origin === `http://${host}` || origin === `https://${host}`
}
