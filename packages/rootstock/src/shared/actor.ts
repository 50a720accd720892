import { Ambient } from "../ambient/index.ts"
import type { actorKinds } from "./tables.ts"

/** Who acts: a kind, and an id where there is one. */
export type Actor = {
  readonly kind: (typeof actorKinds)[number]
  /** At most 64 characters; `undefined` for a caller without credentials and for the system itself. */
  readonly id?: string | undefined
}

const system: Actor = Object.freeze({ kind: "system" })
/** Who acts. */
export const actors = new Ambient<Actor>()

/** Runs `work` in the name of `actor`, however deep the call. */
export function actAs<T>(actor: Actor, work: () => T): T {
  return actors.run(actor, work)
}

/** Who acts; the system itself unless somebody was named. */
export function currentActor(): Actor
/**
 * Who acts, where it is an actor of one kind: what a system's access admitted, with all that it carries.
 *
 * ### Examples
 *
 * ```ts
 * type Member = Actor & { readonly orgId: string }
 * const isMember = (actor: Actor): actor is Member => "orgId" in actor
 * currentActor(isMember)?.orgId
 * ```
 */
export function currentActor<A extends Actor>(is: (actor: Actor) => actor is A): A | undefined
export function currentActor(is?: (actor: Actor) => boolean): Actor | undefined {
  const actor = actors.value ?? system
  return is === undefined || is(actor) ? actor : undefined
}

/** The actor as text, e.g. `api_key:0198…`, at most 80 characters. */
export function actorName(actor: Actor = currentActor()): string {
  return actor.id === undefined ? actor.kind : `${actor.kind}:${actor.id}`
}
