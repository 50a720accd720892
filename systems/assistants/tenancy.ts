import { Scope } from "rootstock"

/**
 * The organisation whose rows the running code may see, by its id. No storage of this system works without one: HTTP calls
 * and jobs run in that of their caller or chat. Only what is meant for all of them is `unbounded`: sign-in, the console, sweeps.
 */
export const tenant = new Scope<string>("organization")
