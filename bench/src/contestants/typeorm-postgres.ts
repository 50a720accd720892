import { DataSource } from "typeorm"
import type { Message, Order, User } from "../schema/rows.ts"
import type { Contestant, OpenOptions } from "./contract.ts"
import { typeormCalls } from "./typeorm-calls.ts"
import { defineEntities, postgresForms } from "./typeorm-entities.ts"

/** TypeORM on PostgreSQL: `pg`, bigint read as number by its own option. */
export async function open({ location, poolSize }: OpenOptions): Promise<Contestant> {
  const entities = defineEntities(postgresForms)
  const source = new DataSource({
    type: "postgres",
    url: location,
    poolSize,
    parseInt8: true,
    entities: Object.values(entities),
  })
  await source.initialize()
  const calls = typeormCalls(source, entities, { importChunk: 5_000 })

  return {
    form: "`findOneBy`, `find`, `insert`, query builder for bulk, updates and RETURNING; relations joined by `find`; `parseInt8`",
    packages: ["typeorm", "pg"],
    userById: calls.userById,
    latestMessages: calls.latestMessages,
    ordersFrom: calls.ordersFrom,
    insertMessage: calls.insertMessage,
    importMessages: calls.importMessages,

    messagesAfter: (cursor, limit): Promise<Message[]> =>
      source
        .getRepository(entities.messages)
        .createQueryBuilder("message")
        .where("(message.created_at, message.id) > (:createdAt, :id)", { createdAt: cursor.createdAt, id: cursor.id })
        .orderBy("message.created_at")
        .addOrderBy("message.id")
        .limit(limit)
        .getMany(),

    async clearImports(): Promise<void> {
      await source.query("TRUNCATE imports")
    },

    async updateUser(id, changes): Promise<User> {
      const { raw } = await source
        .createQueryBuilder()
        .update(entities.users)
        .set(changes)
        .where("id = :id", { id })
        .returning("*")
        .updateEntity(false)
        .execute()
      return userOf((raw as StoredUser[])[0] as StoredUser)
    },

    placeOrder: (input): Promise<Order> => source.transaction((manager) => calls.placeOrderWith(manager, input)),

    close: () => source.destroy(),
  }
}

/** RETURNING hands out the columns as the database names them. */
interface StoredUser extends Pick<User, "id" | "username" | "email" | "description" | "profile"> {
  is_active: boolean
  login_count: number
  created_at: Date
  updated_at: Date | null
}

function userOf(row: StoredUser): User {
  return {
    id: row.id,
    username: row.username,
    email: row.email,
    description: row.description,
    profile: row.profile,
    isActive: row.is_active,
    loginCount: row.login_count,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
