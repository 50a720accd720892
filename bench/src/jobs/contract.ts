/** A queue with its worker, both in this process. */
export interface JobContestant {
  /** How it is used, one line. */
  form: string
  packages: readonly string[]
  send(n: number): Promise<unknown>
  sendMany(numbers: readonly number[]): Promise<unknown>
  /** How many jobs are not completed. */
  waiting(): Promise<number>
  close(): Promise<void>
}

export interface JobPlaces {
  /** A database that nobody else uses, with a table `ledger (id, n)`. */
  database: string
  /** A database of a Redis server that waits for the disk at each command. */
  redis: string
}

export interface JobSetting {
  /** Each job writes its number into `ledger`; otherwise its handler does nothing. */
  effects: boolean
  /** Connections to the database. */
  pool: number
  /** Jobs that are done at a time. */
  concurrency: number
  /** To be told of each job that its handler has done, and with an effect in a transaction that is committed. */
  done(n: number): void
}

export type OpenJobs = (places: JobPlaces, setting: JobSetting) => Promise<JobContestant>
