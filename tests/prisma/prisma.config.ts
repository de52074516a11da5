// Prisma without its engine binaries: the schema engine is compiled to JavaScript, and reaches
// the database through node-postgres. Its answers are the same.
import { PrismaPg } from "@prisma/adapter-pg";
import { defineConfig } from "prisma/config";

const url = new URL(process.env.DATABASE_URL!);
const schema = url.searchParams.get("schema") ?? "public";

export default defineConfig({
  schema: "schema.prisma",
  migrations: { path: process.env.ORACLE_MIGRATIONS! },
  engine: "js",
  experimental: { adapter: true },
  // Its own connector sets the search path to the URL's schema; the adapter does not. The pool
  // would keep the program from ending for as long as a connection may be idle.
  adapter: async () =>
    new PrismaPg(
      {
        connectionString: url.href,
        options: `-c search_path=${schema}`,
        idleTimeoutMillis: 50,
      },
      { schema },
    ),
});
