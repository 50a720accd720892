import { hkdfSync, randomBytes } from "node:crypto"
import { Storage, UniqueError } from "rootstock"
import type { NamedKey, Settings } from "rootstock/config"
import { ConfigError } from "rootstock/errors"
import { isLoopback, type Secrets } from "rootstock/http"
import { secrets } from "./schema.ts"

export class SecretStorage extends Storage(secrets) {}

/** The id of the encryption key that was made here. */
const madeId = "made"

/**
 * Finds the keys of the installation: those of the environment, else, where the server is for this machine only, keys that
 * are made once and kept in the app's database, the same for all processes.
 *
 * A key for encryption that was made stays among those that decrypt when `ENCRYPTION_KEY` is set later.
 *
 * @returns what gives each system keys of its own
 */
export async function openSecrets(rows: SecretStorage, settings: Settings): Promise<(system: string) => Secrets> {
  const makes = isLoopback(settings.HOST)
  const made = async (name: string, given: unknown) =>
    given === undefined && makes ? makeOnce(rows, name) : (await rows.get(name))?.value
  const madeSign = await made("sign", settings.SECRET_KEY)
  const madeKey = await made("encryption", settings.ENCRYPTION_KEY)
  const sign = settings.SECRET_KEY ?? (makes ? madeSign : undefined)
  const given = settings.ENCRYPTION_KEY ?? (makes ? [] : undefined)
  const encryption =
    given === undefined || madeKey === undefined || given.some(({ id }) => id === madeId)
      ? given
      : [...given, { id: madeId, key: Buffer.from(madeKey, "base64url") }]
  return (system) => ({
    get sign() {
      return ownKey(sign ?? missing("SECRET_KEY", settings.HOST), `sign ${system}`)
    },
    get encryption() {
      const keys = encryption ?? missing("ENCRYPTION_KEY", settings.HOST)
      return keys.map(({ id, key }): NamedKey => ({ id, key: ownKey(key, `encryption ${system}`) }))
    },
  })
}

/** A key for one use that tells nothing of the one that it is made from. https://www.rfc-editor.org/rfc/rfc5869 */
function ownKey(key: string | Uint8Array, use: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", key, "", `rootstock ${use}`, 32))
}

/** The key of a name: the first that any process made. */
async function makeOnce(rows: SecretStorage, name: string): Promise<string> {
  const found = await rows.get(name)
  if (found !== undefined) return found.value
  try {
    return (await rows.create({ name, value: randomBytes(32).toString("base64url") })).value
  } catch (error) {
    if (!(error instanceof UniqueError)) throw error
    return makeOnce(rows, name)
  }
}

function missing(variable: "SECRET_KEY" | "ENCRYPTION_KEY", host: string): never {
  const example = variable === "SECRET_KEY" ? "$(openssl rand -base64 32)" : "k1:$(openssl rand -base64 32)"
  throw new ConfigError(`${variable} is not set, and HOST=${host} is reachable from other machines.`, {
    cure: `Set it for all processes, e.g. ${variable}=${example}, and keep it.`,
  })
}
