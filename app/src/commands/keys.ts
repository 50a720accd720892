import { type Command, inJsonKeys, type Surroundings, UsageError } from "../command/index.ts"
import { appUnit, openUnit, urlOf } from "../databases.ts"
import { readScopes } from "../keys/scopes.ts"
import { KeyService, type ShownKey } from "../keys/service.ts"
import { ApiKeyStorage } from "../keys/storage.ts"
import { bringUp } from "../migrations.ts"
import { appTables } from "../schema.ts"
import { systemNames } from "../systems.ts"
import { instantOption } from "./options.ts"
import { requiredOption, workplaceOf } from "./surroundings.ts"

/** Runs `work` with the keys of the app's database. */
async function withKeys<T>(surroundings: Surroundings, work: (keys: KeyService) => Promise<T>): Promise<T> {
  const workplace = workplaceOf(surroundings, { write: (line) => surroundings.complain(line.trimEnd()) })
  const url = urlOf(appUnit, workplace.settings, false)
  await bringUp(appUnit, url)
  await using database = await openUnit({ ...appUnit, tables: appTables }, url, workplace)
  return await work(new KeyService(database.storage(ApiKeyStorage), workplace.clock))
}

function lineOf({ id, name, prefix, scopes, expiresAt, revokedAt }: ShownKey): string {
  const state = revokedAt === null ? (expiresAt === null ? "" : `, expires ${expiresAt.toISOString()}`) : ", revoked"
  return `${id}  ${prefix}…  ${scopes.join(",")}  ${name}${state}`
}

const create: Command = {
  name: "create",
  summary: "Makes a key and shows it, once.",
  examples: ["keys create --name warehouse --scopes shop:read,shop:write"],
  options: {
    name: { type: "string", value: "name", sentence: "What the key is for, at most 120 characters." },
    scopes: { type: "string", value: "list", sentence: "What it may do, e.g. shop:read,shop:write." },
    expires: {
      type: "string",
      value: "instant",
      sentence: "When it ends, e.g. 2027-01-31T00:00:00Z; never where left out.",
    },
  },
  async run(call, surroundings) {
    const name = requiredOption(call, "name", "warehouse")
    if (name.length > 120) throw new UsageError("--name is longer than 120 characters.")
    const scopes = readScopes(requiredOption(call, "scopes", "shop:read"), systemNames)
    const expiresAt = instantOption(call, "expires")
    const made = await withKeys(surroundings, (keys) =>
      keys.create({ name, scopes, ...(expiresAt === undefined ? {} : { expiresAt }) }),
    )
    return {
      lines: [made.key, "Keep it: it is stored hashed and cannot be shown again. Send it as X-API-Key."],
      data: inJsonKeys(made),
    }
  },
}

const list: Command = {
  name: "list",
  summary: "Shows the keys, without their secrets.",
  async run(_call, surroundings) {
    const rows = await withKeys(surroundings, (keys) => keys.list())
    return { lines: rows.length === 0 ? ["There are no keys."] : rows.map(lineOf), data: inJsonKeys(rows) }
  },
}

const revoke: Command = {
  name: "revoke",
  summary: "Makes a key useless.",
  arguments: [{ name: "id", sentence: "Id of the key, as `keys list` shows it.", required: true }],
  async run({ words }, surroundings) {
    const id = words["id"]!.toLowerCase()
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) {
      throw new UsageError(`${id} is no id of a key.`, "Take it from `rootstock keys list`.")
    }
    const revoked = await withKeys(surroundings, (keys) => keys.revoke(id))
    if (revoked === undefined) return { lines: [`There is no key ${id}.`], data: null, code: 1 }
    return { lines: [`Revoked ${revoked.prefix}… (${revoked.name}).`], data: inJsonKeys(revoked) }
  },
}

export const keys: Command = {
  name: "keys",
  summary: "Makes, shows and revokes API keys.",
  commands: [create, list, revoke],
}
