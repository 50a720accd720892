import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import { type LookupAddress, lookup as lookUp } from "node:dns"
import { request as requestHttp } from "node:http"
import { request as requestHttps } from "node:https"
import { isIP, type LookupFunction } from "node:net"
import type { Context } from "../services/context.ts"
import { isPublicAddress } from "./addresses.ts"
import type { Envelope } from "./envelope.ts"
import { codeOf, DeliveryError, retryAfterMs } from "./failure.ts"

/** How long a call may take in all, in milliseconds. */
const usualTimeoutMs = 10_000
/** Most bytes that are read of an answer. */
const mostAnswered = 4_096

type Target = { readonly url: string; readonly secret: string }
type Answer = { readonly status: number; readonly retryAfter: string | undefined; readonly body: Buffer }

/** Posts to addresses that people gave, signed with a secret that they know. */
export class WebhookSender {
  readonly #allowPrivate: boolean
  readonly #timeoutMs: number

  /** @param options.timeoutMs how long a call may take, for tests */
  constructor({ settings }: Pick<Context, "settings">, { timeoutMs = usualTimeoutMs }: { timeoutMs?: number } = {}) {
    this.#allowPrivate = settings.ALLOW_PRIVATE_WEBHOOKS
    this.#timeoutMs = timeoutMs
  }

  /**
   * Sends a notice. The key in `Idempotency-Key` is the same at each attempt, so that the receiver can drop a repetition.
   *
   * @throws DeliveryError
   */
  async send(target: Target, envelope: Envelope, signal: AbortSignal): Promise<void> {
    const { id, dedupeKey, type, title, content, reference } = envelope
    const body = {
      event: "notification",
      id,
      dedupe_key: dedupeKey,
      type,
      title,
      content,
      reference: reference ?? null,
    }
    await this.#post(target, body, { "idempotency-key": encodeURI(dedupeKey) }, signal)
  }

  /** Whether the receiver answers a challenge with itself, and so wants notices. @throws DeliveryError where it cannot be asked */
  async verify(target: Target, signal?: AbortSignal): Promise<boolean> {
    const challenge = randomBytes(24).toString("base64url")
    const answer = await this.#post(target, { event: "verification", challenge }, {}, signal)
    const given = Buffer.from(answer.body.toString("utf8").trim())
    const expected = Buffer.from(challenge)
    return given.length === expected.length && timingSafeEqual(given, expected)
  }

  async #post(
    { url, secret }: Target,
    json: object,
    headers: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<Answer> {
    const body = JSON.stringify(json)
    const timeout = AbortSignal.timeout(this.#timeoutMs)
    const answer = await this.#ask(new URL(url), body, {
      headers: {
        ...headers,
        "content-type": "application/json",
        "content-length": String(Buffer.byteLength(body)),
        "user-agent": "rootstock",
        "x-signature": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
      },
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    })
    const { status } = answer
    if (status >= 200 && status < 300) return answer
    // Redirects would lead around the check of the address.
    const mayPass = status >= 500 || status === 408 || status === 425 || status === 429
    throw new DeliveryError(mayPass ? "temporary" : "permanent", `The webhook answered ${status}.`, {
      retryAfterMs: mayPass ? retryAfterMs(answer.retryAfter) : undefined,
    })
  }

  async #ask(
    url: URL,
    body: string,
    options: { headers: Readonly<Record<string, string>>; signal: AbortSignal },
  ): Promise<Answer> {
    const host = url.hostname.replace(/^\[|\]$/g, "")
    // Names are checked where they are looked up for the connection, so that no second look-up can give another address.
    if (isIP(host) !== 0 && !this.#isAllowed(host)) throw refused()
    const send = url.protocol === "https:" ? requestHttps : requestHttp
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const call = send(url, { ...options, method: "POST", agent: false, lookup: this.#lookup }, (response) => {
      const parts: Buffer[] = []
      let length = 0
      const answered = () =>
        resolve({
          status: response.statusCode as number,
          retryAfter: response.headers["retry-after"],
          body: Buffer.concat(parts).subarray(0, mostAnswered),
        })
      response.on("data", (part: Buffer) => {
        parts.push(part)
        length += part.length
        if (length < mostAnswered) return
        answered()
        response.destroy()
      })
      response.on("end", answered)
      response.on("error", reject)
    })
    call.on("error", reject)
    call.end(body)
    try {
      return await promise
    } catch (error) {
      if (error instanceof DeliveryError) throw error
      throw new DeliveryError("temporary", `The webhook could not be asked: ${codeOf(error)}.`, { cause: error })
    }
  }

  #isAllowed(address: string): boolean {
    return this.#allowPrivate || isPublicAddress(address)
  }

  readonly #lookup: LookupFunction = (host, options, done) => {
    lookUp(host, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error !== null) return done(error, "")
      const allowed = found.filter(({ address }) => this.#isAllowed(address))
      const [first] = allowed
      if (first === undefined) return done(refused(), "")
      if (options.all === true) return done(null, allowed)
      done(null, first.address, first.family)
    })
  }
}

function refused(): DeliveryError {
  return new DeliveryError("permanent", "The webhook leads to an address that is not of the public internet.")
}
