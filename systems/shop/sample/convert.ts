/**
 * Makes the sample data of the shop from Northwind.
 *
 *     node systems/shop/sample/convert.ts ../shared/data/northwind.sql
 *
 * Customers become users with their addresses, days are counted back from the last order, and the discount of a line
 * is taken off its price, so that a line's price is what was paid.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import type { SampleData } from "./data.ts"

const target = new URL("./data/northwind.json", import.meta.url)

const [source] = process.argv.slice(2)
if (source === undefined) {
  process.stderr.write("usage: node systems/shop/sample/convert.ts <path of northwind.sql>\n")
  process.exit(2)
}

const northwind = new DatabaseSync(":memory:")
northwind.exec(readFileSync(source, "utf8"))

function rows<T>(sql: string): T[] {
  return northwind.prepare(sql).all() as T[]
}

type Customer = {
  id: string
  contact: string
  role: string
  company: string
  country: string | null
  city: string | null
  street: string | null
  postalCode: string | null
}

const customers = rows<Customer>(`
  SELECT CustomerID AS id, ContactName AS contact, ContactTitle AS role, CompanyName AS company,
         Country AS country, City AS city, Address AS street, PostalCode AS postalCode
  FROM Customers ORDER BY CustomerID = 'VALON' OR CustomerID LIKE 'Val2%', CustomerID`)

const users: SampleData["users"] = customers.map((customer) => {
  const username = customer.id.trim().toLowerCase()
  const address =
    customer.country === null || customer.city === null || customer.street === null
      ? null
      : {
          country: customer.country,
          city: customer.city,
          street: customer.street.replace(/\s+/g, " "),
          postalCode: customer.postalCode,
        }
  const description = `${customer.contact}, ${customer.role}, ${customer.company}`
  return { username, email: `${username}@example.com`, description, address }
})

const products = rows<SampleData["products"][number] & { price: string; active: number }>(`
  SELECT p.ProductName AS name, c.CategoryName || ', ' || p.QuantityPerUnit AS description, CAST(p.UnitPrice AS TEXT) AS price,
         p.UnitsInStock AS stock, p.ReorderLevel AS lowStockThreshold, p.Discontinued = '0' AS active
  FROM Products p JOIN Categories c ON c.CategoryID = p.CategoryID ORDER BY p.ProductID`).map((product) => ({
  name: product.name,
  description: product.description,
  priceCents: cents(product.price),
  stock: product.stock,
  lowStockThreshold: product.lowStockThreshold,
  isActive: product.active === 1,
}))

type Order = { id: number; customer: string; day: number; shipped: number }
type Line = { orderId: number; product: number; quantity: number; price: string; discount: number }

const lines = Map.groupBy(
  rows<Line>(`
    SELECT OrderID AS orderId, ProductID AS product, Quantity AS quantity, CAST(UnitPrice AS TEXT) AS price,
           CAST(ROUND(Discount * 100) AS INTEGER) AS discount
    FROM "Order Details" ORDER BY OrderID, ProductID`),
  (line) => line.orderId,
)
const userNumbers = new Map(customers.map((customer, index) => [customer.id, index + 1]))

const orders = rows<Order>(`
  SELECT OrderID AS id, CustomerID AS customer, ShippedDate IS NOT NULL AS shipped,
         CAST(julianday(OrderDate) - (SELECT max(julianday(OrderDate)) FROM Orders) AS INTEGER) AS day
  FROM Orders ORDER BY OrderDate, OrderID`).map((order): SampleData["orders"][number] => ({
  user: userNumbers.get(order.customer)!,
  day: order.day,
  status: order.shipped === 1 ? "delivered" : order.day === 0 ? "pending" : order.day > -7 ? "confirmed" : "processing",
  items: lines
    .get(order.id)!
    .map(({ product, quantity, price, discount }) => [product, quantity, discounted(cents(price), discount)]),
}))

/** Hundredths from the digits of a price. */
function cents(price: string): number {
  const [units = "0", hundredths = ""] = price.split(".")
  return Number(units) * 100 + Number(hundredths.padEnd(2, "0"))
}

function discounted(priceCents: number, percent: number): number {
  return Math.round((priceCents * (100 - percent)) / 100)
}

function list(items: readonly unknown[]): string {
  return `[\n${items.map((item) => JSON.stringify(item)).join(",\n")}\n]`
}

const text = `{"users":${list(users)},"products":${list(products)},"orders":${list(orders)}}\n`
writeFileSync(target, text)
const lineCount = orders.reduce((count, order) => count + order.items.length, 0)
process.stdout.write(
  `${users.length} users, ${products.length} products, ${orders.length} orders with ${lineCount} lines\n`,
)
