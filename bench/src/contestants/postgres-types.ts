import pg from "pg"

const bigint = 20

/** The types of `pg`, but for bigint, which is read as a number: no value here is beyond 2^53. */
export const numbersForBigint = {
  getTypeParser(oid: number, format?: "text" | "binary"): unknown {
    return oid === bigint ? Number : pg.types.getTypeParser(oid, format as "text")
  },
} as pg.CustomTypesConfig
