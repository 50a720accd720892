import { Storage, transaction } from "rootstock"
import { type Address, addresses } from "../schema.ts"

export class AddressStorage extends Storage(addresses) {
  /** Addresses of a user by id. */
  listByUser(userId: number, page: { count: number; page: number }): Promise<{ rows: Address[]; total: number }> {
    return this.page({ where: { userId }, ...page })
  }

  primaryOf(userId: number): Promise<Address | undefined> {
    return this.find({ userId, isPrimary: true })
  }

  /** The address of a user that was added last. */
  newestOf(userId: number): Promise<Address | undefined> {
    return this.find({ userId }, { orderBy: { createdAt: "desc" } })
  }

  /** Makes an address the primary one of its user; the one that was it is no longer. */
  makePrimary(id: number): Promise<Address> {
    return transaction(async () => {
      const { userId } = await this.getOrFail(id)
      await this.updateWhere({ userId, isPrimary: true, id: { not: id } }, { isPrimary: false })
      return this.update(id, { isPrimary: true })
    })
  }
}
