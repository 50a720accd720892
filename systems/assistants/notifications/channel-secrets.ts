import { Encryption } from "rootstock/shared"
import type { NotificationChannel } from "../schema.ts"
import type { Context } from "../services/context.ts"
import { DeliveryError } from "./failure.ts"

/** Secrets of webhooks: encrypted in their rows, and bound to them. */
export class ChannelSecrets {
  readonly #encryption: Encryption

  constructor({ secrets }: Pick<Context, "secrets">) {
    this.#encryption = new Encryption(secrets.encryption)
  }

  /** @param channelId id of the row that it is to stand in */
  seal(secret: string, channelId: string): string {
    return this.#encryption.encrypt(secret, placeOf(channelId))
  }

  /** @throws DeliveryError where the channel has none; ValidationError, ConfigError where it cannot be read */
  open({ id, config: { secret } }: Pick<NotificationChannel, "id" | "config">): string {
    if (secret === undefined) throw new DeliveryError("permanent", "The webhook has no secret.")
    return this.#encryption.decrypt(secret, placeOf(id))
  }
}

const placeOf = (row: string) => ({ table: "notification_channels", column: "config", row })
