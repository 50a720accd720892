# Not built on the development machine, which has no container engine.
FROM node:26-slim

WORKDIR /app
ENV NODE_ENV=production

COPY package.json package-lock.json .npmrc ./
COPY packages/rootstock/package.json packages/rootstock/
COPY systems/shop/package.json systems/shop/
COPY systems/assistants/package.json systems/assistants/
COPY app/package.json app/
# The image is the pinned Node already: without install scripts, npm fetches no second one.
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force

COPY packages packages
COPY systems systems
COPY app app
COPY scripts/entrypoint.mjs scripts/
RUN mkdir data && chown node:node data

USER node
EXPOSE 8000
ENTRYPOINT ["node", "scripts/entrypoint.mjs"]
CMD ["serve"]
