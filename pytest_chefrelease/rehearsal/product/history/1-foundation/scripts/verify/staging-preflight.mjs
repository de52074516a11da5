// Security rules that hold before anybody is let in; API_BASE_URL says where.
const base = process.env.API_BASE_URL ?? 'http://127.0.0.1:3001';
const rules = {
  'auth-guard': async () => (await fetch(`${base}/auth/me`)).status === 401,
  'docs-hidden': async () => [301, 302, 403, 404].includes((await fetch(`${base}/docs`)).status),
  'dev-portal-absent': async () => (await fetch(`${base}/dev/portal`)).status === 404,
  'request-id': async () =>
    ((await fetch(`${base}/health`)).headers.get('x-request-id') ?? '').length >= 10,
};
let failed = 0;
for (const [name, holds] of Object.entries(rules)) {
  const ok = await holds();
  console.log(`${ok ? 'ok' : 'FAILED'} ${name}`);
  if (!ok) failed += 1;
}
process.exit(failed ? 1 : 0);
