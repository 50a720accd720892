import type { KeyHolder } from "rootstock/http"
import { type Actor, commonRules, currentActor } from "rootstock/shared"

/** A signed-in person, as the access token names it; whether it is an administrator is looked up where that matters. */
export type Member = Actor & { readonly kind: "user"; readonly id: string; readonly orgId: string }

/** Whether it is a signed-in person. */
export const isMember = (actor: Actor): actor is Member => actor.kind === "user" && "orgId" in actor

/** Who is signed in. @throws RuleError `FORBIDDEN` for other callers, such as API keys */
export function currentMember(): Member {
  const member = currentActor(isMember)
  if (member === undefined) throw commonRules.broken("FORBIDDEN", "The call is for people who are signed in.")
  return member
}

/** A key that staff uses: it may do what concerns the organisations themselves. */
export type Staff = KeyHolder

/** Whether it is a key of staff. */
export const isStaff = (actor: Actor): actor is Staff =>
  actor.kind === "api_key" && (actor as Partial<Staff>).scopes?.includes("assistants:admin") === true

/** Somebody who need not be signed in. */
export type Visitor = Actor & { readonly kind: "user"; readonly address: string }

/** Whether it is somebody who need not be signed in. */
export const isVisitor = (actor: Actor): actor is Visitor => "address" in actor
