/** The exit code of a worker that does not start as the database is away: it may be started again. */
export const databaseAway = 75
