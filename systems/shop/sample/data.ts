import { readFile } from "node:fs/promises"

/** What `data/northwind.json` holds. Users, products and orders are numbered from 1 in the order of their lists. */
export type SampleData = {
  users: {
    username: string
    email: string
    description: string
    address: { country: string; city: string; street: string; postalCode: string | null } | null
  }[]
  products: {
    name: string
    description: string
    priceCents: number
    /** What is left after all orders. */
    stock: number
    lowStockThreshold: number
    isActive: boolean
  }[]
  orders: {
    /** Number of the user. */
    user: number
    /** Days before the last order's day, as a number ≤ 0. */
    day: number
    status: "pending" | "confirmed" | "processing" | "delivered"
    /** Number of the product, quantity, price in cents. */
    items: [product: number, quantity: number, priceCents: number][]
  }[]
}

/** Reads the sample data that lies in the repository. */
export async function readSampleData(): Promise<SampleData> {
  return JSON.parse(await readFile(new URL("./data/northwind.json", import.meta.url), "utf8"))
}
