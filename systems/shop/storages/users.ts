import { Storage } from "rootstock"
import { type User, users } from "../schema.ts"

export class UserStorage extends Storage(users) {
  byEmail(email: string): Promise<User | undefined> {
    return this.find({ email })
  }

  byUsername(username: string): Promise<User | undefined> {
    return this.find({ username })
  }

  /** Whether a user other than `exceptId` has this e-mail. */
  emailExists(email: string, exceptId?: number): Promise<boolean> {
    return this.exists({ email }, { except: exceptId })
  }

  /** Whether a user other than `exceptId` has this username. */
  usernameExists(username: string, exceptId?: number): Promise<boolean> {
    return this.exists({ username }, { except: exceptId })
  }
}
