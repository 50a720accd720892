import { isIPv6 } from "node:net"

type CacheSettings = {
  CACHE_URL: string | undefined
  REDIS_URL: string | undefined
  REDIS_HOST: string | undefined
  REDIS_PORT: number
  REDIS_DB: number
}

type BrokerSettings = {
  BROKER_URL: string | undefined
  RABBITMQ_HOST: string | undefined
  RABBITMQ_PORT: number
  RABBITMQ_VHOST: string
  RABBITMQ_USER: string
  RABBITMQ_PASSWORD: string
}

function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host
}

/** Where values are cached: `CACHE_URL`, or what `REDIS_HOST` and its companions make up, or `REDIS_URL`; else in the process. */
export function cacheUrl(settings: CacheSettings): string {
  const { CACHE_URL, REDIS_URL, REDIS_HOST, REDIS_PORT, REDIS_DB } = settings
  if (CACHE_URL !== undefined) return CACHE_URL
  if (REDIS_HOST !== undefined) return `redis://${bracketed(REDIS_HOST)}:${REDIS_PORT}/${REDIS_DB}`
  return REDIS_URL ?? "memory:"
}

/** Where queues are: `BROKER_URL`, or what `RABBITMQ_HOST` and its companions make up; else in the systems' databases. */
export function brokerUrl(settings: BrokerSettings): string {
  const { BROKER_URL, RABBITMQ_HOST, RABBITMQ_PORT, RABBITMQ_VHOST, RABBITMQ_USER, RABBITMQ_PASSWORD } = settings
  if (BROKER_URL !== undefined) return BROKER_URL
  if (RABBITMQ_HOST === undefined) return "database:"
  const [user, password, vhost] = [RABBITMQ_USER, RABBITMQ_PASSWORD, RABBITMQ_VHOST].map(encodeURIComponent)
  return `amqp://${user}:${password}@${bracketed(RABBITMQ_HOST)}:${RABBITMQ_PORT}/${vhost}`
}

/** A URL without user and password, for people. */
export function withoutCredentials(url: string): string {
  if (!URL.canParse(url)) return url
  const shown = new URL(url)
  shown.username = ""
  shown.password = ""
  return shown.href
}
