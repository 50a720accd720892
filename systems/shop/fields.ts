import {
  emailAddress,
  fieldsOf,
  flag,
  listOf,
  money,
  objectOf,
  oneOf,
  optional,
  orNull,
  refined,
  rowId,
  wholeNumber,
  withDefault,
  words,
} from "rootstock/fields"
import {
  addresses,
  movementReasons,
  orderItems,
  orderStatuses,
  orders,
  products,
  rejectedOrders,
  reports,
  stockMovements,
  users,
} from "./schema.ts"

/** Which page of a list: `count` rows, the `page`-th of them from 1. One behind the last is empty. */
export const pageQuery = {
  count: withDefault(wholeNumber(1, 100), 10),
  page: withDefault(wholeNumber(1), 1),
}

const total = wholeNumber(0)

const userRow = fieldsOf(users)
export const user = objectOf("User", userRow)
export const userPage = objectOf("Users", { users: listOf(user), total })
const userInput = { username: words(150), email: emailAddress, description: optional(userRow.description) }
export const newUser = objectOf("NewUser", userInput)
export const userChanges = objectOf("UserChanges", {
  username: optional(userInput.username),
  email: optional(userInput.email),
  description: userInput.description,
})

const addressRow = fieldsOf(addresses)
export const address = objectOf("Address", addressRow)
export const addressPage = objectOf("Addresses", { addresses: listOf(address), total })
const place = {
  country: words(100),
  city: words(100),
  street: words(255),
  postalCode: optional(addressRow.postalCode),
}
export const newAddress = objectOf("NewAddress", { ...place, isPrimary: optional(flag) })
export const addressChanges = objectOf("AddressChanges", {
  country: optional(place.country),
  city: optional(place.city),
  street: optional(place.street),
  postalCode: place.postalCode,
  isPrimary: optional(flag),
})

/** Most minor units of a price: a hundred lines of ten thousand pieces still make a total that JSON carries exactly. */
const mostPrice = 1_000_000_000
const price = money({ most: mostPrice })
const pieces = wholeNumber(0, 1_000_000_000)
const productRow = fieldsOf(products)
export const product = objectOf("Product", productRow)
export const productPage = objectOf("Products", { products: listOf(product), total })
const productInput = {
  name: words(255),
  description: optional(productRow.description),
  priceCents: price,
  currency: optional(refined(words(3), { pattern: "^[A-Z]{3}$" })),
  stockQuantity: optional(pieces),
  isActive: optional(flag),
  lowStockThreshold: optional(pieces),
}
export const newProduct = objectOf("NewProduct", productInput)
export const productChangeFields = {
  ...productInput,
  name: optional(productInput.name),
  priceCents: optional(productInput.priceCents),
}
export const productChanges = objectOf("ProductChanges", productChangeFields)
export const productSorts = ["name", "-name", "price", "-price", "created_at", "-created_at"] as const
export const productQuery = {
  ...pageQuery,
  q: optional(refined(words(255), { description: "Part of the name, in any case." })),
  inStock: optional(flag),
  minPriceCents: optional(price),
  maxPriceCents: optional(price),
  isActive: optional(flag),
  sort: optional(oneOf(...productSorts)),
}
export const stockChange = objectOf("StockChange", {
  delta: refined(wholeNumber(-1_000_000_000, 1_000_000_000), { not: { const: 0 } }),
  reason: oneOf("receipt", "correction"),
})
const movementRow = fieldsOf(stockMovements)
const movement = objectOf("Movement", { ...movementRow, reason: oneOf(...movementReasons) })
export const movementPage = objectOf("Movements", { movements: listOf(movement), total })

const orderRow = fieldsOf(orders)
const itemRow = fieldsOf(orderItems)
const item = objectOf("OrderItem", {
  productId: itemRow.productId,
  productName: itemRow.productName,
  quantity: itemRow.quantity,
  priceCents: itemRow.priceCents,
})
export const order = objectOf("Order", {
  ...orderRow,
  addressSnapshot: objectOf("AddressSnapshot", {
    country: addressRow.country,
    city: addressRow.city,
    street: addressRow.street,
    postalCode: addressRow.postalCode,
  }),
  items: listOf(item),
})
export const orderPage = objectOf("Orders", { orders: listOf(order), total })
const line = objectOf("OrderLine", { productId: rowId, quantity: wholeNumber(1, 10_000) })
export const newOrder = objectOf("NewOrder", {
  userId: rowId,
  deliveryAddressId: rowId,
  items: listOf(line, { minItems: 1, maxItems: 100 }),
})
export const statusChangeFields = {
  status: oneOf(...orderStatuses),
  cancelReason: optional(orNull(words(500))),
  restock: optional(flag),
}
export const statusChange = objectOf("StatusChange", statusChangeFields)

const rejectedOrder = objectOf("RejectedOrder", fieldsOf(rejectedOrders))
export const rejectedOrderPage = objectOf("RejectedOrders", { orders: listOf(rejectedOrder), total })

export const report = objectOf("Report", fieldsOf(reports))
