import { createHash, randomBytes } from "node:crypto"
import { errors, jwtVerify, SignJWT } from "jose"
import { uuidv7 } from "rootstock/schema"
import { passwordVersion } from "rootstock/shared"
import type { RefreshToken, User } from "../schema.ts"
import type { Context } from "./context.ts"

/** How long an access token is good for, in seconds. */
export const accessLife = 15 * 60
/** How long a refresh token is good for, in milliseconds. */
const refreshLife = 30 * 24 * 3_600_000

const algorithm = "HS256"
const audience = "assistants"

/** What an access token says: who, of which organisation, and for which version of the password it was given. */
export type Claims = { readonly userId: string; readonly orgId: string; readonly version: string }

/** What a person who signed in is given. */
export type TokenPair = { readonly accessToken: string; readonly refreshToken: string }

/**
 * Tokens of those who are signed in. An access token is signed and nowhere stored; of a refresh token the hash is, and it
 * is good once. All that changes a person's refresh tokens runs behind the lock of that person's row, one after another.
 */
export class Tokens {
  readonly #rows: Context["stores"]["refreshTokens"]
  readonly #clock: Context["clock"]
  readonly #key: Uint8Array

  constructor({ stores, clock, secrets }: Pick<Context, "stores" | "clock" | "secrets">) {
    this.#rows = stores.refreshTokens
    this.#clock = clock
    this.#key = secrets.sign
  }

  /** Gives a person, whose row is locked, tokens of a new sign-in or of one that goes on. */
  async issue(user: User & { passwordHash: string }, family: string = uuidv7()): Promise<TokenPair> {
    const refreshToken = randomBytes(32).toString("base64url")
    const now = this.#clock.now()
    const expiresAt = new Date(now.getTime() + refreshLife)
    // Those that ended by themselves are refused in any case.
    await this.#rows.deleteWhere({ userId: user.id, expiresAt: { lte: now } })
    await this.#rows.create({ tokenHash: hashOf(refreshToken), userId: user.id, family, expiresAt })
    return { accessToken: await this.#sign(user, now), refreshToken }
  }

  /** What a valid access token says; `undefined` for any other text. */
  async read(accessToken: string): Promise<Claims | undefined> {
    try {
      const { payload } = await jwtVerify(accessToken, this.#key, {
        algorithms: [algorithm],
        audience,
        currentDate: this.#clock.now(),
        requiredClaims: ["exp"],
      })
      const { sub, org, ver } = payload
      if (typeof sub !== "string" || typeof org !== "string" || typeof ver !== "string") return undefined
      return { userId: sub, orgId: org, version: ver }
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined
      throw error
    }
  }

  /** The row of a refresh token, used or not. */
  find(refreshToken: string): Promise<RefreshToken | undefined> {
    return this.#rows.get(hashOf(refreshToken))
  }

  async markUsed({ tokenHash }: RefreshToken): Promise<void> {
    await this.#rows.update(tokenHash, { usedAt: this.#clock.now() })
  }

  /** Voids all that descend from one sign-in; whether any was good. */
  async revokeFamily(family: string): Promise<boolean> {
    return (await this.#rows.updateWhere({ family, revokedAt: null }, { revokedAt: this.#clock.now() })) > 0
  }

  /** Voids all refresh tokens of a person. */
  async revokeAll(userId: string): Promise<void> {
    await this.#rows.updateWhere({ userId, revokedAt: null }, { revokedAt: this.#clock.now() })
  }

  #sign({ id, orgId, isAdmin, passwordHash }: User & { passwordHash: string }, now: Date): Promise<string> {
    const issued = Math.floor(now.getTime() / 1_000)
    return new SignJWT({ org: orgId, adm: isAdmin, ver: passwordVersion(passwordHash) })
      .setProtectedHeader({ alg: algorithm, typ: "JWT" })
      .setSubject(id)
      .setAudience(audience)
      .setIssuedAt(issued)
      .setExpirationTime(issued + accessLife)
      .sign(this.#key)
  }
}

function hashOf(refreshToken: string): string {
  return createHash("sha256").update(refreshToken).digest("hex")
}
