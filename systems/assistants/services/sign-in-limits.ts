import { type RuleError, rateLimited } from "rootstock/shared"
import { type RateHit, RateLimiter } from "rootstock/state"
import type { Context } from "./context.ts"

const windowMs = 15 * 60_000
const perAccount = { limit: 5, windowMs }
const perAddress = { limit: 20, windowMs }

/** A sign-in that was let through. It counts as a failure until it is said to have succeeded. */
export type Attempt = { succeeded(): Promise<void> }

/** Bounds how often passwords are guessed: 5 failures an account and 20 an address in 15 minutes. */
export class SignInLimits {
  readonly #limiter: RateLimiter

  constructor({ database, clock }: Pick<Context, "database" | "clock">) {
    this.#limiter = new RateLimiter(database, { clock })
  }

  /**
   * Begins an attempt, outside of transactions. Those at the same moment count, too, so that they cannot outrun the limit.
   *
   * @param email in lower case; it need not be known
   * @param address of the caller; `undefined` where there is none
   * @throws RuleError `RATE_LIMITED`
   */
  async attempt(email: string, address: string | undefined): Promise<Attempt> {
    const account = `sign-in:account:${email}`
    const fromAddress =
      address === undefined ? undefined : await this.#limiter.hit(`sign-in:address:${address}`, perAddress)
    if (fromAddress?.allowed === false) throw tooMany(fromAddress)
    const ofAccount = await this.#limiter.hit(account, perAccount)
    if (!ofAccount.allowed) {
      // No password was tried: one person's locked account must not lock a whole office out.
      await fromAddress?.undo()
      throw tooMany(ofAccount)
    }
    return {
      succeeded: async () => {
        await this.#limiter.clear(account)
        await fromAddress?.undo()
      },
    }
  }
}

function tooMany({ retryAfterS }: RateHit): RuleError {
  return rateLimited("Too many sign-ins failed.", retryAfterS)
}
