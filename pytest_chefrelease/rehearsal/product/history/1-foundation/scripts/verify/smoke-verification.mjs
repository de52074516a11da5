// Asks the endpoints that a release must answer; API_BASE_URL says where.
const base = process.env.API_BASE_URL ?? 'http://127.0.0.1:3001';
const endpoints = [
  ['/health', [200]],
  ['/pos/menu/categories', [200, 401]],
  ['/inventory/items', [200, 401]],
  ['/pos/orders', [200, 401]],
];
let failed = 0;
for (const [path, allowed] of endpoints) {
  const { status } = await fetch(base + path);
  const ok = allowed.includes(status);
  console.log(`${ok ? 'ok' : 'FAILED'} ${status} GET ${path}`);
  if (!ok) failed += 1;
}
process.exit(failed ? 1 : 0);
