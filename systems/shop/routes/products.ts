import { rowId } from "rootstock/fields"
import { type Route, route } from "rootstock/http"
import { commonRules } from "rootstock/shared"
import {
  movementPage,
  newProduct,
  pageQuery,
  product,
  productChanges,
  productPage,
  productQuery,
  stockChange,
} from "../fields.ts"
import { rules } from "../rules.ts"
import type { Services } from "../services/index.ts"

const tag = "products"
const params = { productId: rowId }
const absent = commonRules.pick("NOT_FOUND")
const taken = rules.pick("PRODUCT_NAME_EXISTS")
const version = (row: { version: number }) => row.version

export function productRoutes({ products }: Services): Route[] {
  return [
    route(
      "GET",
      "/products",
      { summary: "Products, filtered and sorted; by id unless said", tag, query: productQuery, answer: productPage },
      async ({ query: { count, page, sort, ...filters } }) => {
        const { rows, total } = await products.search(filters, sort, { count, page })
        return { products: rows, total }
      },
    ),
    route(
      "GET",
      "/products/{product_id}",
      { summary: "One product", tag, params, answer: product, version, refusals: absent },
      ({ params: { productId } }) => products.get(productId),
    ),
    route(
      "POST",
      "/products",
      { summary: "Create a product", tag, body: newProduct, answer: product, status: 201, refusals: taken },
      ({ body }) => products.create(body),
    ),
    route(
      "PUT",
      "/products/{product_id}",
      {
        summary: "Change a product",
        description:
          "Fields that are left out stay. `stock_quantity` sets the count and writes a `correction` movement.",
        tag,
        params,
        body: productChanges,
        answer: product,
        version,
        refusals: { ...absent, ...taken },
      },
      ({ params: { productId }, body, ifVersion }) => products.update(productId, body, ifVersion),
    ),
    route(
      "DELETE",
      "/products/{product_id}",
      {
        summary: "Delete a product",
        tag,
        params,
        version,
        refusals: { ...absent, ...rules.pick("PRODUCT_IN_ORDERS") },
      },
      ({ params: { productId }, ifVersion }) => products.delete(productId, ifVersion),
    ),
    route(
      "POST",
      "/products/{product_id}/stock",
      {
        summary: "Add to or take from the stock",
        tag,
        params,
        body: stockChange,
        answer: product,
        version,
        refusals: { ...absent, ...rules.pick("INSUFFICIENT_STOCK") },
      },
      ({ params: { productId }, body, ifVersion }) =>
        products.changeStock(productId, body.delta, body.reason, ifVersion),
    ),
    route(
      "GET",
      "/products/{product_id}/movements",
      {
        summary: "Movements of the stock, newest first",
        tag,
        params,
        query: pageQuery,
        answer: movementPage,
        refusals: absent,
      },
      async ({ params: { productId }, query }) => {
        const { rows, total } = await products.movements(productId, query)
        return { movements: rows, total }
      },
    ),
  ]
}
