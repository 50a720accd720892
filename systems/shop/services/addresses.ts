import { transaction } from "rootstock"
import { ForeignKeyError } from "rootstock/errors"
import type { Logger } from "rootstock/log"
import { absent, fail } from "rootstock/shared"
import { rules } from "../rules.ts"
import type { Address } from "../schema.ts"
import type { Stores } from "../storages/index.ts"
import type { Context, PageRequest } from "./context.ts"

type Place = { country: string; city: string; street: string; postalCode?: string | null | undefined }
export type NewAddress = Place & { isPrimary?: boolean | undefined }
export type AddressChanges = { [K in keyof NewAddress]?: NewAddress[K] | undefined }

/**
 * Delivery addresses. A user who has any has exactly one primary one; changes of one user's addresses wait for each
 * other on the user's row.
 */
export class AddressService {
  readonly #stores: Stores
  readonly #log: Logger

  constructor({ stores, log }: Context) {
    this.#stores = stores
    this.#log = log.named("shop.addresses")
  }

  /** @throws RuleError `NOT_FOUND` where there is no such user */
  async page(userId: number, request: PageRequest): Promise<{ rows: Address[]; total: number }> {
    if (!(await this.#stores.users.exists({ id: userId }))) throw absent("user", userId)
    return this.#stores.addresses.listByUser(userId, request)
  }

  /** @throws RuleError `NOT_FOUND` */
  async get(id: number): Promise<Address> {
    return (await this.#stores.addresses.get(id)) ?? fail(absent("address", id))
  }

  /** @throws RuleError `NOT_FOUND` where there is no such user */
  async create(userId: number, { isPrimary = false, ...place }: NewAddress): Promise<Address> {
    this.#log.info(`Adding an address to user ${userId}`, { user_id: userId })
    const address = await transaction(async () => {
      const { addresses, users, audit } = this.#stores
      if ((await users.lock(userId)) === undefined) throw absent("user", userId)
      const first = (await addresses.primaryOf(userId)) === undefined
      const made = await addresses.create({ ...place, userId, isPrimary: first })
      const row = isPrimary && !first ? await addresses.makePrimary(made.id) : made
      await audit.record({ action: "addresses.create", entity: "addresses", entityId: row.id, after: row })
      return row
    })
    this.#log.info(`Added address ${address.id}`, { address_id: address.id, user_id: userId })
    return address
  }

  /** @throws RuleError `NOT_FOUND`, `PRIMARY_REQUIRED` */
  async update(id: number, { isPrimary, ...place }: AddressChanges): Promise<Address> {
    this.#log.info(`Changing address ${id}`, { address_id: id })
    const address = await transaction(async () => {
      const { addresses, audit } = this.#stores
      const before = await this.#lock(id)
      if (isPrimary === false && before.isPrimary) {
        throw rules.broken("PRIMARY_REQUIRED", `Address ${id} is the primary one of user ${before.userId}.`)
      }
      const changed = Object.values(place).some((value) => value !== undefined)
      const moved = isPrimary === true && !before.isPrimary
      if (!changed && !moved) return before
      let after = before
      if (changed) after = await addresses.update(id, place)
      if (moved) after = await addresses.makePrimary(id)
      await audit.record({ action: "addresses.update", entity: "addresses", entityId: id, before, after })
      return after
    })
    this.#log.info(`Changed address ${id}`, { address_id: id })
    return address
  }

  /** @throws RuleError `NOT_FOUND`, `ADDRESS_IN_USE` */
  async delete(id: number): Promise<void> {
    this.#log.info(`Deleting address ${id}`, { address_id: id })
    try {
      await transaction(async () => {
        const { addresses, audit } = this.#stores
        const before = await this.#lock(id)
        await addresses.delete(id)
        const heir = before.isPrimary ? await addresses.newestOf(before.userId) : undefined
        if (heir !== undefined) await addresses.makePrimary(heir.id)
        await audit.record({ action: "addresses.delete", entity: "addresses", entityId: id, before })
      })
    } catch (error) {
      if (!(error instanceof ForeignKeyError)) throw error
      throw rules.broken("ADDRESS_IN_USE", `Address ${id} has orders.`, { cause: error })
    }
    this.#log.info(`Deleted address ${id}`, { address_id: id })
  }

  /** The address as it is once its user's row is locked. */
  async #lock(id: number): Promise<Address> {
    const { addresses, users } = this.#stores
    const found = (await addresses.get(id)) ?? fail(absent("address", id))
    await users.lock(found.userId)
    return (await addresses.get(id)) ?? fail(absent("address", id))
  }
}
