import { createHash, timingSafeEqual } from "node:crypto"
import { type Access, combinedAccess, type Route } from "rootstock/http"
import { type Actor, commonRules } from "rootstock/shared"
import { isMember, isStaff, type Visitor } from "./member.ts"
import { staffTag } from "./routes/organizations.ts"
import { webhookPath } from "./routes/telegram.ts"
import { type AuthService, unauthenticated } from "./services/auth.ts"
import { tenant } from "./tenancy.ts"

type Request = Parameters<Access["admit"]>[0]

const bearer = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i

/**
 * Who may make the calls of the assistants: people by their access tokens, each in the scope of the own organisation, and
 * staff by API keys where calls are about the organisations themselves.
 *
 * @param webhookSecret what Telegram sends with the updates of the bot, where they come by the webhook
 */
export function assistantsAccess(auth: AuthService, keys: Access, webhookSecret?: string): Access {
  const combined = combinedAccess(peopleAccess(auth), staffAccess(keys))
  return {
    ...combined,
    admit(request, route) {
      if (route.path === webhookPath) checkWebhook(request, webhookSecret)
      // Whoever signs in is counted by address, whatever the request carries.
      return route.options.access === "public" ? visitor(request) : combined.admit(request, route)
    },
  }
}

/** @throws RuleError `FORBIDDEN` */
function checkWebhook({ headers }: Request, secret: string | undefined): void {
  const given = headers["x-telegram-bot-api-secret-token"]
  // Digests have one length, and comparing them tells nothing of what they are of.
  const digest = (text: string) => createHash("sha256").update(text).digest()
  if (secret !== undefined && typeof given === "string" && timingSafeEqual(digest(given), digest(secret))) return
  throw commonRules.broken("FORBIDDEN", "The call is for Telegram.")
}

function visitor({ ip }: Request): Visitor {
  return { kind: "user", address: ip }
}

function peopleAccess(auth: AuthService): Access {
  return {
    async admit({ headers: { authorization } }) {
      if (authorization === undefined) throw unauthenticated("The call needs an access token.")
      const [, token] = bearer.exec(authorization) ?? []
      if (token === undefined) throw unauthenticated("The header Authorization has no bearer token.")
      return auth.admit(token)
    },
    carries: ({ headers }) => headers.authorization !== undefined,
    around: (actor, work) => (isMember(actor) ? tenant.run(actor.orgId, work) : work()),
    security: [{ accessToken: [] }],
    schemes: { accessToken: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
    refusals: commonRules.pick("UNAUTHENTICATED", "FORBIDDEN"),
  }
}

/** Access by those keys that may administer, to those calls that are about the organisations themselves. */
function staffAccess(keys: Access): Access {
  return {
    ...keys,
    async admit(request: Request, route: Route): Promise<Actor> {
      const actor = await keys.admit(request, route)
      if (route.options.tag === staffTag && isStaff(actor)) return actor
      throw commonRules.broken("FORBIDDEN", "An API key may administer organizations, and needs assistants:admin.")
    },
  }
}
