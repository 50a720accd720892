import { DataSource } from "typeorm"
import type { Message, Order, User } from "../schema/rows.ts"
import type { Contestant, OpenOptions } from "./contract.ts"
import { typeormCalls } from "./typeorm-calls.ts"
import { defineEntities, sqliteForms } from "./typeorm-entities.ts"

/** TypeORM on SQLite: better-sqlite3 with its statement cache; one connection for everything. */
export async function open({ location }: OpenOptions): Promise<Contestant> {
  const entities = defineEntities(sqliteForms)
  const source = new DataSource({
    type: "better-sqlite3",
    database: location,
    enableWAL: true,
    statementCacheSize: 100,
    entities: Object.values(entities),
    prepareDatabase: (database: { pragma: (text: string) => void }) => {
      database.pragma("synchronous = FULL")
      database.pragma("foreign_keys = ON")
    },
  })
  await source.initialize()
  const calls = typeormCalls(source, entities, { importChunk: 1_000 })
  const users = source.getRepository(entities.users)
  let lastTransaction: Promise<unknown> = Promise.resolve()

  return {
    form: "better-sqlite3 with statement cache; `findOneBy`, `find`, `insert`, query builder for bulk and updates; relations joined by `find`; an updated row is read again (no RETURNING here); transactions stand in a queue of ours, since TypeORM nests concurrent ones into each other on its one connection",
    packages: ["typeorm", "better-sqlite3"],
    userById: calls.userById,
    latestMessages: calls.latestMessages,
    ordersFrom: calls.ordersFrom,
    insertMessage: calls.insertMessage,
    importMessages: calls.importMessages,

    messagesAfter: (cursor, limit): Promise<Message[]> =>
      source
        .getRepository(entities.messages)
        .createQueryBuilder("message")
        .where("(message.created_at, message.id) > (:createdAt, :id)", {
          createdAt: cursor.createdAt.toISOString(),
          id: cursor.id,
        })
        .orderBy("message.created_at")
        .addOrderBy("message.id")
        .limit(limit)
        .getMany(),

    async clearImports(): Promise<void> {
      await source.query("DELETE FROM imports")
    },

    async updateUser(id, changes): Promise<User> {
      await users.update(id, changes)
      return users.findOneByOrFail({ id })
    },

    placeOrder(input): Promise<Order> {
      const transaction = lastTransaction.then(() =>
        source.transaction((manager) => calls.placeOrderWith(manager, input)),
      )
      // Who called it hears of its error; the next one only waits.
      lastTransaction = transaction.catch(() => undefined)
      return transaction
    },

    close: () => source.destroy(),
  }
}
