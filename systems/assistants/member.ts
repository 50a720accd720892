import { type Actor, commonRules, currentActor } from "rootstock/shared"

/** A signed-in person, as the access token names it; whether it is an administrator is looked up where that matters. */
export type Member = Actor & { readonly kind: "user"; readonly id: string; readonly orgId: string }

const isMember = (actor: Actor): actor is Member => actor.kind === "user" && "orgId" in actor

/** Who is signed in. @throws RuleError `FORBIDDEN` for other callers, such as API keys */
export function currentMember(): Member {
  const member = currentActor(isMember)
  if (member === undefined) throw commonRules.broken("FORBIDDEN", "The call is for people who are signed in.")
  return member
}
